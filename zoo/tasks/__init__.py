"""Tasks and domains, which plugins define with the hook ``zoo_domains``."""

from __future__ import annotations

from zoo.tasks.naming import Architecture, FolderFormat, Head
from zoo.tasks.types import CLASSIFICATION, MULTI_LABEL, Domain, Task, TaskMetric, find_task, higher, lower

__all__ = [
    "CLASSIFICATION",
    "MULTI_LABEL",
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
