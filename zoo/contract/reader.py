"""The interface of readers of data sets, and the user's options for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from zoo.entities import Dataset, Entity, Problem
from zoo.errors import DataError, InvalidInput

ON_PROBLEM = ("skip", "fail")


@dataclass(frozen=True)
class ReadOptions(Entity):
    """How to read a data set.

    Attributes:
        input_column: column of the texts or image paths; None lets the reader guess.
        target_column: column of the labels, or comma-separated columns of 0 and 1 for several labels per sample; None
            lets the reader guess.
        on_problem: what to do with an item that cannot be used: ``skip`` it and list it, or ``fail``.
        task: the task that the data set is for, if it is known.
        unlabelled: whether a table without a column of labels is read as unlabelled, instead of raising an error.
        options: values of options that plugins add (``zoo.contract.option``), by name.
        group_column: column of what samples of one origin share, such as a patient; they stay in one part of a split.
        time_column: column of numbers or ISO 8601 dates; a split holds out the latest samples.
    """

    input_column: str | None = None
    target_column: str | None = None
    on_problem: str = "skip"
    task: str | None = None
    unlabelled: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    group_column: str | None = None
    time_column: str | None = None

    def __post_init__(self) -> None:
        if self.on_problem not in ON_PROBLEM:
            raise InvalidInput(f"'{self.on_problem}' is not a valid value of on_problem.", "Choose skip or fail.")


@dataclass(frozen=True)
class Row:
    """One row: its line (or row) number from 1, and its values in the order of the columns, or why it has none."""

    number: int
    values: Sequence[Any] | None
    reason: str = ""


class Table(Protocol):
    """An opened table.

    Attributes:
        columns: column names.
        unit: unit of row numbers: ``line`` or ``row``.
        encoding: the encoding if it is not UTF-8, else empty.
    """

    columns: tuple[str, ...]
    unit: str
    encoding: str

    def rows(self) -> Iterator[Row]:
        """All rows, from the beginning."""
        ...


@dataclass(frozen=True)
class PackagedDataset(Entity):
    """A data set that a package ships.

    Attributes:
        name: its name on the command line.
        input_kind: ``image``, ``text``...
        description: what it is, in a sentence.
        available: whether it can be read now.
        install: the command that installs it.
    """

    name: str
    input_kind: str = ""
    description: str = ""
    available: bool = True
    install: str = ""


@runtime_checkable
class Reader(Protocol):
    """Reads data sets in one format.

    Attributes:
        name: its name in messages.
        datasets: names of the data sets that it ships, such as ``sklearn:digits``; empty for a file format.
    """

    name: str

    @property
    def datasets(self) -> Sequence[str]:
        """Names of the data sets that it ships."""
        ...

    def accepts(self, reference: str) -> bool:
        """Whether ``reference`` (a name, a file or a folder) has this format."""
        ...

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The data set; raises ``DataError`` if it cannot be read."""
        ...


@runtime_checkable
class DescribingReader(Reader, Protocol):
    """A reader that can also describe its packaged data sets."""

    def describe(self, name: str) -> PackagedDataset:
        """A description of one of ``datasets``, without reading it."""
        ...


def settle(name: str, usable: int, problems: Sequence[Problem], options: ReadOptions) -> None:
    """Raise an error if no item can be used, or if one cannot and ``on_problem`` is ``fail``."""
    if not problems or (usable and options.on_problem == "skip"):
        return
    first = f"{problems[0].item} {problems[0].reason}"
    if not usable:
        raise DataError(f"No item of '{name}' can be used: {len(problems):,} problems, the first: {first}.")
    shown = "; ".join(f"{problem.item} {problem.reason}" for problem in problems[:3])
    more = f"; and {len(problems) - 3:,} more" if len(problems) > 3 else ""
    raise DataError(
        f"'{name}' has {len(problems):,} items that cannot be used: {shown}{more}.",
        "Fix or remove them, or leave them out with --on-problem skip.",
    )
