"""The race: candidates are measured on growing parts of the data, and those that can no longer win stop early.

Every part is stratified and contains the previous ones, so each rung extracts only its new samples. At each rung
candidates are compared in pairs on the same samples: the effect of easy and hard samples on all of them cancels out,
and a small lead shows long before two intervals would separate. The leader is the candidate that is predicted to be
ahead on all samples. ``zoo.selection.measure.stopping`` decides which others stop; a model's forward passes end when
the last of its layers has stopped. A full measurement is a race with one rung.

Racing: Maron and Moore, "Hoeffding races", NIPS 1993. Growing rungs: Jamieson and Talwalkar, "Non-stochastic best arm
identification and hyperparameter optimization", AISTATS 2016, without its fixed share of survivors.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import PROBABILITIES
from zoo.entities import ModelCard
from zoo.errors import ZooError
from zoo.selection.measure.extracting import BudgetSpent, Extractor, ShardResult, ShardTask, shards
from zoo.selection.measure.figures import candidate_name
from zoo.selection.measure.layer_statistics import needs_probabilities
from zoo.selection.measure.stopping import extrapolated, outlook

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.contract.estimator import Measured as Value
    from zoo.selection.measure.layer_statistics import LayerStatistics, Targets
    from zoo.selection.measure.plan import MeasurementPlan


@dataclass
class Runner:
    """A candidate in the race: one layer of one model.

    Attributes:
        values: estimator values by number of samples and name.
        samples: number of samples of its last evaluation; 0 before the first rung.
        stopped: why it stopped before all samples; empty while it runs, or when it has finished.
        seconds: its share of loading and extraction, and the estimators.
        versions: of everything that its features depend on.
    """

    card: ModelCard
    layer: str
    values: dict[int, Mapping[str, Value]] = field(default_factory=dict)
    samples: int = 0
    stopped: str = ""
    seconds: float = 0.0
    statistics: LayerStatistics | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Model and layer in one word."""
        return candidate_name(self.card, self.layer)


@dataclass(frozen=True)
class Failure:
    """A model that could not be measured, and the error."""

    card: ModelCard
    error: ZooError


@dataclass
class Outcome:
    """How a race ended.

    Attributes:
        runners: those with figures, and those for which the time was too short.
        failures: models that could not be measured.
        ended: empty, ``budget`` or ``interrupted``.
        passed: forward passes of each model, one per sample, by model id.
    """

    runners: list[Runner]
    failures: list[Failure] = field(default_factory=list)
    ended: str = ""
    passed: dict[str, int] = field(default_factory=dict)


class Race:
    """Measures candidates rung by rung.

    Args:
        steps: sizes of the parts, ascending; the last one is the number of samples of the plan.
        finished: called with each runner as soon as it has stopped or was measured on all samples.
    """

    def __init__(
        self,
        plan: MeasurementPlan,
        targets: Targets,
        extractor: Extractor,
        steps: Sequence[int],
        *,
        progress: Progress,
        finished: Callable[[Runner], None],
    ) -> None:
        self._plan, self._targets, self._extractor = plan, targets, extractor
        self._steps, self._progress, self._finished = tuple(steps), progress, finished
        self._deciding = plan.estimators[0]
        self._extra = (PROBABILITIES,) if needs_probabilities(plan.estimators) else ()
        self._probabilities: dict[str, LayerStatistics] = {}

    def run(self, runners: Iterable[Runner]) -> Outcome:
        """Run until one candidate is left, all samples are measured, or time or Ctrl-C ends it; results are kept."""
        outcome = Outcome(list(runners))
        try:
            done = 0
            for count in self._steps:
                running = [runner for runner in outcome.runners if not runner.stopped]
                self._advance(running, done, count, outcome)
                done = count
                if count < self._steps[-1] and len(self._stop_hopeless(outcome.runners, count)) < 2:
                    break
        except BudgetSpent:
            outcome.ended = "budget"
        except KeyboardInterrupt:
            outcome.ended = "interrupted"
        finally:
            self._extractor.close()
        return outcome

    def _advance(self, running: Sequence[Runner], done: int, count: int, outcome: Outcome) -> None:
        """Extract the samples from ``done`` to ``count`` for all running models, and evaluate each."""
        by_model: dict[str, list[Runner]] = {}
        for runner in self._leaders_first(running, done):
            by_model.setdefault(runner.card.id, []).append(runner)
        pieces = shards(self._plan.order[done:count])
        tasks = [
            ShardTask(runners[0].card, (*(runner.layer for runner in runners if runner.layer), *self._extra), piece)
            for runners in by_model.values()
            for piece in pieces
        ]
        left = dict.fromkeys(by_model, len(pieces))
        with self._progress.step(f"Measuring on {count:,} samples", len(tasks)) as step:
            for result in self._extractor.run(tasks):
                model = result.task.card.id
                if model in left:
                    left[model] -= 1
                    self._take(result, by_model[model], outcome)
                    error = result.error
                    if error is None and left[model] == 0:
                        error = self._evaluate(by_model[model], count)
                    if error is not None:
                        del left[model]
                        self._fail(by_model[model], error, outcome)
                step.advance()

    def _leaders_first(self, running: Sequence[Runner], done: int) -> list[Runner]:
        """Sort the best so far first, to spend limited time on them; at the start, the smallest models."""
        if not done:
            return sorted(running, key=lambda r: (r.card.parameters or float("inf"), r.card.id))
        return sorted(running, key=self._order(done))

    def _take(self, result: ShardResult, runners: Sequence[Runner], outcome: Outcome) -> None:
        model = result.task.card.id
        if PROBABILITIES in result.statistics:
            found = result.statistics[PROBABILITIES]
            kept = self._probabilities.get(model)
            self._probabilities[model] = kept.merge(found) if kept else found
        for runner in runners:
            runner.seconds += result.seconds / len(runners)
            runner.versions = result.versions or runner.versions
            if not runner.layer and result.statistics:
                runner.layer = next(iter(result.statistics))  # the model's last layer, whose name is now known
            if runner.layer in result.statistics:
                new = result.statistics[runner.layer]
                runner.statistics = runner.statistics.merge(new) if runner.statistics else new
        outcome.passed[model] = outcome.passed.get(model, 0) + result.passes

    def _evaluate(self, runners: Sequence[Runner], count: int) -> ZooError | None:
        """Evaluate all layers of a model; returns the error if an estimator raised one."""
        for runner in runners:
            assert runner.statistics is not None
            started = time.perf_counter()
            try:
                found = runner.statistics.estimate(
                    self._plan.estimators, self._targets, self._plan.seed, self._probabilities.get(runner.card.id)
                )
            except ZooError as error:
                return error
            runner.values[count], runner.samples = found, count
            runner.seconds += time.perf_counter() - started
            if count == self._steps[-1]:
                runner.statistics = None
                self._finished(runner)
        return None

    def _fail(self, runners: Sequence[Runner], error: ZooError, outcome: Outcome) -> None:
        """Stop a model that failed; its earlier measurements are kept."""
        for runner in runners:
            if runner.samples:
                runner.stopped = f"Stopped after {runner.samples:,} samples: it failed on the next ones. {error}"
                self._finished(runner)
            else:
                outcome.runners.remove(runner)
        if not any(runner.samples for runner in runners):
            outcome.failures.append(Failure(runners[0].card, error))

    def _stop_hopeless(self, runners: Sequence[Runner], count: int) -> list[Runner]:
        """Stop models without a layer that may still win; returns the candidates that may.

        A layer that is behind continues as long as another layer of its model does: it costs no forward pass, and which
        layer is best often changes as samples are added. If only one candidate may still win, all others stop.
        """
        samples = self._steps[-1]
        running = [runner for runner in runners if not runner.stopped]
        expected = {runner.name: self._predicted(runner) for runner in running}
        running.sort(key=lambda runner: (-expected[runner.name], self._order(count)(runner)))
        if not running:
            return []
        leader, behind = running[0], {}
        first = leader.values[count][self._deciding]
        for runner in running[1:]:
            ahead = expected[leader.name] - expected[runner.name]
            found = outlook(first, runner.values[count][self._deciding], count, samples, ahead)
            if found is not None and found.hopeless:
                behind[runner.name] = found
        hopeful = [runner for runner in running if runner.name not in behind]
        models = {runner.card.id for runner in hopeful} if len(hopeful) > 1 else set()
        for runner in running:
            if runner.name in behind and runner.card.id not in models:
                runner.statistics = None
                runner.stopped = behind[runner.name].in_words(leader.name, count, samples)
                self._finished(runner)
        return hopeful

    def _predicted(self, runner: Runner) -> float:
        """The deciding value that a runner is predicted to have on all samples."""
        return extrapolated({n: found[self._deciding].value for n, found in runner.values.items()}, self._steps[-1])

    def _order(self, count: int) -> Callable[[Runner], tuple[Any, ...]]:
        """Sorts runners best first; ties go to the smaller model, as in the ranking."""

        def key(runner: Runner) -> tuple[Any, ...]:
            value, size = runner.values[count][self._deciding].value, runner.card.parameters or math.inf
            return -value, size, runner.card.id, runner.layer

        return key
