"""Compares two runs on the test samples that both have: paired differences with intervals, and a permutation test."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from zoo.adapt.results.intervals import difference
from zoo.adapt.results.outcomes import aligned, values
from zoo.entities import Entity, Outcomes, Run
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo.kinds.metrics import metric as metric_called

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.metric import Metric

PERMUTATIONS = 1999
"""Number of random exchanges; the smallest p is 1 / 2000."""

UNKNOWN = -1e3
"""The log odds of a label that a model does not know, below those of any other."""


@dataclass(frozen=True)
class Compared(Entity):
    """A metric of two runs on the same samples.

    Attributes:
        first, second: its value for each run.
        difference: first minus second.
        low, high: the 95 % interval of the difference.
        p: probability of a difference at least as large if both models were equally good.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    higher_is_better: bool = True


@dataclass(frozen=True)
class RunComparison(Entity):
    """Two runs on the test samples that both have.

    Attributes:
        first, second: ids of the runs.
        samples: number of distinct samples in both tests.
        units: of these, samples that do not depend on each other; copies and groups count once.
    """

    first: str
    second: str
    samples: int
    units: int
    metrics: tuple[Compared, ...]


def compare_runs(first: Run, second: Run, most: int | None = None, test: bool = True) -> RunComparison:
    """Compare the predictions of two runs for the test samples that both have.

    Args:
        most: maximum number of metrics; the primary one is the first.
        test: whether to do the permutation test, which takes long for many samples; without it p is not a number.

    Raises:
        DataError: a run has no record of its predictions, the tests have no sample in common, or their targets differ.
    """
    if first.id == second.id:
        raise DataError(f"Both runs are {first.id}.", "Name two different runs: zoo runs")
    one, other = _outcomes(first), _outcomes(second)
    if one.kind != other.kind:
        raise DataError(
            f"Run {first.id} predicts {kind_of(one.kind).nouns}, run {second.id} {kind_of(other.kind).nouns}.",
            "Compare runs of one task.",
        )
    here, there = aligned(one, other)
    if not here:
        raise DataError(
            f"The tests of the runs {first.id} and {second.id} have no sample in common.",
            "Compare runs on the same data with the same --seed and --test.",
        )
    targets, found = (_taken(one, name, here, one.classes) for name in ("targets", "predictions"))
    also, predicted = (_taken(other, name, there, one.classes) for name in ("targets", "predictions"))
    if list(map(_comparable, also)) != list(map(_comparable, targets)):
        raise DataError(
            f"The runs {first.id} and {second.id} have different targets for the same samples.",
            "Compare runs on the same labels.",
        )
    kind = kind_of(one.kind)
    known, left, right = (values(kind, items) for items in (targets, found, predicted))
    units = [one.units[at] for at in here]
    shared = [name for name in first.metrics if name in second.metrics]
    compared = [_compared(metric_called(name), known, left, right, units, test=test) for name in shared[:most]]
    finite = [one for one in compared if isfinite(one.low) and isfinite(one.high)]
    return RunComparison(first.id, second.id, len(here), len(set(units)), tuple(finite))


def _compared(metric: Metric, targets: Any, left: Any, right: Any, units: list[int], *, test: bool) -> Compared:
    found = difference(metric, targets, left, right, units)
    values = metric.compute(targets, left), metric.compute(targets, right)
    p = permutation_test(metric, targets, left, right, units) if test else nan
    return Compared(metric.name, *values, found.value, found.low, found.high, p, metric.higher_is_better)


def permutation_test(metric: Metric, targets: Any, left: Any, right: Any, units: list[int]) -> float:
    """The p-value of a paired permutation test of a metric, two-sided: predictions for whole units are exchanged.

    (Good, "Permutation, parametric, and bootstrap tests of hypotheses", 2005, chapter 3; the observed difference counts
    as one of the permutations.)
    """
    import numpy as np

    generator = np.random.default_rng(0)
    of = np.unique(np.asarray(units), return_inverse=True)[1].reshape(-1)
    observed = abs(metric.compute(targets, left) - metric.compute(targets, right))
    rounds = min(PERMUTATIONS, 20 * metric.recomputed - 1)
    extreme = 0
    for _ in range(rounds):
        swap = (generator.random(of.max() + 1) < 0.5)[of]
        changed = [_mixed(left, right, swap), _mixed(right, left, swap)]
        extreme += abs(metric.compute(targets, changed[0]) - metric.compute(targets, changed[1])) >= observed - 1e-12
    return (1 + extreme) / (1 + rounds)


def _comparable(target: Any) -> Any:
    """A target as it is after reading JSON, where tuples become lists."""
    return list(target) if isinstance(target, tuple) else target


def _mixed(one: Any, other: Any, swap: np.ndarray) -> Any:
    import numpy as np

    if isinstance(one, np.ndarray):
        return np.where(swap.reshape(-1, *[1] * (one.ndim - 1)), other, one)
    return [theirs if swapped else own for own, theirs, swapped in zip(one, other, swap.tolist(), strict=True)]


def _outcomes(run: Run) -> Outcomes:
    if run.outcomes is None or not run.outcomes.samples:
        raise DataError(
            f"Run {run.id} has no record of its predictions: it was imported from a table, made by an earlier version "
            "of zoo, or its answers are neither classes, numbers nor texts.",
            "Run it again: zoo tune MODEL DATA",
        )
    return run.outcomes


def _taken(outcomes: Outcomes, name: str, positions: list[int], classes: tuple[str, ...]) -> list[Any]:
    """Targets or predictions at these positions, classes as indices of ``classes``, sets in their order."""
    found = [getattr(outcomes, name)[at] for at in positions]
    if not classes or outcomes.classes == classes:
        return found
    if found and isinstance(found[0], (list, tuple)):
        at = {label: index for index, label in enumerate(outcomes.classes)}
        return [[row[at[label]] if label in at else UNKNOWN for label in classes] for row in found]
    place = {label: index for index, label in enumerate(classes)}
    return [place.get(outcomes.classes[at] if at < len(outcomes.classes) else "", len(classes)) for at in found]


def verdict(found: RunComparison) -> str:
    """What the comparison says about the primary metric, in a sentence."""
    if not found.metrics:
        return "The runs have no metric in common."
    first = found.metrics[0]
    if first.low <= 0 <= first.high:
        return (
            f"The difference in {first.metric} may be chance: {found.units:,} independent samples cannot tell the "
            "models apart."
        )
    better = "A" if (first.difference > 0) == first.higher_is_better else "B"
    return f"{better} is better in {first.metric}; the interval of the difference excludes 0."
