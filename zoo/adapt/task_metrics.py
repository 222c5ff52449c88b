"""Selects the metrics of a task that apply to given targets."""

from __future__ import annotations

from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError, ZooError
from zoo.kinds.metrics import metric
from zoo.tasks import Task


def metrics_for(task: Task, targets: Any) -> tuple[Metric, ...]:
    """The task's available metrics that accept such targets: metrics of classes, or metrics of numbers."""
    found = []
    for wanted in task.metrics:
        try:
            candidate = metric(wanted.name)
            candidate.compute(targets, targets)
        except ZooError:
            continue
        found.append(candidate)
    if not found:
        names = ", ".join(wanted.name for wanted in task.metrics)
        raise DataError(f"None of the metrics of '{task.name}' ({names}) accepts the targets of this data set.")
    return tuple(found)
