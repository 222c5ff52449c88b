"""The figures of a candidate: new ones, and those saved by an earlier measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from zoo.entities import Measurement, ModelCard
from zoo.provenance import are_current, libraries_of, revision_of, versions

if TYPE_CHECKING:
    from zoo.contract.estimator import Measured as Value
    from zoo.selection.measure.plan import MeasurementPlan


_PRECISION, _COPIES = _SETTINGS = "precision", "copies"
"""Recorded with the versions that a figure depends on; ``copies`` only if samples are copies of others."""


@dataclass(frozen=True)
class Measured:
    """The figures of one candidate: a model, or one layer of it.

    Attributes:
        figures: one per requested estimator, in that order, on the most samples.
        reused: whether the figures come from an earlier measurement.
        stopped: why it was not measured on all samples; empty if it was.
        finalist: whether it could still win when the measuring ended.
        values: estimator values by number of samples and name, with parts for paired comparisons.
    """

    card: ModelCard
    figures: tuple[Measurement, ...]
    reused: bool = False
    stopped: str = ""
    finalist: bool = True
    values: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The layer whose features were measured."""
        return self.figures[0].layer

    @property
    def samples(self) -> int:
        """Number of samples that the figures are from."""
        return self.figures[0].samples

    @property
    def seconds(self) -> float:
        """The cost of measuring it: its share of loading and extraction, and the estimators."""
        return sum(figure.seconds for figure in self.figures)

    @property
    def curve(self) -> tuple[tuple[int, float], ...]:
        """(samples, deciding value) after each step of a race, fewest samples first; empty if there was one step."""
        first = self.figures[0].estimator
        steps = tuple((samples, self.values[samples][first].value) for samples in sorted(self.values))
        return steps if len(steps) > 1 else ()

    def value_on(self, samples: int) -> Value | None:
        """The deciding estimator's value on this number of samples, if it was measured on them."""
        from zoo.contract.estimator import Measured as Value

        known = self.values.get(samples, {}).get(self.figures[0].estimator)
        if known is None and samples == self.samples:
            return Value(self.figures[0].value, self.figures[0].low, self.figures[0].high)
        return known


def candidate_name(card: ModelCard, layer: str) -> str:
    """A layer of a model in one word, as ``--candidates`` takes it."""
    return f"{card.id}#{layer}"


def kept_figures(card: ModelCard, layer: str, plan: MeasurementPlan) -> Measured | None:
    """The saved figures of a candidate, if there is one per estimator for this revision, data, seed and software."""
    from zoo.registry import open_registry

    if plan.fresh:
        return None
    kept = open_registry().measurements(data=plan.sampled.fingerprint, task=plan.task.name, models=[card.id])
    revision, precision = revision_of(card), plan.precision(card)
    by_name = {
        figure.estimator: figure
        for figure in kept
        if figure.revision == revision
        and figure.layer == layer
        and figure.seed == plan.seed
        and are_current({name: version for name, version in figure.versions.items() if name not in _SETTINGS})
        and figure.versions.get(_PRECISION, precision) == precision
        and figure.versions.get(_COPIES, "0") == str(plan.copies)
        and figure.samples == plan.samples
    }
    if any(name not in by_name for name in plan.estimators):
        return None
    return Measured(card, tuple(by_name[name] for name in plan.estimators), reused=True)


def figures_of(
    plan: MeasurementPlan,
    card: ModelCard,
    layer: str,
    *,
    samples: int,
    values: Mapping[str, Value],
    seconds: float,
    versions: Mapping[str, str],
) -> tuple[Measurement, ...]:
    """The figures of one candidate on the first ``samples`` samples, with everything needed to repeat them.

    Args:
        seconds: their total cost, recorded in equal shares.
        versions: of the software that computed the features.
    """
    data = plan.part(samples)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    settings = {_PRECISION: plan.precision(card)}
    if plan.copies:
        settings[_COPIES] = str(plan.copies)
    return tuple(
        Measurement(
            model=card.id,
            task=plan.task.name,
            data=data.fingerprint,
            dataset=data.name,
            estimator=name,
            value=values[name].value,
            low=values[name].low,
            high=values[name].high,
            layer=layer,
            samples=samples,
            seconds=round(seconds / len(plan.estimators), 4),
            revision=revision_of(card),
            seed=plan.seed,
            device=plan.device,
            versions={**versions, **estimator_versions(name), **settings},
            created=now,
        )
        for name in plan.estimators
    )


def estimator_versions(name: str) -> dict[str, str]:
    """Versions of the software that an estimator's value depends on, besides that of the features."""
    from zoo.transfer.measure import find_estimator

    estimator = find_estimator(name)
    functions = (estimator.score, estimator.from_statistics, estimator.measure)
    return versions() | libraries_of(*(function for function in functions if function is not None))
