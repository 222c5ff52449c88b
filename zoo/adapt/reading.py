"""Reads data sets for the evaluation of a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.errors import DataError, InvalidInput
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset
    from zoo.features import Model


def read_for_evaluation(data: str, model: str | Model, options: ReadOptions) -> Dataset:
    """Read data for the model's first task; if that fails and it has others, as the data fit."""
    from zoo.data import read_with

    wanted = options.task or (None if isinstance(model, str) else _paired(model))
    as_wanted = replace(options, task=wanted)
    if options.task or wanted is None or isinstance(model, str) or len(model.card.tasks) == 1:
        return read_with(data, as_wanted)
    try:
        return read_with(data, as_wanted)
    except (DataError, InvalidInput) as first:
        try:
            return read_with(data, options)
        except (DataError, InvalidInput):
            raise first from None


def _paired(model: Model) -> str | None:
    """The model's first task, if its data have to be read in a way of its own."""
    from zoo.plugins import plugins

    if not model.card.tasks:
        return None
    name = model.card.tasks[0]
    task = plugins().tasks.get(name)
    if task is None:
        return None
    target = kind_of(task.target)
    return name if target.several or not target.estimable else None
