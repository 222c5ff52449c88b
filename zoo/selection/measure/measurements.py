"""Measures the candidates: chooses layers, reuses saved figures, runs the race, and saves new figures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zoo.answers import Exclusion
from zoo.entities import Measurement
from zoo.errors import InvalidInput, RegistryError, StorageError, ZooError
from zoo.selection.measure.extracting import BudgetSpent, Extractor, LocalExtractor
from zoo.selection.measure.figures import Measured, figures_of, kept_figures
from zoo.selection.measure.layer_statistics import Targets, needs_probabilities
from zoo.selection.measure.plan import MeasurementPlan
from zoo.selection.measure.racing import Outcome, Race, Runner
from zoo.selection.measure.stopping import looks
from zoo.selection.request.candidates import Choice
from zoo.selection.request.layers import LAST, expand

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress


@dataclass(frozen=True)
class Effort:
    """How much time may be spent, and where.

    Attributes:
        budget: seconds, after which the best answer so far is returned; None for no limit.
        race: stop candidates that can no longer win; otherwise each is measured on all samples.
        cluster: address of a Ray cluster, ``local`` for one on this machine, or None for this process.
    """

    budget: float | None = None
    race: bool = False
    cluster: str | None = None


@dataclass
class Measurements:
    """The results of measuring.

    Attributes:
        measured: every candidate that has figures, in no particular order.
        excluded: those without figures, with the reason.
        partial: why the answer is not complete, in a sentence; empty if it is.
        interrupted: whether Ctrl-C ended it.
        passes: forward passes, one per sample, for all models together.
        full: the same for a full measurement.
        warnings: what could not be saved, in sentences.
        copies: measured samples that are copies of an earlier one.
    """

    measured: list[Measured] = field(default_factory=list)
    excluded: list[Exclusion] = field(default_factory=list)
    partial: str = ""
    interrupted: bool = False
    passes: int = 0
    full: int = 0
    warnings: list[str] = field(default_factory=list)
    copies: int = 0


def measure_all(choices: Sequence[Choice], plan: MeasurementPlan, effort: Effort, progress: Progress) -> Measurements:
    """Measure every candidate as far as the effort allows; a model that fails does not affect the others.

    Raises:
        ZooError: no candidate is left, or none could be measured.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    if not choices:
        raise InvalidInput("No candidate is within the limits.", "Relax --license, --max-size or --max-parameters.")
    deadline = None if effort.budget is None else time.monotonic() + effort.budget
    measurements = Measurements()
    targets = Targets.of(plan.dataset, plan.order, plan.estimators, plan.units)
    extractor = _extractor(plan, targets, effort, deadline, progress)
    try:
        runners, failures = candidate_layers(choices, plan, extractor)
    except BudgetSpent:
        runners, failures = [], []
    except BaseException:
        extractor.close()
        raise
    kept = [known for runner in runners if (known := kept_figures(runner.card, runner.layer, plan))]
    if not effort.race or len(kept) == len(runners):
        measurements.measured += kept
        names = {(known.card.id, known.layer) for known in kept}
        runners = [runner for runner in runners if (runner.card.id, runner.layer) not in names]
    steps = looks(plan.samples, len(plan.dataset.classes)) if effort.race else (plan.samples,)
    keeper = _Keeper(measurements, plan)
    race = Race(plan, targets, extractor, steps, progress=progress, finished=keeper.keep)
    outcome = race.run(runners)
    failures += [(failure.card.id, failure.error) for failure in outcome.failures]
    measurements.excluded += [Exclusion(id, f"could not be measured: {error}") for id, error in failures]
    keeper.keep_rest(outcome, effort)
    if not measurements.measured:
        raise _nothing(outcome, [error for _, error in failures])
    measurements.interrupted = outcome.ended == "interrupted"
    measurements.passes = sum(outcome.passed.values())
    measurements.full = plan.samples * len({measured.card.id for measured in measurements.measured})
    return measurements


def candidate_layers(
    choices: Iterable[Choice], plan: MeasurementPlan, extractor: Extractor
) -> tuple[list[Runner], list[tuple[str, ZooError]]]:
    """A runner for every layer that is a candidate, and the models whose layers are unknown.

    The names of a model's layers are looked up only if something depends on them, because that may load the model.
    """
    from zoo.registry import open_registry

    named = needs_probabilities(plan.estimators)  # extracted together with a layer, whose name is therefore needed
    kept = {figure.model for figure in open_registry().measurements(data=plan.sampled.fingerprint)}
    runners: list[Runner] = []
    failures: list[tuple[str, ZooError]] = []
    for choice in choices:
        card = choice.card
        try:
            known = extractor.layers(card) if named or choice.layers not in {LAST, ("last",)} or card.id in kept else ()
            wanted = expand(known, choice.layers, card.id) if known else ("",)
        except ZooError as error:
            failures.append((card.id, error))
        else:
            runners += [Runner(card, layer) for layer in wanted]
    return runners, failures


class _Keeper:
    """Converts finished runners to figures and saves them in the registry immediately."""

    def __init__(self, measurements: Measurements, plan: MeasurementPlan) -> None:
        self._measurements, self._plan = measurements, plan
        self._kept: set[str] = set()

    def keep(self, runner: Runner) -> None:
        """Save the figures of a runner that will not be measured further."""
        if runner.name in self._kept or not runner.samples:
            return
        self._kept.add(runner.name)
        values = runner.values[runner.samples]
        figures = figures_of(
            self._plan,
            runner.card,
            runner.layer,
            samples=runner.samples,
            values=values,
            seconds=runner.seconds,
            versions=runner.versions,
        )
        self._measurements.measured.append(
            Measured(runner.card, figures, False, runner.stopped, not runner.stopped, runner.values)
        )
        self._register(figures)

    def keep_rest(self, outcome: Outcome, effort: Effort) -> None:
        """Save the remaining figures, with the reason why candidates are not measured in full."""
        why = {
            "budget": f"the budget of {effort.budget:g} s was spent" if effort.budget else "",
            "interrupted": "it was interrupted",
            "": "all others had stopped",
        }[outcome.ended]
        for runner in outcome.runners:
            if not runner.samples:
                self._measurements.excluded.append(Exclusion(runner.card.id, f"not measured: {why}"))
            self.keep(runner)
        if outcome.ended:
            self._measurements.partial = f"{why[:1].upper()}{why[1:]} before the measurement was complete."
        self._measurements.measured[:] = [
            measured
            if measured.stopped or measured.samples == self._plan.samples
            else replace(measured, stopped=f"Measured on {measured.samples:,} samples: then {why}.")
            for measured in self._measurements.measured
        ]

    def _register(self, figures: Sequence[Measurement]) -> None:
        from zoo.registry import open_registry

        try:
            open_registry().add(figures)
        except (StorageError, RegistryError) as error:
            warning = f"The figures could not be saved for the next time: {error}"
            if warning not in self._measurements.warnings:
                self._measurements.warnings.append(warning)


def _extractor(
    plan: MeasurementPlan, targets: Targets, effort: Effort, deadline: float | None, progress: Progress
) -> Extractor:
    if effort.cluster is None:
        return LocalExtractor(plan, targets, progress, deadline)
    from zoo.engines.ray import RayExecutor
    from zoo.selection.measure.remote import RemoteExtractor

    return RemoteExtractor(plan, targets, RayExecutor(effort.cluster), deadline)


def _nothing(outcome: Outcome, errors: Sequence[ZooError]) -> BaseException:
    if outcome.ended == "interrupted":
        return KeyboardInterrupt()
    if errors:
        return errors[0]
    return InvalidInput("The budget was spent before one candidate was measured.", "Give a larger --budget.")
