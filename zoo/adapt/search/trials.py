"""Carries out one trial, and turns whatever happens into a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from zoo.adapt.search.pruning import Curve, is_hopeless
from zoo.adapt.search.settings import TRAINED_BLOCKS, USUAL_RATE
from zoo.adapt.search.study import CUT, EndedTrial, Result, Trial
from zoo.adapt.training.watching import Pruned, watched
from zoo.compute import metering
from zoo.entities import Plan, Run
from zoo.errors import (
    DataError,
    InvalidInput,
    MissingDependency,
    PluginError,
    SourceError,
    StorageError,
    UnsupportedModel,
)

if TYPE_CHECKING:
    from zoo.adapt.training.settings import Epoch

AT_ONCE = (DataError, InvalidInput, MissingDependency, PluginError, SourceError, StorageError, UnsupportedModel)
"""Errors of the request, not of a setting: if the first trial has one, all have it."""


COMPUTE = "compute"
"""Fact of a trial: what it used, whether or not it succeeded; see ``zoo.compute.Meter.record``."""


@dataclass(frozen=True)
class RemoteTrial:
    """A trial with all that a worker has to know; see ``carry_out``."""

    trial: Trial
    plan: Plan
    ended: tuple[Curve, ...]


SPAN = "span"
"""Name of the fact when a trial began and ended, in seconds since 1970."""


def carry_out(
    plan: Plan, adapt: Callable[[Plan], Run], ended: Sequence[Curve], first: bool
) -> tuple[Result, Run | None]:
    """Carry out the plan of a trial; the run is None if it failed or was pruned.

    Args:
        ended: the learning curves of earlier trials.
        first: whether it is the trial with the default settings.

    Raises:
        ZooError: one of ``AT_ONCE``, if it is the first trial.
    """
    scores: list[float] = []

    def watch(epoch: Epoch) -> bool:
        scores.append(epoch.score)
        return is_hopeless(Curve(tuple(scores), plan.epochs), ended)

    started, begun = time.monotonic(), time.time()

    def result(state: str, reason: str = "", run: Run | None = None) -> Result:
        found = {} if run is None else run.plan
        return Result(
            state,
            score=max(scores, default=None) if run is None else found["validation_score"],
            loss=found.get("validation_loss"),
            curve=tuple(scores),
            epochs=plan.epochs,
            seconds=round(time.monotonic() - started, 3),
            reason=reason,
            facts={name: found[name] for name in (USUAL_RATE, TRAINED_BLOCKS) if name in found}
            | {COMPUTE: meter.record(plan.device), SPAN: [begun, time.time()]},
        )

    try:
        with watched(watch), metering() as meter:
            run = adapt(plan)
    except Pruned:
        return result("pruned"), None
    except Exception as error:  # a trial that crashes must not end the search
        if first and isinstance(error, AT_ONCE):
            raise
        known = "" if hasattr(error, "hint") else f"{type(error).__name__}: "
        return result("failed", f"{known}{' '.join(str(error).split())[:300]}"), None
    if run.plan.get("validation_score") is None:
        return result("failed", "it has no validation score"), None
    return result("complete", CUT if run.plan.get("stopped") == "budget" else "", run), run


def overlapped(ended: Iterable[EndedTrial]) -> bool:
    """Whether trials ran at the same time, or may have: one of an earlier version has no times."""
    spans = [one.result.facts.get(SPAN) for one in ended]
    known = sorted(span for span in spans if span is not None)
    return len(known) < len(spans) or any(later[0] < earlier[1] for earlier, later in pairwise(known))
