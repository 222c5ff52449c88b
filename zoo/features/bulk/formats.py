"""Tables of predictions: CSV, TSV, JSON Lines and Parquet, written row by row and replaced atomically."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.atomic import replacing
from zoo.errors import InvalidInput, needs_extra
from zoo.kinds.targets import is_number
from zoo.spreadsheets import as_cell

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
"""Suffixes of the tables that are written."""

_BATCH = 5000

Rows = Callable[[], Iterable[Sequence[Any]]]
"""Gives all rows from the beginning; values are JSON values."""


def is_table(path: str | Path | None) -> bool:
    """Whether a file of this name is a table of predictions."""
    return path is not None and Path(path).suffix.lower() in SUFFIXES


def check(path: Path) -> None:
    """Raise an error if a table cannot be written there, before hours of work.

    Raises:
        InvalidInput: the suffix is not one of ``SUFFIXES``, or the folder is missing.
        MissingExtra: pyarrow is not installed.
    """
    if not is_table(path):
        raise InvalidInput(f"'{path}' is not a table.", f"Choose one of the suffixes {', '.join(SUFFIXES)}.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        problem = "is a folder" if path.is_dir() else "would be in a folder that does not exist"
        raise InvalidInput(f"The table '{path}' {problem}.", "Choose another name.")
    if path.suffix.lower() == ".parquet":
        with needs_extra("data", "write Parquet files"):
            import pyarrow  # noqa: F401


def write(path: Path, columns: Sequence[str], rows: Rows) -> None:
    """Write a table atomically; raises ``StorageError``."""
    form = path.suffix.lower()
    with replacing(path) as place:
        if form == ".parquet":
            _parquet(place, columns, rows)
        elif form == ".jsonl":
            _json_lines(place, columns, rows)
        else:
            _delimited(place, columns, rows, "\t" if form == ".tsv" else ",")


def _delimited(place: Path, columns: Sequence[str], rows: Rows, delimiter: str) -> None:
    """Texts that a spreadsheet would run as formulas are escaped; numbers stay as they are."""
    with place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([as_cell(name) for name in columns])
        writer.writerows([_cell(value) for value in row] for row in rows())


def _json_lines(place: Path, columns: Sequence[str], rows: Rows) -> None:
    with place.open("w", encoding="utf-8") as file:
        for row in rows():
            file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")


def _parquet(place: Path, columns: Sequence[str], rows: Rows) -> None:
    """Columns of one type keep it; all others become texts."""
    import pyarrow as arrow
    from pyarrow import parquet

    types: list[set[Any]] = [set() for _ in columns]
    for row in rows():
        for known, value in zip(types, row, strict=True):
            if value is not None:
                known.add(_type(value))
    forms = [_form(known) for known in types]
    schema = arrow.schema([(name, getattr(arrow, form)()) for name, form in zip(columns, forms, strict=True)])
    stream = iter(rows())
    with parquet.ParquetWriter(place, schema, compression="zstd") as writer:
        while batch := list(islice(stream, _BATCH)):
            content = [
                [_as(value, form) for value in column]
                for column, form in zip(zip(*batch, strict=True), forms, strict=True)
            ]
            writer.write_table(
                arrow.table([arrow.array(c, f.type) for c, f in zip(content, schema, strict=True)], schema=schema)
            )


def _type(value: Any) -> Any:
    """The type of a value; ``long`` for integers that a float cannot hold, text for those beyond 64 bits."""
    if type(value) is int and abs(value) > 2**53:
        return "long" if -(2**63) <= value < 2**63 else str
    return type(value)


def _form(known: set[Any]) -> str:
    if known == {bool}:
        return "bool_"
    if known and known <= {int, "long"}:
        return "int64"
    return "float64" if known and known <= {int, float} else "string"


def _as(value: Any, form: str) -> Any:
    if value is None or form != "string" or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return as_cell(value) if isinstance(value, str) and not is_number(value) else value
