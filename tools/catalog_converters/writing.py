"""Writes the catalog's tables: fixed column order, sorted lines, the same bytes for the same figures."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MODEL_COLUMNS = (
    "id",
    "tasks",
    "architecture",
    "library",
    "description",
    "parameters",
    "bytes",
    "license",
    "languages",
    "pretraining",
    "input",
    "embedding_dimension",
    "released",
    "base_model",
    "gated",
    "revision",
    "url",
    "tags",
    "files",
    "loader",
    "requires",
    "source",
)
BENCHMARK_COLUMNS = ("key", "task", "dataset", "split", "metric", "higher_is_better", "source")

Row = Mapping[str, Any]


def write_models(path: Path, rows: Iterable[Row]) -> int:
    """Write a models table by id, leaving out the columns that no row fills; returns the number of rows."""
    found = sorted(({name: _cell(value) for name, value in row.items()} for row in rows), key=lambda row: row["id"])
    used = [column for column in MODEL_COLUMNS if any(row.get(column) for row in found)]
    unknown = {name for row in found for name in row} - set(MODEL_COLUMNS)
    if unknown:
        raise ValueError(f"not a column of a models table: {sorted(unknown)}")
    write_table(path, used, ([row.get(column, "") for column in used] for row in found))
    return len(found)


def write_matrix(path: Path, scores: Mapping[str, Mapping[str, float]], benchmarks: Sequence[str]) -> int:
    """Write a matrix of scores, models by id against benchmark keys; returns the number of scores."""
    used = [key for key in benchmarks if any(key in row for row in scores.values())]
    lines = (
        [model, *(number(row[key]) if key in row else "" for key in used)]
        for model, row in sorted(scores.items())
        if row
    )
    write_table(path, ["model", *used], lines)
    return sum(len(row) for row in scores.values())


def write_benchmarks(path: Path, rows: Iterable[Row]) -> None:
    """Write the table of benchmarks by key."""
    found = sorted(({name: _cell(value) for name, value in row.items()} for row in rows), key=lambda row: row["key"])
    write_table(path, BENCHMARK_COLUMNS, ([row[column] for column in BENCHMARK_COLUMNS] for row in found))


def benchmark(key: str, task: str, dataset: str, split: str, metric: str, *, source: str, higher: bool = True) -> Row:
    """One row of the table of benchmarks."""
    return {
        "key": key,
        "task": task,
        "dataset": dataset,
        "split": split,
        "metric": metric,
        "higher_is_better": higher,
        "source": source,
    }


def read(path: Path) -> list[dict[str, str]]:
    """The lines of an upstream table, plain or gzipped."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def number(value: float) -> str:
    """A figure with at most six decimals and no trailing zeros."""
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def whole_number(text: str) -> int | None:
    """A whole number from upstream text (``568000000.0``, ``1,013``), or None if it is empty, zero or infinite."""
    value = float(text.replace(",", "")) if text else 0.0
    return round(value) or None if math.isfinite(value) else None


def millions(text: str) -> int | None:
    """A count from upstream text in millions, or None if it is empty."""
    return round(float(text.replace(",", "")) * 1e6) if text else None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ";".join(f"{name}={item}" for name, item in value.items() if item not in (None, ""))
    if isinstance(value, (list, tuple)):
        if any(";" in str(item) for item in value):
            raise ValueError(f"an item holds the separator: {value}")
        return ";".join(str(item) for item in value)
    return str(value)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    temporary.replace(path)
