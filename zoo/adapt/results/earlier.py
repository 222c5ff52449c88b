"""The best earlier run on the same data, as something that a new run has to beat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.adapt.results.intervals import FEWEST_UNITS
from zoo.adapt.results.paired import compare_runs
from zoo.entities import Run
from zoo.errors import DataError
from zoo.kinds.metrics import metric

if TYPE_CHECKING:
    from zoo.registry import Registry

EARLIER = "earlier"
"""Key of a run's plan for the best earlier run: its id, model, strategy and value of the primary metric."""


def with_best_earlier(run: Run, registry: Registry) -> Run:
    """The run, compared with the best earlier one on the same data and task; unchanged if there is none.

    The gain over it is added if both runs tested some of the same samples.
    """
    name = next(iter(run.metrics))
    sign = 1 if metric(name).higher_is_better else -1
    known = [one for one in registry.runs(task=run.task, data=run.data) if name in one.metrics and one.id != run.id]
    if not run.data or not known:
        return run
    best = max(known, key=lambda one: sign * one.metrics[name])
    facts = {"id": best.id, "model": best.model, "strategy": best.strategy, name: best.metrics[name]}
    plan = {**run.plan, EARLIER: facts}
    try:
        compared = compare_runs(run, registry.run(best.id), most=1, test=False)
        found = compared.metrics if compared.units >= FEWEST_UNITS else ()
    except DataError:  # no record of its predictions, or other test samples
        found = ()
    if not found:
        return replace(run, plan=plan)
    ends = sorted((sign * found[0].low, sign * found[0].high))
    on = "" if compared.samples >= run.plan.get("test_samples", 0) else f", on the {compared.samples:,} samples of both"
    label = f"best earlier run on these data ({best.id}, {best.model} by {best.strategy}{on})"
    gains = {**run.plan.get("gains", {}), label: [sign * found[0].difference, *ends]}
    return replace(run, plan={**plan, "gains": gains})
