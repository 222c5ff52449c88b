"""Inputs without labels, block by block: every row of a table, or every file of a folder, also the unusable ones."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from zoo.contract.kind import Kind
from zoo.contract.reader import Row, Table
from zoo.contract.values import Values
from zoo.data.columns import Choice, choose_input
from zoo.data.listing import list_folder
from zoo.data.table import input_value
from zoo.data.table_files import form_of, open_table
from zoo.entities import LeftOut
from zoo.errors import DataError
from zoo.kinds.inputs import resolve
from zoo.kinds.known import kind_of

FILE = "file"
"""The only column of a folder."""

T = TypeVar("T")

_SAMPLE = 2000
_LONGEST_PATH = 4096
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a source.

    Attributes:
        places: of n rows: ``line 7``, or the file.
        stamps: size and time of change of each row's file; empty for a row without one.
        cells: the values of each row in the order of the columns; empty for a row that cannot be parsed.
        items: the usable inputs, decoded when indexed.
        kept: row, from 0, of each of them.
        reasons: why a row cannot be used, by row.
    """

    places: Sequence[str]
    stamps: Sequence[str]
    cells: Sequence[Sequence[Any]]
    items: Sequence[Any]
    kept: Sequence[int]
    reasons: dict[int, str]


@dataclass(frozen=True)
class Rows:
    """The inputs that a table or a folder holds.

    Attributes:
        name: what the user named.
        columns: the table's columns, or ``file``.
        input: the column of the inputs.
        count: number of rows.
        fingerprint: SHA-256 of the table's content, or of the names of the folder's files, as hex.
        passed_over: files of a folder that hold other kinds of samples, by suffix.
    """

    name: str
    columns: tuple[str, ...]
    input: str
    count: int
    fingerprint: str
    kind: Kind
    table: Table | None = None
    choice: Choice | None = None
    files: Sequence[Path] = ()
    root: Path = Path()
    passed_over: tuple[LeftOut, ...] = ()

    def blocks(self, size: int, start: int = 0, only: Collection[int] | None = None) -> Iterator[Block]:
        """The rows from ``start`` on, or ``only`` those of these numbers (from 0), in blocks of ``size``."""

        def chosen(rows: Iterable[T]) -> Iterator[T]:
            if only is None:
                return islice(rows, start, None)
            return (row for number, row in enumerate(rows) if number in only)

        if self.table is None:
            files = chosen(self.files)
            while paths := list(islice(files, size)):
                yield self._of_files(paths)
            return
        rows = chosen(self.table.rows())
        while block := list(islice(rows, size)):
            yield self._of_rows(block, self.table)

    def stamps(self) -> Iterator[str]:
        """Size and time of change of each row's file, as they are now; empty for a row without one."""
        if self.table is None:
            yield from map(_stamp, self.files)
        else:
            yield from (self._row_stamp(row) for row in self.table.rows())

    def _row_stamp(self, row: Row) -> str:
        cell = None if row.values is None else row.values[self.columns.index(self.input)]
        return _stamp(resolve(cell, self.root)) if isinstance(cell, str) and len(cell) <= _LONGEST_PATH else ""

    def _of_files(self, paths: Sequence[Path]) -> Block:
        names = [path.relative_to(self.root).as_posix() for path in paths]
        stamps = [_stamp(path) for path in paths]  # before the files are read
        found = self.kind.read_files(paths, self.root)
        return Block(names, stamps, [[name] for name in names], found.items, found.kept, dict(found.problems))

    def _of_rows(self, rows: Sequence[Row], table: Table) -> Block:
        assert self.choice is not None
        stamps = [self._row_stamp(row) for row in rows]  # before the files are read
        place = self.columns.index(self.input)
        usable: list[int] = []
        cells: list[Any] = []
        reasons: dict[int, str] = {}
        for at, row in enumerate(rows):
            value, reason = (
                (None, row.reason) if row.values is None else input_value(row.values[place], self.choice, self.kind)
            )
            if reason:
                reasons[at] = reason
            else:
                usable.append(at)
                cells.append(value)
        found = self.kind.read_cells(cells, self.root) if cells else Values((), (), ())
        reasons |= {usable[at]: reason for at, reason in found.problems.items()}
        return Block(
            [f"{table.unit} {row.number}" for row in rows],
            stamps,
            [() if row.values is None else row.values for row in rows],
            found.items,
            [usable[at] for at in found.kept],
            reasons,
        )


def rows_of(reference: str, kind: Kind, input_column: str | None = None) -> Rows:
    """The inputs of a table or of a folder for a model that takes such a kind of input.

    Args:
        input_column: of a table; guessed if it is None.

    Raises:
        DataError: there is no such table or folder, it holds no inputs of the kind, or the column is ambiguous.
    """
    path = Path(reference).expanduser()
    if path.is_dir():
        return _folder(reference, path, kind, input_column)
    if not form_of(path):
        raise DataError(f"'{reference}' is neither a folder nor a table (CSV, TSV, JSONL, Parquet).", "Name one.")
    if not path.is_file():
        raise DataError(f"There is no file '{path}'.")
    if kind.name != "text" and not kind.column_names:
        raise DataError(f"The rows of a table cannot be {kind.nouns}.", "Name the inputs one by one.")
    table = open_table(path)
    first = [row.values for row in islice(table.rows(), _SAMPLE) if row.values is not None]
    if not first:
        raise DataError(f"'{reference}' has columns, but no rows.", "Add a row for each input.")
    choice = choose_input(path, table.columns, first, input_column, kind.name)
    if choice.kind != kind.name:
        raise DataError(
            f"Column '{choice.input}' of '{reference}' holds {kind_of(choice.kind).nouns}, but the model takes "
            f"{kind.nouns}.",
            "Name another column with --input-column.",
        )
    count = sum(1 for _ in table.rows())
    return Rows(reference, table.columns, choice.input, count, _digest(path), kind, table, choice, root=path.parent)


def _folder(reference: str, root: Path, kind: Kind, input_column: str | None) -> Rows:
    if input_column is not None:
        raise DataError(f"'{reference}' is a folder, which has no columns.", "Leave out --input-column.")
    found = list_folder(root)
    if found.kind != kind.name:
        held = kind_of(found.kind).nouns if found.kind else found.instead()
        raise DataError(f"The folder '{reference}' holds {held}, but the model takes {kind.nouns}.")
    files = [path for path, _ in found.files]
    names = [path.relative_to(root).as_posix() for path in files]
    digest = hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return Rows(
        reference, (FILE,), FILE, len(files), digest, kind, files=files, root=root, passed_over=found.passed_over
    )


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except (OSError, ValueError):  # such as a text with a zero byte
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
