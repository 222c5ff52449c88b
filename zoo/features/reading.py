"""Data sets as models take them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset, ModelCard


def read_for(card: ModelCard, reference: str, options: ReadOptions) -> Dataset:
    """A data set as a model takes it: tables as time series for a model that forecasts them, structures whole.

    Features need no labels: a table of which no column looks like any is read without.

    Raises:
        DataError: as ``zoo.read``.
    """
    from zoo.data import read_with
    from zoo.data.series import TASK
    from zoo.data.structures import INVERSE_FOLDING

    known = next((task for task in (TASK, INVERSE_FOLDING) if task in card.tasks), None)
    task = options.task or known
    return read_with(reference, replace(options, task=task, unlabelled=options.unlabelled or task is None))
