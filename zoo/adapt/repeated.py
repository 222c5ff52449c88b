"""Adapts a model several times, on the folds of a cross-validation or on repeated splits, and combines the runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import sqrt
from pathlib import Path
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from zoo.adapt.experiment import new_id
from zoo.adapt.plans import key_of
from zoo.adapt.results.intervals import Interval, interval_of_mean
from zoo.adapt.results.outcomes import MOST_KEPT, values
from zoo.compute import summed
from zoo.entities import Dataset, Outcomes, Plan, Run
from zoo.errors import InvalidInput, ZooError
from zoo.kinds.known import kind_of
from zoo.kinds.metrics import metric as metric_called
from zoo.transfer.intervals import student_t
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import ModelCard


def plans(plan: Plan) -> Iterator[Plan]:
    """The plan of each single run: every fold of every repeat; only the first is written to ``plan.output``."""
    for repeat in range(plan.repeats):
        for fold in range(plan.folds or 1):
            first = repeat == fold == 0
            yield replace(plan, seed=plan.seed + repeat, fold=fold, repeats=1, output=plan.output if first else None)


def check_repeated(dataset: Dataset, plan: Plan) -> None:
    """Reject folds and repeats of data whose parts are fixed.

    Raises:
        InvalidInput: names the option.
    """
    option = "--folds" if plan.folds else "--repeats"
    fixed = "parts of their own" if dataset.parts else "times" if dataset.times else ""
    fixed = fixed or ("an order in time" if kind_of(dataset.target_kind).ordered and plan.split == "random" else "")
    if fixed and (plan.folds or plan.repeats > 1) and not (fixed == "parts of their own" and not plan.folds):
        raise InvalidInput(
            f"{option} has no effect: the data of '{dataset.name}' have {fixed}, which fix the test part.",
            f"Leave {option} out.",
        )


def adapt_each(plan: Plan, card: ModelCard, dataset: Dataset, adapt: Callable[[Plan], Run], progress: Progress) -> Run:
    """Adapt the model by each plan of ``plans``, and combine the runs.

    Finished runs are kept in ``ZOO_HOME`` until all are done, so that an interrupted command continues after the last.
    """
    every, found = list(plans(plan)), []
    place = _Finished(card, dataset, plan)
    with progress.step("Splits", len(every)) as step:
        for number, one in enumerate(every):
            run = place.load(number)
            if run is None:
                run = adapt(one)
                if run.plan.get("stopped") == "interrupted":
                    raise KeyboardInterrupt
                place.save(number, run)
            found.append(run)
            step.advance()
    place.remove()
    return combined(plan, found)


def combined(plan: Plan, runs: Sequence[Run]) -> Run:
    """One run with the means of several; its intervals include the differences between the splits.

    The variance of a mean metric is that over the test samples, from the jackknife over all independent units at once,
    plus the variance between the runs over their number. For a cross-validation this is close to the corrected variance
    of Nadeau and Bengio ("Inference for the generalization error", 2003), because training sets overlap.
    """
    first = runs[0]
    strategies = Counter(run.strategy for run in runs)
    changed = set(strategies) != {plan.strategy}
    kept = {"kept_strategies": dict(strategies)} if changed else {}
    outcomes = [run.outcomes for run in runs if run.outcomes is not None]
    few = sum(len(one.targets) for one in outcomes) <= MOST_KEPT
    pooled = _pooled(outcomes) if few and len(outcomes) == len(runs) else None
    units = len(set(pooled.units)) if pooled else sum(run.plan.get("test_units", 0) for run in runs)
    return replace(
        first,
        id=new_id(),
        strategy=first.strategy if len(strategies) == 1 else plan.strategy,
        metrics=_means([run.metrics for run in runs]),
        baseline=_means([run.baseline for run in runs]),
        intervals=_intervals(runs, outcomes),
        outcomes=pooled,
        plan={
            **{name: value for name, value in first.plan.items() if name not in _OF_ONE},
            "folds": plan.folds,
            "repeats": plan.repeats,
            "each": [dict(run.metrics) for run in runs],
            "compute": summed(run.plan.get("compute") for run in runs),
            "gains": _gains(runs, plan),
            "rivals": _mean_rivals([run.plan.get("rivals", {}) for run in runs]),
            "test_samples": sum(run.plan.get("test_samples", 0) for run in runs[: plan.folds or 1]),
            "test_units": units,
            **kept,
        },
        seconds=round(sum(run.seconds for run in runs), 3),
        epochs=max(run.epochs for run in runs),
    )


_OF_ONE = frozenset(
    (
        "fold",
        "curve",
        "kept",
        "probe",
        "probe_penalty",
        "penalty",
        "fine_tuned",
        "gain_over_probe",
        "validation_scores",
        "best_epoch",
        "stopped",
        "temperature",
        "calibration_error",
        "rare_class",
        "dropped",
        "left_out_repeats",
        "test_groups",
        "labels_without_training_samples",
        "labels_without_test_samples",
    )
)
"""What the plan of a single run says about that run alone."""


def _means(found: Sequence[Any]) -> dict[str, float]:
    return {name: fmean(one[name] for one in found) for name in found[0] if all(name in one for one in found)}


def _mean_rivals(found: Sequence[Any]) -> dict[str, dict[str, float]]:
    names = [name for name in found[0] if all(name in one for one in found)]
    return {name: _means([one[name] for one in found]) for name in names}


def _intervals(runs: Sequence[Run], outcomes: Sequence[Outcomes]) -> dict[str, Interval]:
    """95 % intervals of the mean metrics; empty without a record of the predictions."""
    if len(outcomes) < len(runs):
        return {}
    kind = kind_of(outcomes[0].kind)
    tests = [(values(kind, one.targets), values(kind, one.predictions), one.units) for one in outcomes]
    found = {}
    for name in _means([run.metrics for run in runs]):
        between = variance(run.metrics[name] for run in runs) / len(runs)
        found[name] = interval_of_mean(metric_called(name), tests, between)
    return found


def _gains(runs: Sequence[Run], plan: Plan) -> dict[str, list[float]]:
    """Mean gains; their variance is that of the single ones, which add up over folds, plus that between the runs."""
    every = [run.plan.get("gains", {}) for run in runs]
    found = {}
    for name in (name for name in every[0] if all(name in one for one in every)):
        gains = [one[name] for one in every]
        single = [((high - low) / 2 / student_t(30)) ** 2 for _, low, high in gains]
        tested_once = plan.folds or 1
        error = fmean(single) / tested_once + variance(value for value, _, _ in gains) / len(gains)
        value, margin = fmean(value for value, _, _ in gains), student_t(max(len(gains) - 1, 30)) * sqrt(error)
        lowest, highest = min(low for _, low, _ in gains), max(high for _, _, high in gains)
        # A mean lies within the range of what the single gains allow.
        found[name] = [value, max(value - margin, lowest), min(value + margin, highest)]
    return found


def _pooled(outcomes: Sequence[Outcomes]) -> Outcomes:
    """All predictions; a sample that is tested several times occurs several times."""

    def joined(name: str) -> tuple[Any, ...]:
        return tuple(item for one in outcomes for item in getattr(one, name))

    names = ("samples", "units", "targets", "predictions", "confidences")
    pooled: Outcomes = Outcomes.from_dict({**outcomes[0].to_dict(), **{name: joined(name) for name in names}})
    return pooled


class _Finished:
    """The finished runs of an unfinished command, in a folder of ``ZOO_HOME``."""

    def __init__(self, card: ModelCard, dataset: Dataset, plan: Plan) -> None:
        from zoo.config import settings

        key = key_of(plan, card, dataset)
        self._folder = Path(settings().home) / "checkpoints" / f"{key}.runs"

    def load(self, number: int) -> Run | None:
        """The run with this number, if it is finished and its model is still there."""
        try:
            run = Run.from_dict(parse_json((self._folder / f"{number}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, ZooError):
            return None
        return run if run.path is None or Path(run.path).is_dir() else None

    def save(self, number: int, run: Run) -> None:
        """Keep a finished run; on a full or read-only disk nothing is kept."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            place = self._folder / f".{number}.{os.getpid()}"
            place.write_text(json.dumps(run.to_dict()), encoding="utf-8")
            place.replace(self._folder / f"{number}.json")

    def remove(self) -> None:
        """Delete all of them."""
        import shutil

        shutil.rmtree(self._folder, ignore_errors=True)
