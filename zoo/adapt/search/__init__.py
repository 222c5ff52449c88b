"""Searches the settings of a strategy: the plan's own first, then those of similar searches, then Optuna's sampler.

All trials have the same split, and are compared on its validation samples; the test samples are not looked at until one
of them has won. Trials are kept in ``ZOO_HOME`` until they are removed, so that a killed search continues, a second
process joins in, and a search with more trials extends an earlier one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.adapt.plans import key_of
from zoo.adapt.search.portfolio import Task, pasts, propose
from zoo.adapt.search.pruning import Curve
from zoo.adapt.search.settings import Facts, planned, space_for, start
from zoo.adapt.search.study import DEFAULT, EndedTrial, Study, best_of
from zoo.adapt.search.summary import summarised
from zoo.adapt.search.trials import COMPUTE, RemoteTrial, carry_out, overlapped
from zoo.atomic import replacing
from zoo.compute import summed
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import Interrupted, ZooError
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.adapt.search.study import Result, Trial
    from zoo.contract.backbone import Progress
    from zoo.contract.space import Space

UNRELATED = ("output", "device", "budget", "trials")
"""Parts of a plan that do not change what a trial is."""

RATE = 1e-4
"""The usual learning rate if the first trial did not say."""

MARGIN = 1.1
"""Expected time of the last training, as a multiple of what the same one took."""

LEAST = 0.001
"""Seconds of a trial that begins when the budget is spent."""

INTERRUPTED = "Interrupted. The trials that have ended are kept; repeat the command to continue the search."

POLL = 1.0
"""Seconds between two looks at trials of other processes."""

Adapt = Callable[[Plan], Run]


def search(
    plan: Plan,
    card: ModelCard,
    dataset: Dataset,
    adapt: Adapt,
    progress: Progress,
    *,
    runs: Callable[[], Sequence[Run]],
    cluster: str | None = None,
) -> Run:
    """Try ``plan.trials`` settings, and return the run of the best with a record of all.

    Args:
        adapt: carries out the plan of one trial.
        runs: reads the history, if there are no trials yet.
        cluster: address of a Ray cluster on which several trials run at once; None for one at a time here.

    Raises:
        InvalidInput: the strategy has no settings to search.
        ZooError: no trial succeeded.
    """
    found = Search(plan, card, dataset, adapt, runs)
    with progress.step("Trials", plan.trials) as step:
        step.advance(min(plan.trials, len(found.study.ended())))
        each = found.here() if cluster is None else found.on_cluster(cluster)
        for _ in each:
            step.advance()
    found.wait(progress)
    return found.best(progress)


class Search:
    """One search; see ``search``."""

    def __init__(
        self, plan: Plan, card: ModelCard, dataset: Dataset, adapt: Adapt, runs: Callable[[], Sequence[Run]]
    ) -> None:
        from zoo.config import settings

        self.plan, self.card, self.dataset, self._adapt, self._runs = plan, card, dataset, adapt, runs
        self.space: Space = space_for(plan, dataset)
        self.folder = Path(settings().home) / "searches" / key_of(plan, card, dataset, UNRELATED)
        self.study = Study(self.folder, self.space, plan.seed)
        self.start = start(plan, dataset, self.space)
        self.task = Task(plan.task, card.id, dataset.fingerprint, len(dataset), len(dataset.classes))
        self._deadline = None if plan.budget is None else time.monotonic() + plan.budget
        self.interrupted = False

    def here(self) -> Iterator[None]:
        """Run trials in this process, one after the other."""
        self._wait_for_facts()
        while (trial := self._begin()) is not None:
            try:
                result, run = carry_out(self._planned(trial), self._adapt, self._curves(), trial.origin == DEFAULT)
            except KeyboardInterrupt:
                self.study.give_up(trial)
                raise Interrupted(INTERRUPTED) from None
            except BaseException:
                self.study.give_up(trial)
                raise
            if run is not None and run.plan.get("stopped") == "interrupted":
                self.study.give_up(trial)
                if best_of(self.study.ended()) is None:
                    raise Interrupted(INTERRUPTED)
                self.interrupted = True
                return
            self._end(trial, result, run)
            yield

    def on_cluster(self, address: str) -> Iterator[None]:
        """Run trials on a Ray cluster: the first alone, then as many at once as it has processors."""
        from zoo.adapt.search.remote import Workers

        self._wait_for_facts()
        with Workers(address, self.card, self.dataset) as workers:
            for most in (1, self.plan.trials):
                for trial, result, run in workers.results(self._remote(most)):
                    self._end(trial, result, run)
                    yield

    def _remote(self, most: int) -> Iterator[RemoteTrial]:
        """The next trials for workers; at most one, if the first has not ended, since it shows facts on the model."""
        known = bool(self.study.ended())
        for _ in range(most):
            if (most == 1 and known) or (trial := self._begin()) is None:
                return
            yield RemoteTrial(trial, self._planned(trial), self._curves())

    def _wait_for_facts(self) -> None:
        """Wait while another process carries out the first trial, which shows facts on the model."""
        while not self.study.ended() and self.study.elsewhere():
            time.sleep(POLL)

    def wait(self, progress: Progress) -> None:
        """Wait for trials of other processes that share this search."""
        count = 0 if self.interrupted else self.study.elsewhere()
        if not count:
            return
        with progress.step(f"Waiting for {count} trial{'s' * (count > 1)} of another process"):
            while self.study.elsewhere():
                time.sleep(POLL)

    def best(self, progress: Progress) -> Run:
        """The run of the best trial, carried out again if its model is to be written, with a record of all trials."""
        ended = self.study.ended()
        winner = best_of(ended)
        if winner is None:
            reasons = [one.result.reason for one in ended if one.result.reason]
            raise ZooError(
                f"None of the {len(ended)} trials succeeded{f'; the first: {reasons[0]}' if reasons else ''}.",
                f"Start the search again, from scratch: rm -r {self.folder}",
            )
        if self.plan.output:
            with progress.step("Writing the model with the best settings"):
                plan = replace(self._planned(winner.trial), output=self.plan.output)
                run = self._adapt(plan if winner.result.cut else replace(plan, budget=None))
        else:
            run = self._run(winner, progress)
        before = self._default(ended)
        default = None if before is None else self._run(before, progress)
        found = summarised(run, default, ended, self.study.importances, self.task)
        wanted = {name: getattr(self.plan, name) for name in ("trials", "budget") if name in found.plan}
        search = {**found.plan["search"], "interrupted": True} if self.interrupted else found.plan["search"]
        spent = [one.result.facts.get(COMPUTE) for one in ended]
        compute = summed([*spent, run.plan.get(COMPUTE)] if self.plan.output else spent)
        if overlapped(ended):  # the counters are those of the machine: each trial measured the others too
            compute.pop("joules", None)
        return replace(found, plan={**found.plan, **wanted, "search": search, COMPUTE: compute})

    def _begin(self) -> Trial | None:
        if not self._has_time():
            return None
        left = self._left()
        time = math.inf if left is None else left
        return self.study.begin(self.plan.trials, self._first, only=self._has_effect, time=time)

    def _first(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The plan's own settings, and those of similar searches."""
        yield self.start, DEFAULT
        known = pasts(self._runs(), self.plan, self.dataset.fingerprint, self.space)
        for one in propose(self.task, known, self.space, self.start):
            yield dict(one.settings), one.source

    def _planned(self, trial: Trial) -> Plan:
        left = self._left()
        single = replace(self.plan, trials=1, output=None, budget=None if left is None else max(left, LEAST))
        if trial.origin == DEFAULT:
            return single
        return planned(single, trial.settings, self.space, self._facts())

    def _facts(self) -> Facts:
        before = self._default(self.study.ended())
        return Facts.of(before.result.facts if before else {}, RATE)

    def _has_effect(self, name: str) -> bool:
        """Whether a setting does anything for the model; all belong to the first trial, for the record."""
        return name != "layer_decay" or not self.study.ended() or self._facts().blocks > 1

    def _curves(self) -> tuple[Curve, ...]:
        """Those of complete trials, for the pruner."""
        ended = (one.result for one in self.study.ended())
        return tuple(Curve(one.curve, one.epochs) for one in ended if one.state == "complete" and one.curve)

    def _has_time(self) -> bool:
        """Whether one more trial of the usual length, and writing the best, would end before the budget."""
        took = sorted(one.result.seconds for one in self.study.ended() if one.result.state == "complete")
        left = self._left()
        return left is None or not took or left > took[len(took) // 2]

    def _left(self) -> float | None:
        """Seconds for one more trial; what writing the best model takes is kept back."""
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if not self.plan.output:
            return left
        winner = best_of(self.study.ended())
        return left / 2 if winner is None else left - MARGIN * winner.result.seconds

    @staticmethod
    def _default(ended: Sequence[EndedTrial]) -> EndedTrial | None:
        return next((one for one in ended if one.trial.origin == DEFAULT and one.result.state == "complete"), None)

    def _end(self, trial: Trial, result: Result, run: Run | None) -> None:
        """Record a trial, after its run, so that a complete trial always has one."""
        if result.cut and best_of(self.study.ended()) is not None:
            result, run = replace(result, state="pruned"), None  # it cannot be repeated, and there is another one
        if run is not None:
            self._write(trial.number, run)
        self.study.end(trial, result)

    def _write(self, number: int, run: Run) -> None:
        with replacing(self.folder / f"{number}.json") as place:
            place.write_text(json.dumps(run.to_dict()), encoding="utf-8")

    def _run(self, ended: EndedTrial, progress: Progress) -> Run:
        """The run of a complete trial; carried out again if its file is damaged or was removed."""
        number = ended.trial.number
        try:
            return Run.from_dict(parse_json((self.folder / f"{number}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, ZooError):
            with progress.step("Carrying out a trial again, whose record is damaged"):
                run = self._adapt(replace(self._planned(ended.trial), budget=None))
            self._write(number, run)
            return run
