"""The task taxonomy."""

from __future__ import annotations

from zoo.tasks.taxonomy import TASKS, find_task, tasks_of
from zoo.tasks.types import Domain, Task, TaskMetric

__all__ = ["TASKS", "Domain", "Task", "TaskMetric", "find_task", "tasks_of"]
