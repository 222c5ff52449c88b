"""The trials of a search in a journal that survives a killed process, and that several processes share.

The journal is Optuna's, a file of JSON lines in a folder of its own. All access is under one lock of the operating
system, which a killed process releases, and so is each running trial: a trial whose lock is free has lost its process,
and its settings are evaluated again.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from zoo.adapt.search.journal import distribution, opened, parzen
from zoo.contract.space import Space
from zoo.errors import StorageError, needs_extra, storage_errors

if TYPE_CHECKING:
    import optuna

DEFAULT = "default"
"""Origin of the first trial, which has the plan's own settings."""

SEARCH = "search"
"""Origin of trials that the sampler proposed."""

CUT = "ended by the budget"
"""Reason of a trial that did not have the time for its settings."""

MOST_LOSSES = 3
"""How often the settings of a trial are evaluated again when its process is killed."""

_JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Trial:
    """Settings to try, and what proposed them."""

    number: int
    settings: Mapping[str, Any]
    origin: str


@dataclass(frozen=True)
class Result:
    """How a trial ended.

    Attributes:
        state: ``complete``, ``pruned`` or ``failed``.
        score, loss: the best validation score, higher is better, and the validation loss of that epoch.
        curve: validation scores by epoch.
        epochs: that were planned.
        reason: why it failed.
        facts: what it showed about the model.
    """

    state: str
    score: float | None = None
    loss: float | None = None
    curve: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cut(self) -> bool:
        """Whether the budget ended it, so that it may do better with more time."""
        return self.reason == CUT


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended."""

    trial: Trial
    result: Result

    @property
    def rank(self) -> tuple[float, float]:
        """Higher is better; equal scores are decided by the loss."""
        score, loss = self.result.score, self.result.loss
        return (-math.inf if score is None else score, -math.inf if loss is None else -loss)

    def to_dict(self) -> dict[str, Any]:
        """As the plan of a run records it."""
        found = self.result
        return {
            "number": self.trial.number,
            "origin": self.trial.origin,
            "settings": dict(self.trial.settings),
            "state": found.state,
            "score": found.score,
            "loss": found.loss,
            "epochs": len(found.curve),
            "seconds": found.seconds,
            **({"reason": found.reason} if found.reason else {}),
        }


class Study:
    """The trials of one search.

    Args:
        folder: of its journal and locks, which is made if it does not exist.
        sampler: function from a seed to Optuna's sampler, which proposes settings once none are waiting.

    Raises:
        MissingExtra: Optuna is not installed.
        StorageError: the folder cannot be written, or the journal is damaged.
    """

    def __init__(self, folder: Path, space: Space, seed: int, sampler: Callable[[int], Any] | None = None) -> None:
        with needs_extra("search", "search settings"):
            import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._folder, self._seed = optuna, folder, seed
        self._sampler = sampler or parzen
        self._distributions = {name: distribution(limits) for name, limits in space.items()}
        self._held: dict[int, FileLock] = {}
        self._renewed = False
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "lock")

    def begin(
        self,
        total: int,
        first: Callable[[], Iterable[tuple[Mapping[str, Any], str]]],
        only: Callable[[str], bool] = lambda name: True,
        time: float = 0.0,
    ) -> Trial | None:
        """The next trial, which this process now holds; None if as many as ``total`` have begun.

        Args:
            first: the settings to begin with, each with its origin; called for a new study.
            only: the settings that have an effect, by name.
            time: seconds that it may take; settings that the budget of an earlier search ended within less are
                evaluated again.
        """
        with self._opened() as study:
            self._bury(study)
            if not self._renewed:
                self._renew(study, time)
                self._renewed = True
            if not study.trials:
                for settings, origin in first():
                    study.enqueue_trial(dict(settings), user_attrs={"origin": origin})
            known = study.get_trials(deepcopy=False)
            replaced = _replaced(known)
            begun = [one for one in known if _counts(one) and one.number not in replaced]
            if len(begun) >= total:
                return None
            study.sampler = self._sampler(self._seed * 10_007 + len(begun))
            found = study.ask({name: one for name, one in self._distributions.items() if only(name)})
            self._hold(found.number)
            return Trial(found.number, dict(found.params), found.user_attrs.get("origin", SEARCH))

    def end(self, trial: Trial, result: Result) -> None:
        """Record how a trial of this process ended."""
        from optuna.trial import TrialState

        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        with self._opened() as study:
            known = self._optuna.trial.Trial(study, study.trials[trial.number]._trial_id)
            for epoch, score in enumerate(result.curve, start=1):
                known.report(score, epoch)
            known.set_user_attr("result", _as_json(result))
            # The sampler learns nothing about settings from a score that more time would change.
            state = states["pruned" if result.cut else result.state]
            value = result.score if state == TrialState.COMPLETE else None
            study.tell(trial.number, value, state=state)
            self._release(trial.number)

    def give_up(self, trial: Trial) -> None:
        """Leave a trial of this process unfinished; its settings are evaluated again when the search is continued."""
        with self._opened() as study:
            known = self._optuna.trial.Trial(study, study.trials[trial.number]._trial_id)
            known.set_user_attr("given_up", True)
            self._release(trial.number)

    def ended(self) -> list[EndedTrial]:
        """The trials that have ended, in their order."""
        with self._opened() as study:
            known = [one for one in study.get_trials(deepcopy=False) if _has_ended(one)]
            replaced = _replaced(known)
            return [
                EndedTrial(
                    Trial(one.number, dict(one.params), one.user_attrs.get("origin", SEARCH)),
                    Result(**{**one.user_attrs["result"], "curve": tuple(one.user_attrs["result"]["curve"])}),
                )
                for one in known
                if one.number not in replaced
            ]

    def elsewhere(self) -> int:
        """Number of trials that other processes run at this moment."""
        with self._opened() as study:
            self._bury(study)
            running = (one.number for one in study.get_trials(deepcopy=False) if one.state.name == "RUNNING")
            return sum(number not in self._held for number in running)

    def importances(self) -> dict[str, tuple[float, float]]:
        """Share of the variance of the score that each setting explains, with its standard error; largest first."""
        from zoo.adapt.search.importance import importances

        with self._opened() as study:
            complete = [one for one in study.get_trials() if one.state.name == "COMPLETE"]
        return importances(complete, tuple(self._distributions), self._seed)

    @contextmanager
    def _opened(self) -> Iterator[optuna.Study]:
        """The study, under the lock of its folder."""
        with storage_errors(self._folder), self._lock:
            try:
                study = opened(self._folder / _JOURNAL)
            except (ValueError, KeyError, AssertionError) as error:
                raise StorageError(
                    f"The journal of the search is damaged: {self._folder / _JOURNAL}.",
                    f"Start the search again, from scratch: rm -r {self._folder}",
                ) from error
            yield study

    def _hold(self, number: int) -> None:
        lock = FileLock(self._folder / f"{number}.lock")
        lock.acquire(timeout=0)
        self._held[number] = lock

    def _release(self, number: int) -> None:
        lock = self._held.pop(number)
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()

    def _bury(self, study: optuna.Study) -> None:
        """End the trials whose process was killed, and let their settings be evaluated again."""
        from optuna.trial import TrialState

        for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if one.number in self._held:
                continue
            try:
                with FileLock(self._folder / f"{one.number}.lock", timeout=0):
                    pass
            except Timeout:
                continue
            losses = one.user_attrs.get("losses", 0) + (not one.user_attrs.get("given_up"))
            again = losses < MOST_LOSSES
            known = self._optuna.trial.Trial(study, one._trial_id)
            if again:
                attributes = {**one.user_attrs, "losses": losses, "given_up": False}
                study.enqueue_trial(dict(one.params), user_attrs=attributes)
                known.set_user_attr("lost", True)
            else:
                reason = f"its process was killed {losses} times; it may not fit into memory"
                known.set_user_attr("result", _as_json(Result("failed", reason=reason)))
            study.tell(one.number, state=TrialState.FAIL)

    def _renew(self, study: optuna.Study, time: float) -> None:
        """Let the settings of trials be evaluated again that the budget ended, if there is more time now."""
        known = study.get_trials(deepcopy=False)
        replaced = _replaced(known)
        for one in known:
            found = one.user_attrs.get("result", {})
            if found.get("reason") == CUT and found["seconds"] < time and one.number not in replaced:
                attributes = {"origin": one.user_attrs.get("origin", SEARCH), "instead_of": one.number}
                study.enqueue_trial(dict(one.params), user_attrs=attributes)


def _replaced(trials: Iterable[Any]) -> set[int]:
    """Numbers of the trials whose settings some of ``trials`` evaluate again with more time."""
    return {one.user_attrs["instead_of"] for one in trials if "instead_of" in one.user_attrs}


def _has_ended(trial: Any) -> bool:
    return "result" in trial.user_attrs and trial.state.is_finished()


def _counts(trial: Any) -> bool:
    """Whether a trial has begun, and its settings are not to be evaluated again."""
    return trial.state.name != "WAITING" and not trial.user_attrs.get("lost")


def _as_json(result: Result) -> dict[str, Any]:
    return {**vars(result), "curve": list(result.curve), "facts": dict(result.facts)}


def best_of(ended: Sequence[EndedTrial]) -> EndedTrial | None:
    """The complete trial with the best validation score; the first of equals."""
    complete = [one for one in ended if one.result.state == "complete"]
    return max(complete, key=lambda one: one.rank, default=None)
