"""What every reader of data sets answers, and how the user's wishes reach it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from zoo.entities import Dataset, Entity


@dataclass(frozen=True)
class ReadOptions(Entity):
    """How to read a data set.

    Attributes:
        input_column: column of the texts or image paths; None lets the reader guess.
        target_column: column of the labels; None lets the reader guess.
        on_problem: what to do with an item that cannot be used: ``skip`` it and list it, or ``fail``.
        task: the task that the data set is for, where it is known.
    """

    input_column: str | None = None
    target_column: str | None = None
    on_problem: str = "skip"
    task: str | None = None


@runtime_checkable
class Reader(Protocol):
    """Reads data sets of one form.

    Attributes:
        name: what messages call it.
        datasets: names of the data sets that it ships, such as ``sklearn:digits``; empty for a file format.
    """

    name: str
    datasets: Sequence[str]

    def accepts(self, reference: str) -> bool:
        """Whether ``reference`` (a name, a file or a folder) is of this form."""
        ...

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The data set; raises ``DataError`` with one sentence where it cannot be read."""
        ...
