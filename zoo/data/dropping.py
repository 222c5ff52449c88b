"""Lists of samples to leave out: files with one sample per row, and the samples of a data set that they name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import replacing
from zoo.data.identity import identities
from zoo.data.table_files import form_of, open_table
from zoo.errors import DataError, InvalidInput
from zoo.kinds.items import item_facts
from zoo.spreadsheets import as_cell, text_of

if TYPE_CHECKING:
    from zoo.entities import Dataset

NAMING = ("digest", "item", "position")
"""Columns by which a list names samples, the most certain first."""

COLUMNS = ("position", "item", "label", "suggested", "self_confidence", "suggested_confidence", "reason", "digest")
"""Columns of the lists that zoo writes."""


def item_name(dataset: Dataset, index: int) -> str:
    """A sample's name in messages and lists: its file, or its row or position and first words."""
    name = item_facts(dataset.inputs, index).name
    if len(dataset.places) != len(dataset) or not name.startswith("item "):
        return name
    _, _, words = name.removeprefix("item ").partition(" ")
    return f"{dataset.places[index]} {words}".strip()


def digests(dataset: Dataset) -> Sequence[str]:
    """The digest of each sample's content, n texts in hex; empty texts if the content is unknown."""
    found = identities(dataset)
    if found is None:
        return [""] * len(dataset)
    # numpy cuts zero bytes off the end of a text of bytes.
    return [bytes(one).ljust(found.dtype.itemsize, b"\0").hex() for one in found]


def write_list(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a list as CSV atomically, texts escaped for spreadsheets; returns its path.

    Args:
        rows: values by the names in ``COLUMNS``; others are left out.

    Raises:
        InvalidInput: the suffix is not ``.csv``.
        StorageError: it cannot be written.
    """
    target = Path(path).expanduser()
    check_list(path)
    with replacing(target) as place, place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(row.get(name)) for name in COLUMNS] for row in rows)
    return target


def check_list(path: str | Path) -> None:
    """Raise ``InvalidInput`` if a list cannot have this name."""
    if Path(path).suffix.lower() != ".csv":
        raise InvalidInput(f"The list '{path}' must be a CSV file.", "Name it with the suffix .csv.")


def listed(path: str | Path, dataset: Dataset) -> tuple[int, ...]:
    """Positions of the samples of a data set that a list names, ascending.

    A list is a table (CSV, TSV, JSONL, Parquet) with a column ``digest`` (of the content), ``item`` (a file, or the
    place of a row, such as ``line 7``) or ``position`` (from 0); of several columns, the first in this order counts.
    Where equal samples have one digest, the columns ``position`` and ``label`` tell them apart.

    Raises:
        DataError: the list cannot be read, has none of these columns, or names samples that the data set lacks.
    """
    target = Path(path).expanduser()
    if not target.is_file():
        raise DataError(
            f"There is no list '{path}' of samples to leave out.",
            "Write one: zoo profile DATA --label-errors MODEL -o FILE",
        )
    if not form_of(target):
        raise DataError(f"The list '{path}' is not a table.", "Write it as CSV, TSV, JSONL or Parquet.")
    table = open_table(target)
    by = [name for name in NAMING if name in table.columns]
    if not by:
        raise DataError(
            f"The list '{path}' has no column that names samples; its columns are {', '.join(table.columns)}.",
            f"Add one of the columns {', '.join(NAMING)}.",
        )
    finder = _Finder(dataset)
    found: set[int] = set()
    unknown = []
    for row in table.rows():
        if row.values is None:
            raise DataError(f"{table.unit.capitalize()} {row.number} of the list '{path}' {row.reason}.")
        values = {name: _text(value) for name, value in zip(table.columns, row.values, strict=True)}
        places = finder.find(values, next((name for name in by if values[name]), by[0]))
        if not places:
            unknown.append(f"{table.unit} {row.number} ({values.get('item') or values[by[0]]})")
        found.update(places)
    if unknown:
        more = f" and {len(unknown) - 3:,} more" if len(unknown) > 3 else ""
        raise DataError(
            f"The list '{path}' names samples that '{dataset.name}' does not have: {', '.join(unknown[:3])}{more}.",
            "Use the list that was written for these data, read with the same columns.",
        )
    return tuple(sorted(found))


class _Finder:
    """Finds the samples that a row names."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._by: dict[str, dict[str, list[int]]] = {}

    def find(self, values: Mapping[str, str], by: str) -> Sequence[int]:
        """The positions of the samples with this value; one of several equal samples if the row says which."""
        text = values[by]
        if by == "position":
            return [int(text)] if text.isdecimal() and int(text) < len(self._dataset) else []
        found = self._index(by).get(text, [])
        position = values.get("position", "")
        if position.isdecimal() and int(position) in found:
            return [int(position)]
        if len(found) > 1 and values.get("label") and self._dataset.classes:
            return [at for at in found if self._label(at) == values["label"]]
        return found

    def _label(self, at: int) -> str:
        targets = self._dataset.targets
        return "" if targets is None else self._dataset.classes[int(targets[at])]

    def _index(self, by: str) -> dict[str, list[int]]:
        if by not in self._by:
            data = self._dataset
            found: dict[str, list[int]] = {}
            if by == "digest":
                for at, digest in enumerate(digests(data)):
                    found.setdefault(digest, []).append(at)
            else:
                for at in range(len(data)):
                    places = data.places[at : at + 1] if len(data.places) == len(data) else ()
                    for name in {item_name(data, at), *places}:
                        found.setdefault(name, []).append(at)
            self._by[by] = found
        return self._by[by]


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else text_of(str(value).strip())


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else as_cell(value) if isinstance(value, str) else value
