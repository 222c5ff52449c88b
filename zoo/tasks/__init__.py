"""Tasks and domains, which plugins define with the hook ``zoo_domains``."""

from __future__ import annotations

from zoo.tasks.naming import Architecture, FolderFormat, Head
from zoo.tasks.types import CLASSIFICATION, Domain, Task, TaskMetric, find_task, higher, lower

__all__ = [
    "CLASSIFICATION",
    "Architecture",
    "Domain",
    "FolderFormat",
    "Head",
    "Task",
    "TaskMetric",
    "find_task",
    "higher",
    "lower",
]
