"""Results of kinds: values from cells and files, inputs from a command line, answers as a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.entities import Problem

LONGEST_HEADING = 80
"""Maximum characters of a heading."""


class Unusable(Exception):
    """A cell, a file or a typed input is not a value of the kind.

    The message continues a sentence that begins with the name of the item: ``has no atoms``.
    """


@dataclass(frozen=True)
class Values:
    """The result of reading n cells of a table, or n files.

    Attributes:
        items: the values, in order, decoded when indexed if decoding is expensive.
        kept: position among the n of each value.
        digests: SHA-256 of the content of each value.
        problems: position among the n of each cell that is unusable, with the reason.
    """

    items: Sequence[Any]
    kept: Sequence[int]
    digests: Sequence[bytes]
    problems: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Typed:
    """Inputs given on a command line.

    Attributes:
        names: name of each in the results.
        items: the values.
        problems: inputs that cannot be used, with the reason.
    """

    names: tuple[str, ...]
    items: Sequence[Any]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Shown:
    """Answers as a table.

    Attributes:
        heads: the columns.
        rows: cells as text.
        numeric: the columns that are numbers; a dash marks an unknown one.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Collection[str] = ()

    def records(self) -> list[dict[str, str | float | None]]:
        """Each row as JSON values by column: numbers as numbers, unknown ones as None."""
        return [
            {head: _number(cell) if head in self.numeric else cell for head, cell in zip(self.heads, row, strict=True)}
            for row in self.rows
        ]


def _number(cell: str) -> float | None:
    if cell == "-":
        return None
    value = float(cell.replace(",", ""))
    return int(value) if value.is_integer() and "." not in cell else value


def short(name: str) -> str:
    """The name of an input as a heading: a file's name, or a text truncated to ``LONGEST_HEADING`` characters."""
    suffix = Path(name).suffix
    whole = Path(name).name if len(name) < 200 and suffix and " " not in suffix else name
    return whole if len(whole) <= LONGEST_HEADING else f"{whole[: LONGEST_HEADING - 1]}\u2026"


class Examples:
    """The examples of its values and answers that a kind has, for the conformance suite."""

    def ordinary(self) -> Sequence[Any]:
        """Some ordinary values, of different sizes if possible."""
        return ()

    def ordinary_answers(self) -> Sequence[Any]:
        """Some ordinary answers of models, of the same size if ``ordinary`` returns samples of another type."""
        return self.ordinary()

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """Extreme values of real data, each with its name: empty, tiny, huge."""
        return ()
