"""What a search found: what mattered, and what the best settings bought against the plan's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from zoo.adapt.comparison import LINEAR_PROBE
from zoo.adapt.results.paired import compare_runs
from zoo.adapt.results.sentences import DEFAULT_SETTINGS
from zoo.adapt.search.portfolio import Task
from zoo.adapt.search.study import DEFAULT, SEARCH, EndedTrial
from zoo.answers import figure_text
from zoo.contract.strategy import flag
from zoo.entities import Run
from zoo.errors import DataError
from zoo.kinds.metrics import metric

FEWEST = 8
"""Complete trials from which importances are shown."""


def summarised(
    run: Run,
    default: Run | None,
    ended: Sequence[EndedTrial],
    importances: Callable[[], Mapping[str, tuple[float, float]]],
    task: Task,
) -> Run:
    """The run of the best trial with a record of the search, and its gain over the default settings.

    Args:
        default: the run of the first trial; None if it failed.
    """
    best = max((one for one in ended if one.result.state == "complete"), key=lambda one: one.rank)
    record: dict[str, Any] = {
        "trials": [one.to_dict() for one in ended],
        "best": best.trial.number,
        "classes": task.classes,
        "seconds": round(sum(one.result.seconds for one in ended), 1),
    }
    complete = sum(one.result.state == "complete" for one in ended)
    if complete >= FEWEST:
        record["importances"] = {name: list(share) for name, share in importances().items()}
    plan = {**run.plan, "search": record}
    if default is None or best.trial.origin == DEFAULT:
        return replace(run, plan=plan)
    if run.plan.get("kept") == default.plan.get("kept") == LINEAR_PROBE:
        record["probe_kept"] = True  # with both settings: a comparison would be one of a model with itself
        return replace(run, plan=plan)
    plan["rivals"] = {**plan.get("rivals", {}), DEFAULT_SETTINGS: dict(default.metrics)}
    name = next(iter(run.metrics))
    sign = 1 if metric(name).higher_is_better else -1
    try:
        found = compare_runs(replace(run, id="best"), replace(default, id="default"), most=1, test=False).metrics[0]
    except (DataError, IndexError):
        return replace(run, plan=plan)
    ends = sorted((sign * found.low, sign * found.high))
    plan["gains"] = {**plan.get("gains", {}), DEFAULT_SETTINGS: [sign * found.difference, *ends]}
    return replace(run, plan=plan)


def sentences(run: Run) -> list[str]:
    """How many trials there were and how they ended, and which settings won; empty for a run without a search."""
    found = run.plan.get("search")
    if not found:
        return []
    trials, best = found["trials"], _best(found)
    states = [one["state"] for one in trials]
    counts = {
        "pruned by their learning curves": states.count("pruned"),
        "failed": states.count("failed"),
        "proposed by earlier runs": sum(one["origin"] not in {DEFAULT, SEARCH} for one in trials),
    }
    shown = ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    count = f"{len(trials)} trial{'s' * (len(trials) > 1)}"
    first = f"{count}, {found['seconds']:,.0f} s of training{f' ({shown})' if shown else ''}."
    if found.get("interrupted"):
        wanted = run.plan.get("trials", len(trials))
        first = f"Interrupted after {len(trials)} of {wanted} trials; repeat the command to continue. {first}"
    told = [_won(first, found, trials, best)]
    failed = next((one for one in trials if one["origin"] == DEFAULT and one["state"] == "failed"), None)
    if failed:
        told.append(f"The default settings failed, so nothing is compared with them: {failed['reason'].rstrip('.')}.")
    if found.get("probe_kept"):
        told.append("No settings were better than the linear probe, which is kept: the search changed nothing.")
    elif best["origin"] != DEFAULT and (options := as_options(run)):
        told.append(f"To train with these settings: zoo tune {run.model} DATA {options}")
    return told


def _won(first: str, found: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> str:
    """How many trials there were, and which of them won."""
    default = next((one for one in trials if one["origin"] == DEFAULT and one["score"] is not None), None)
    if best["origin"] == DEFAULT:
        return f"{first} None was better than the default settings on the validation samples."
    before = f", against {figure_text(default['score'])} with the default settings" if default else ""
    if default and default["score"] == best["score"]:
        before = ", that of the default settings too, and a lower validation loss"
    origin = "" if best["origin"] == SEARCH else f", as in run {best['origin']}"
    kept = f"Trial {trials.index(best) + 1} won with a validation score of {figure_text(best['score'])}{before}{origin}"
    caution = "the best of many validation scores is too high; rely on the test figures"
    return f"{first} {kept} ({caution})."


def as_options(run: Run) -> str:
    """The best settings of a search as options of ``zoo tune``; empty if it had none to search."""
    found = run.plan.get("search")
    if not found:
        return ""
    names = [name for name in _best(found)["settings"] if run.plan.get(name) is not None]
    values = {name: run.plan[name] for name in names}
    given = [f"{flag(name)} {f'{value:.4g}' if isinstance(value, float) else value}" for name, value in values.items()]
    return " ".join([f"--strategy {run.plan.get('strategy', run.strategy)}", *given])


def settings_table(run: Run) -> list[tuple[str, str, str, str]]:
    """For each setting: its name, default and best value, and the share of the score's variance that it explains."""
    found = run.plan.get("search")
    if not found:
        return []
    best, default = _best(found), next((one for one in found["trials"] if one["origin"] == DEFAULT), None)
    importances = found.get("importances", {})
    others = [one for one in found["trials"] if one is not default]
    varied = [name for name in best["settings"] if not others or any(name in one["settings"] for one in others)]
    order = [*importances, *(name for name in varied if name not in importances)]
    return [
        (
            name.replace("_", " "),
            "-" if default is None else _shown(name, default["settings"].get(name)),
            _shown(name, best["settings"].get(name)),
            "-" if name not in importances else "{:.0%} +- {:.0%}".format(*importances[name]),
        )
        for name in order
    ]


def trials_table(run: Run) -> list[tuple[str, str, str, str, str, str]]:
    """Number, origin, state, score, epochs and settings of each trial, or why it failed; best first."""
    numbered = list(enumerate(run.plan.get("search", {}).get("trials", ()), start=1))
    ranked = sorted(numbered, key=lambda item: (item[1]["state"] != "complete", *_order(item[1])))
    return [
        (
            str(number),
            one["origin"] if one["origin"] in {DEFAULT, SEARCH} else f"run {one['origin']}",
            one["state"],
            "-" if one["score"] is None else figure_text(one["score"]),
            str(one["epochs"]),
            one.get("reason") or ", ".join(f"{name} {_shown(name, value)}" for name, value in one["settings"].items()),
        )
        for number, one in ranked
    ]


def _order(trial: Mapping[str, Any]) -> tuple[float, float]:
    """Lower is better; equal scores are decided by the loss."""
    score, loss = trial["score"], trial.get("loss")
    return (inf if score is None else -score, inf if loss is None else loss)


def _best(found: Mapping[str, Any]) -> Mapping[str, Any]:
    best: Mapping[str, Any] = next(one for one in found["trials"] if one["number"] == found["best"])
    return best


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{text} x usual" if name == "learning_rate" else text
