"""Reads tables of results, models and data sets: CSV files, also gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from zoo.errors import DataError, suggest
from zoo.history.records import History, Record, history
from zoo.spreadsheets import text_of

DATASET = ("dataset", "task")
VALUE = ("value", "score")
COST = ("cost", "seconds")
MODEL = ("model", "name", "id")
"""Accepted names of each column, the usual one first."""


def read_history(runs: str | Path, models: str | Path | None = None, datasets: str | Path | None = None) -> History:
    """The history in a table of results, with facts about the models and data sets from other tables.

    Args:
        runs: columns ``model``, ``dataset`` (or ``task``), ``value`` (or ``score``); optionally ``metric`` and
            ``cost`` (or ``seconds``).
        models: a column ``model`` (or ``name``) and facts that are known before a model is run.
        datasets: a column ``dataset`` (or ``task``) and facts about a data set.

    Raises:
        DataError: a file cannot be read, a column is missing, or no record is usable.
    """
    return history(
        records(runs),
        facts(models, MODEL) if models is not None else {},
        facts(datasets, DATASET) if datasets is not None else {},
    )


def datasets_beside(runs: str | Path) -> Path | None:
    """The table of data sets next to a table of results; None if there is none.

    Beside ``vision_runs.csv`` that is ``vision_datasets.csv``, ``vision_runs_datasets.csv`` or ``datasets.csv``, the
    first that exists; each may be gzipped.
    """
    path = Path(runs).expanduser()
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    family = re.match(r"(.*[_-])[^_-]+$", stem)
    names = [*([f"{family[1]}datasets.csv"] if family else []), f"{stem}_datasets.csv", "datasets.csv"]
    places = [path.with_name(f"{name}{end}") for name in names for end in ("", ".gz")]
    return next((place for place in places if place.is_file() and place != path), None)


def records(path: str | Path) -> Iterator[Record]:
    """The results in a table, one by one; NaN for a value that is not a number.

    Raises:
        DataError: the file cannot be read, or a column is missing.
    """
    table = _rows(Path(path).expanduser())
    header = next(table)[1]
    names = set(header)
    model, dataset, value = (_column(path, names, choice) for choice in (MODEL, DATASET, VALUE))
    cost = next((name for name in COST if name in names), None)
    for line, row in table:
        if not row[model] or not row[dataset]:
            raise DataError(f"{path}, line {line}: the model or the data set is empty.", "Fill it in or delete it.")
        yield Record(
            place=f"{path}, line {line}",
            model=row[model],
            dataset=row[dataset],
            metric=row.get("metric") or "score",
            value=_number(row[value]),
            cost=None if cost is None or math.isnan(_number(row[cost])) else _number(row[cost]),
        )


def facts(path: str | Path, key: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The rows of a table by their ``key`` column; of a repeated name, the first row counts.

    Raises:
        DataError: the file cannot be read, or the column is missing.
    """
    table = _rows(Path(path).expanduser())
    column = _column(path, set(next(table)[1]), key)
    found: dict[str, dict[str, str]] = {}
    for _, row in table:
        known = {name: cell for name, cell in row.items() if name != column and cell}
        found.setdefault(row[column], known)
    return found


def _column(path: str | Path, names: set[str], choice: tuple[str, ...]) -> str:
    for name in choice:
        if name in names:
            return name
    hint = suggest(choice[0], names) or f"Its columns: {', '.join(sorted(names)) or 'none'}."
    raise DataError(f"{path} has no column '{choice[0]}'.", hint)


def _number(cell: str) -> float:
    text = cell.strip()
    try:
        return float(text[:-1]) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return math.nan


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The header first, as a mapping, then each row with its line number."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is neither UTF-8 text nor complete gzip.", "Save it as CSV in UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        yield 1, dict.fromkeys(header, "")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells, but the header has {len(header)}.",
                    "Fix the line.",
                )
            yield reader.line_num, dict(zip(header, (text_of(cell.strip()) for cell in cells), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.", "Save it as a plain CSV file.") from error
