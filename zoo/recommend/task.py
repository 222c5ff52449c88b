"""Task and data analysis: which task the data set is for, and whether it can serve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.entities import Dataset, Entity
from zoo.tasks import Task


@dataclass(frozen=True)
class Analysis(Entity):
    """What is known before anything is measured.

    Attributes:
        task: name of the task.
        domain: the domain that serves it.
        guessed: whether the task was guessed from the data.
        data: name, fingerprint, samples and number of classes, as the recommendation carries them.
        warnings: what to watch out for, in sentences.
    """

    task: str
    domain: str
    guessed: bool
    data: dict[str, Any]
    warnings: tuple[str, ...] = ()


def analyse(dataset: Dataset, task: str | None = None) -> tuple[Task, Analysis]:
    """The task (looked up, or guessed from the kinds of input and target) and what the data set offers for it.

    Raises:
        UnknownTask: no such task.
        DataError: the data set cannot serve the task, or no task fits and none was named.
    """
    from zoo.data import check, profile, task_for

    found = task_for(dataset, task)
    check(dataset, found)
    data = {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "samples": len(dataset),
        "classes": len(dataset.classes),
    }
    warnings = tuple(profile(dataset).warnings)
    return found, Analysis(found.name, found.domain, task is None, data, warnings)
