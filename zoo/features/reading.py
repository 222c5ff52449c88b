"""Reads data sets in the form that a model takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset, ModelCard


def read_for(card: ModelCard, reference: str, options: ReadOptions) -> Dataset:
    """A data set as a model takes it: as the kind of its task, if files would otherwise be read as another kind.

    Features need no labels: a table without a column of labels is read as unlabelled.

    Raises:
        DataError: as ``zoo.read``.
    """
    from zoo.data import read_with
    from zoo.plugins import plugins

    known = [found for name in card.tasks if (found := plugins().tasks.get(name)) is not None]
    needed = (found.name for found in known if any(kind_of(kind).needs_task for kind in found.inputs))
    task = options.task or next(needed, None)
    return read_with(reference, replace(options, task=task, unlabelled=options.unlabelled or task is None))
