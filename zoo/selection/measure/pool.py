"""Measure what was chosen: who takes part, which figures are kept already, the race, and the figures that come out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zoo.answers import Exclusion
from zoo.entities import Measurement
from zoo.errors import InvalidInput, RegistryError, StorageError, ZooError
from zoo.selection.measure.extracting import BudgetSpent, Extractor, LocalExtractor
from zoo.selection.measure.layer_statistics import Targets, needs_probabilities
from zoo.selection.measure.measuring import Measured, Request, figures_of, remembered
from zoo.selection.measure.racing import Outcome, Race, Runner
from zoo.selection.measure.stopping import looks
from zoo.selection.request.candidates import Choice
from zoo.selection.request.layers import LAST, expand

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress


@dataclass(frozen=True)
class Effort:
    """How much may be spent, and where.

    Attributes:
        budget: seconds, after which the best answer so far is given; None for as long as it takes.
        race: stop candidates that cannot win any more; otherwise each is measured on all samples.
        cluster: address of a Ray cluster, ``local`` for one on this machine, or None for this process.
    """

    budget: float | None = None
    race: bool = False
    cluster: str | None = None


@dataclass
class Survey:
    """What was measured.

    Attributes:
        measured: every candidate that has figures, in no order.
        excluded: those that have none, with the reason.
        partial: why the answer is not the full one, in a sentence; empty where it is.
        interrupted: whether it was Ctrl-C that ended it.
        passes: forward passes that it took, one a sample, for all models together.
        full: the same for a full measurement.
        warnings: what could not be kept, in sentences.
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


def measure_all(choices: Sequence[Choice], request: Request, effort: Effort, progress: Progress) -> Survey:
    """Measure every candidate as far as the effort allows; a model that fails costs only itself.

    Raises:
        ZooError: no candidate is left, or none could be measured.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    if not choices:
        raise InvalidInput("No candidate is within the limits.", "Relax --license, --max-size or --max-parameters.")
    deadline = None if effort.budget is None else time.monotonic() + effort.budget
    survey = Survey()
    targets = Targets.of(request.whole, request.order, request.estimators, request.units)
    extractor = _extractor(request, targets, effort, deadline, progress)
    try:
        runners, failures = enrol(choices, request, extractor)
    except BudgetSpent:
        runners, failures = [], []
    except BaseException:
        extractor.close()
        raise
    kept = [known for runner in runners if (known := remembered(runner.card, runner.layer, request))]
    if not effort.race or len(kept) == len(runners):
        survey.measured += kept
        names = {(known.card.id, known.layer) for known in kept}
        runners = [runner for runner in runners if (runner.card.id, runner.layer) not in names]
    steps = looks(request.samples, len(request.whole.classes)) if effort.race else (request.samples,)
    keeper = _Keeper(survey, request)
    race = Race(request, targets, extractor, steps, progress=progress, finished=keeper.keep)
    outcome = race.run(runners)
    failures += [(failure.card.id, failure.error) for failure in outcome.failures]
    survey.excluded += [Exclusion(id, f"could not be measured: {error}") for id, error in failures]
    keeper.keep_rest(outcome, effort)
    if not survey.measured:
        raise _nothing(outcome, [error for _, error in failures])
    survey.interrupted = outcome.ended == "interrupted"
    survey.passes = sum(outcome.passed.values())
    survey.full = request.samples * len({measured.card.id for measured in survey.measured})
    return survey


def enrol(
    choices: Iterable[Choice], request: Request, extractor: Extractor
) -> tuple[list[Runner], list[tuple[str, ZooError]]]:
    """A runner for every layer that is a candidate, and the models whose layers cannot be had.

    The names of its layers are asked for only where something depends on them: they may cost the loading of the model.
    """
    from zoo.registry import open_registry

    named = needs_probabilities(request.estimators)  # they are extracted beside a layer, so that its name is needed
    kept = {figure.model for figure in open_registry().measurements(data=request.dataset.fingerprint)}
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
    """Turns what has finished into figures and puts them into the registry at once."""

    def __init__(self, survey: Survey, request: Request) -> None:
        self._survey, self._request = survey, request
        self._kept: set[str] = set()

    def keep(self, runner: Runner) -> None:
        """Keep the figures of a runner that will not be measured further."""
        if runner.name in self._kept or not runner.samples:
            return
        self._kept.add(runner.name)
        values = runner.values[runner.samples]
        figures = figures_of(
            self._request, runner.card, runner.layer, samples=runner.samples, values=values, seconds=runner.seconds
        )
        self._survey.measured.append(
            Measured(runner.card, figures, False, runner.stopped, not runner.stopped, runner.values)
        )
        self._register(figures)

    def keep_rest(self, outcome: Outcome, effort: Effort) -> None:
        """Keep what the end of the race left, and say of everything that is not measured in full why."""
        why = {
            "budget": f"the budget of {effort.budget:g} s was spent" if effort.budget else "",
            "interrupted": "it was interrupted",
            "": "all others had stopped",
        }[outcome.ended]
        for runner in outcome.runners:
            if not runner.samples:
                self._survey.excluded.append(Exclusion(runner.card.id, f"not measured: {why}"))
            self.keep(runner)
        if outcome.ended:
            self._survey.partial = f"{why[:1].upper()}{why[1:]} before the measurement was complete."
        self._survey.measured[:] = [
            measured
            if measured.stopped or measured.samples == self._request.samples
            else replace(measured, stopped=f"Measured on {measured.samples:,} samples: then {why}.")
            for measured in self._survey.measured
        ]

    def _register(self, figures: Sequence[Measurement]) -> None:
        from zoo.registry import open_registry

        try:
            open_registry().add(figures)
        except (StorageError, RegistryError) as error:
            warning = f"The figures could not be kept for the next time: {error}"
            if warning not in self._survey.warnings:
                self._survey.warnings.append(warning)


def _extractor(
    request: Request, targets: Targets, effort: Effort, deadline: float | None, progress: Progress
) -> Extractor:
    if effort.cluster is None:
        return LocalExtractor(request, targets, progress, deadline)
    from zoo.selection.measure.cluster import ClusterExtractor

    return ClusterExtractor(request, targets, effort.cluster, deadline)


def _nothing(outcome: Outcome, errors: Sequence[ZooError]) -> BaseException:
    if outcome.ended == "interrupted":
        return KeyboardInterrupt()
    if errors:
        return errors[0]
    return InvalidInput("The budget was spent before one candidate was measured.", "Give a larger --budget.")
