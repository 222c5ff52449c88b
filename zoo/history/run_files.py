"""Runs in files: JSON with complete runs, and CSV tables of earlier results, published or your own."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.atomic import replacing
from zoo.entities import Run
from zoo.errors import DataError, InvalidInput, suggest
from zoo.spreadsheets import as_cell, text_of
from zoo.untrusted import parse_json

REQUIRED = ("model", "dataset", "metric", "value")
OPTIONAL = ("task", "strategy", "cost", "baseline", "seed", "epochs", "samples", "device", "revision", "date")
"""``cost`` is seconds, ``baseline`` the same metric of the most frequent class, ``date`` an ISO date."""

_NUMBERS: dict[str, Callable[[str], float]] = {
    "value": float,
    "cost": float,
    "baseline": float,
    "seed": int,
    "epochs": int,
    "samples": int,
}
_ROUNDING = 1e-6
_NOT_NEGATIVE = {"cost", "epochs", "samples"}
IMPORTED = "imported"
"""Strategy of rows without one."""


def read_runs(path: str | Path) -> list[Run]:
    """The runs in a CSV or JSON file; nothing is stored.

    Rows of a table that differ in their metric only are one run. Its id is made from its content, so that importing a
    table twice changes nothing.

    Raises:
        DataError: the file cannot be read, a row is not a result, or a metric of a run is outside its bounds; the
            message names the line or the run.
        InvalidInput: the file name ends neither in ``.csv`` nor in ``.json``.
    """
    path = Path(path).expanduser()
    suffix = _suffix(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    return _from_json(text, path) if suffix == ".json" else _from_csv(text, path)


def write_runs(runs: Sequence[Run], path: str | Path) -> None:
    """Write runs to a JSON file (everything) or a CSV file (one line per metric), atomically.

    Raises:
        InvalidInput: the file name ends neither in ``.csv`` nor in ``.json``.
        StorageError: the file cannot be written.
    """
    path = Path(path).expanduser()
    text = _to_json(runs) if _suffix(path) == ".json" else _to_csv(runs)
    with replacing(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        file.write(text)


def is_table(path: str | Path) -> bool:
    """Whether a file of this name holds a line for each metric, without the other fields of the runs."""
    return Path(path).suffix.lower() == ".csv"


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".json"}:
        raise InvalidInput(f"{path} is neither .csv nor .json.", "Name the file runs.json or results.csv.")
    return suffix


def _to_json(runs: Iterable[Run]) -> str:
    return json.dumps({"runs": [run.to_dict() for run in runs]}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _from_json(text: str, path: Path) -> list[Run]:
    try:
        document = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}.", "Export it again: zoo runs export FILE") from error
    entries = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise DataError(f'{path} has no list under "runs".', "Export it again: zoo runs export FILE")
    runs = []
    bounds = _bounds()
    for number, entry in enumerate(entries, start=1):
        try:
            if not isinstance(entry, dict):
                raise InvalidInput(f"It is a {type(entry).__name__}, not a run.")
            run = _checked(Run.from_dict(entry))
            for name, value in (*run.metrics.items(), *run.baseline.items()):
                _check_possible(f"run '{run.id}'", name, value, bounds)
            runs.append(run)
        except InvalidInput as error:
            raise DataError(f"Run {number} of {path} cannot be read: {error.message}", error.hint) from error
    return runs


def _checked(run: Run) -> Run:
    for name in ("id", "model", "task", "dataset", "data", "strategy"):
        if not isinstance(getattr(run, name), str):
            raise InvalidInput(f"Its '{name}' must be text, not {getattr(run, name)!r}.")
    for name in ("metrics", "baseline"):
        figures = getattr(run, name)
        if not isinstance(figures, Mapping) or not all(_finite(value) for value in figures.values()):
            raise InvalidInput(f"Its '{name}' are not all finite numbers.")
    if not run.id or not run.model or not run.metrics:
        raise InvalidInput("It lacks an id, a model or metrics.")
    return run


def _bounds() -> dict[str, tuple[float, float]]:
    """The lowest and highest value of each known metric."""
    from zoo.kinds.metrics import known_metrics

    return {name: metric.bounds for name, metric in known_metrics().items()}


def _check_possible(of: str, name: str, value: float, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raise ``InvalidInput`` if a metric cannot have this value, but for rounding; unknown metrics can have any."""
    low, high = bounds.get(name, (-math.inf, math.inf))
    if low - _ROUNDING <= value <= high + _ROUNDING:
        return
    limits = f"at most {high:g}" if low == -math.inf else f"at least {low:g}" if high == math.inf else ""
    raise InvalidInput(
        f"{name} of {of} is {value:g}, but it is {limits or f'between {low:g} and {high:g}'}.",
        "Write fractions, not percentages." if high == 1 < value <= 100 else "Fix the value.",
    )


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _to_csv(runs: Iterable[Run]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*REQUIRED, *OPTIONAL], lineterminator="\n")
    writer.writeheader()
    for run in runs:
        for metric, value in run.metrics.items():
            texts = {
                "model": run.model,
                "dataset": run.dataset,
                "metric": metric,
                "task": run.task,
                "strategy": run.strategy,
                "device": run.device,
                "revision": run.revision or "",
                "date": run.created,
            }
            numbers = {
                "value": repr(value),
                "cost": repr(run.seconds),
                "seed": run.seed,
                "epochs": run.epochs,
                "baseline": repr(run.baseline[metric]) if metric in run.baseline else "",
                "samples": run.samples,
            }
            writer.writerow({**{name: as_cell(text) for name, text in texts.items()}, **numbers})
    return buffer.getvalue()


def _from_csv(text: str, path: Path) -> list[Run]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    groups: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    bounds = _bounds()
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        for cells in reader:
            if not cells or (len(cells) == 1 and not cells[0].strip()):
                continue
            row = _row(header, cells, path, reader.line_num)
            key = tuple(row.get(name, "") for name in (*REQUIRED[:2], *OPTIONAL) if name != "baseline")
            metrics = groups.setdefault(key, {})
            if row["metric"] in metrics:
                raise DataError(
                    f"{path}, line {reader.line_num}: {row['model']} on {row['dataset']} has '{row['metric']}' twice.",
                    "Add a column 'seed' to distinguish repetitions.",
                )
            _check_line(row, bounds, path, reader.line_num)
            metrics[row["metric"]] = row
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.", "Save it as a plain CSV file.") from error
    if not groups:
        raise DataError(f"{path} holds no rows.", f"Columns: {', '.join((*REQUIRED, *OPTIONAL))}.")
    return [_run(rows) for rows in groups.values()]


def _check_header(header: Sequence[str], path: Path) -> None:
    known = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name not in known:
            hint = f"{suggest(name, known)} Columns: {', '.join(known)}.".strip()
            raise DataError(f"{path}, line 1: there is no column '{name}'.", hint)
        if header.count(name) > 1:
            raise DataError(f"{path}, line 1: the column '{name}' appears twice.", "Keep one.")
    for name in REQUIRED:
        if name not in header:
            raise DataError(f"{path}, line 1: the column '{name}' is missing.", f"Needed: {', '.join(REQUIRED)}.")


def _row(header: Sequence[str], cells: Sequence[str], path: Path, line: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise DataError(f"{path}, line {line}: {len(cells)} cells, but the header has {len(header)}.", "Fix the line.")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    row = {name: cell if name in _NUMBERS else text_of(cell) for name, cell in row.items()}
    for name in REQUIRED:
        if not row[name]:
            raise DataError(f"{path}, line {line}: '{name}' is empty.", "Fill it in or delete the line.")
    for name, kind in _NUMBERS.items():
        if row.get(name):
            try:
                figure = kind(row[name])
            except ValueError:
                figure = math.nan
            if not math.isfinite(figure) or (name in _NOT_NEGATIVE and figure < 0):
                wanted = "whole number" if kind is int else "finite number"
                raise DataError(f"{path}, line {line}: {name} is '{row[name]}'.", f"Write a {wanted}.")
    return row


def _check_line(row: Mapping[str, str], bounds: Mapping[str, tuple[float, float]], path: Path, line: int) -> None:
    """Raise ``DataError`` if a metric, or that of the baseline, cannot have its value."""
    for name, of in (("value", f"'{row['model']}' on '{row['dataset']}'"), ("baseline", "the baseline")):
        if row.get(name):
            try:
                _check_possible(of, row["metric"], float(row[name]), bounds)
            except InvalidInput as error:
                raise DataError(f"{path}, line {line}: {error.message}", error.hint) from error


def _run(rows: Mapping[str, Mapping[str, str]]) -> Run:
    first = next(iter(rows.values()))

    def number(name: str, default: float) -> float:
        return _NUMBERS[name](first[name]) if first.get(name) else default

    content = json.dumps(sorted((dict(row) for row in rows.values()), key=lambda row: row["metric"]), sort_keys=True)
    return Run(
        id=f"{IMPORTED}-{hashlib.sha256(content.encode()).hexdigest()[:12]}",
        model=first["model"],
        task=first.get("task", ""),
        dataset=first["dataset"],
        data="",
        strategy=first.get("strategy") or IMPORTED,
        metrics={metric: float(row["value"]) for metric, row in rows.items()},
        baseline={metric: float(row["baseline"]) for metric, row in rows.items() if row.get("baseline")},
        seed=int(number("seed", 0)),
        epochs=int(number("epochs", 0)),
        samples=int(number("samples", 0)),
        seconds=number("cost", 0.0),
        device=first.get("device", ""),
        revision=first.get("revision") or None,
        created=first.get("date", ""),
    )
