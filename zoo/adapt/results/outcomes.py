"""The results of a test from predictions: metrics with intervals, and the record of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from zoo.adapt.results.intervals import Interval, difference, interval
from zoo.entities import Dataset, Outcomes

if TYPE_CHECKING:
    from zoo.contract.metric import Metric

MOST_KEPT = 50_000
"""Maximum number of predictions that a run records, one per test sample, or per sample and label: about 2 MB."""

_HEX = 16
"""Characters of a sample's digest; two of a million samples share one with a probability of 3e-8."""

Gain = tuple[float, float, float]
"""A difference with the lowest and highest value of its interval."""


def intervals(
    metrics: Sequence[Metric], targets: Any, predictions: Any, units: Sequence[int] | None
) -> dict[str, Interval]:
    """The 95 % interval of each metric, see ``zoo.adapt.results.intervals``; those without finite ends are left out."""
    found = {one.name: interval(one, targets, predictions, units) for one in metrics}
    return {name: ends for name, ends in found.items() if all(map(isfinite, ends))}


def gain(metric: Metric, targets: Any, predictions: Any, other: Any, units: Sequence[int] | None) -> Gain:
    """The difference of a metric to that of ``other`` predictions for the same samples; above 0 is better."""
    found = difference(metric, targets, predictions, other, units)
    if metric.higher_is_better:
        return found.value, found.low, found.high
    return -found.value, -found.high, -found.low


def outcomes(
    dataset: Dataset,
    positions: Sequence[int],
    targets: Any,
    predictions: Any,
    *,
    confidences: Sequence[float] | None = None,
    units: Sequence[int] | None = None,
) -> Outcomes | None:
    """The record of a test; None for targets that are not classes, sets of them, numbers or texts, or for too many.

    Args:
        positions: of the n tested samples in the data set.
        targets, predictions: n each.
        confidences: n probabilities of the predicted classes.
        units: n integers, equal for samples that depend on each other.
    """
    from zoo.data import identities

    known, found = _plain(targets), _plain(predictions)
    if known is None or found is None or not 0 < len(known) * _width(known) <= MOST_KEPT:
        return None
    digests = identities(dataset)
    samples = () if digests is None else tuple(_hex(digests[at]) for at in positions)
    return Outcomes(
        kind=dataset.target_kind,
        classes=tuple(dataset.classes),
        samples=samples,
        units=tuple(int(unit) for unit in (positions if units is None else units)),
        targets=known,
        predictions=found,
        confidences=() if confidences is None else tuple(round(float(one), 5) for one in confidences),
    )


def aligned(first: Outcomes, second: Outcomes) -> tuple[list[int], list[int]]:
    """Positions of the samples that both records have, in the order of the first; copies count once."""
    places = {sample: at for at, sample in reversed(list(enumerate(second.samples)))}
    seen: dict[str, tuple[int, int]] = {}
    for at, sample in enumerate(first.samples):
        if sample in places:
            seen.setdefault(sample, (at, places[sample]))
    pairs = list(seen.values())
    return [one for one, _ in pairs], [other for _, other in pairs]


def values(kind: Any, found: Sequence[Any]) -> Any:
    """Targets or predictions of a record as metrics take them."""
    return kind.array(found) if kind.estimable else list(found)


def _plain(found: Any) -> tuple[Any, ...] | None:
    """As JSON values, if they are classes, numbers, texts, or lists of numbers."""
    items = found.tolist() if hasattr(found, "tolist") else list(found)
    if getattr(found, "ndim", 1) == 2:
        return tuple([_rounded(value) for value in row] for row in items)
    return tuple(items) if all(isinstance(item, (int, float, str)) for item in items) else None


def _rounded(value: float) -> float:
    """Six significant digits, which keep the sign."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _width(items: Sequence[Any]) -> int:
    return len(items[0]) if items and isinstance(items[0], list) else 1


def _hex(digest: bytes) -> str:
    return bytes(digest).ljust(_HEX // 2, b"\0")[: _HEX // 2].hex()
