"""Tables of time series: one column of numbers per series, or long tables with an id on every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, Table
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, suggest
from zoo.kinds.targets import is_missing, is_number
from zoo_scientific.forecasting.horizon import horizon_of
from zoo_scientific.forecasting.series import Series, windows
from zoo_scientific.forecasting.steps import LEAST, Steps, label, parsed, regular

if TYPE_CHECKING:
    import numpy as np

TIMES = ("timestamp", "datetime", "date", "time", "ds", "year", "month", "week", "day", "hour", "period")
"""Names of columns of times, in lower case."""

IDS = ("item_id", "unique_id", "series_id", "id", "series", "item")
"""Names of columns that tell series apart, in lower case."""

READABLE = 0.9
"""Minimum fraction of cells that are readable as times in a column of times."""


@dataclass(frozen=True)
class Columns:
    """The role of each column; each of ``values`` is one series, or one per id."""

    time: str
    values: tuple[str, ...]
    id: str | None = None


def read_table(reference: str, table: Table, options: ReadOptions) -> Dataset:
    """The windows of a table's series, see ``zoo_scientific.forecasting.series.windows``.

    ``input_column`` names the column of times, ``target_column`` the comma-separated columns of values.

    Raises:
        DataError: there is no column of times or of numbers, or the times are not at equal steps.
    """
    found, problems, columns = series_of(reference, table, options)
    named = {"input": columns.time, "target": ", ".join(columns.values), **({"id": columns.id} if columns.id else {})}
    return windows(reference, found, problems, options, named)


def series_of(reference: str, table: Table, options: ReadOptions) -> tuple[list[Series], list[Problem], Columns]:
    """The series of a table to their ends, what was left out of it, and its columns; raises as ``read_table``.

    If there are several series, those without equal steps are left out.
    """
    import numpy as np

    rows, problems = [], []
    for row in table.rows():
        if row.values is None:
            problems.append(Problem(f"{table.unit} {row.number}", row.reason))
        else:
            rows.append((f"{table.unit} {row.number}", row.values))
    if not rows:
        raise DataError(f"'{reference}' has columns, but no rows.", "Add a row for each time.")
    cells = {name: [values[at] for _, values in rows] for at, name in enumerate(table.columns)}
    time = _time_column(reference, cells, options)
    times = parsed(cells[time])
    unread = np.flatnonzero(np.isnan(times) if times.dtype.kind == "f" else np.isnat(times))
    problems += [Problem(rows[at][0], f"has no time that can be read in column '{time}'") for at in unread]
    kept = np.setdiff1d(np.arange(len(rows)), unread)
    columns = _columns(reference, cells, time, times[kept], options)
    found, refused = [], []
    for name, column, positions in _groups(cells, columns, kept):
        order = positions[np.argsort(times[positions], kind="stable")]
        _refuse_repeated(reference, name, times[order], columns)
        try:
            steps = regular(name, times[order], horizon_of(options))
        except DataError as error:
            refused.append(error)
            few = len(order) < LEAST
            reason = f"has fewer than {LEAST} times" if few else "has times that are not at equal steps"
            problems.append(Problem(f"series '{name}'", reason))
            continue
        places = [rows[at][0] for at in order]
        values, unusable = _values([cells[column][at] for at in order], places, column)
        problems += unusable
        found.append(_series(name, values, steps))
    if refused and not found:
        raise refused[0]
    return found, problems, columns


def _time_column(reference: str, cells: dict[str, list[Any]], options: ReadOptions) -> str:
    wanted = options.input_column
    if wanted is not None:
        if wanted not in cells:
            raise DataError(f"'{reference}' has no column '{wanted}'.", suggest(wanted, cells))
        if not _is_time(cells[wanted]):
            raise DataError(
                f"Column '{wanted}' of '{reference}' does not contain times.", "Write them as 2024-05-31 14:00."
            )
        return wanted
    named = sorted(
        (name for name in cells if name.strip().lower() in TIMES), key=lambda name: TIMES.index(name.strip().lower())
    )
    texts = [name for name, column in cells.items() if not all(is_number(c) or is_missing(c) for c in column)]
    for name in (*named, *texts):
        if _is_time(cells[name]):
            return name
    raise DataError(
        f"'{reference}' has no column of times; it has {', '.join(cells)}.", "Name one with --input-column."
    )


def _is_time(column: Sequence[Any]) -> bool:
    import numpy as np

    times = parsed(column)
    return float(np.mean(np.isnan(times) if times.dtype.kind == "f" else np.isnat(times))) <= 1 - READABLE


def _columns(
    reference: str, cells: dict[str, list[Any]], time: str, times: np.ndarray, options: ReadOptions
) -> Columns:
    import numpy as np

    wanted = [part.strip() for part in (options.target_column or "").split(",") if part.strip()]
    for name in wanted:
        if name not in cells:
            raise DataError(f"'{reference}' has no column '{name}'.", suggest(name, cells))
    others = [name for name in cells if name != time]
    numeric = [name for name in others if _is_numeric(cells[name])]
    identity = next((name for name in others if name.strip().lower() in IDS and name not in wanted), None)
    if identity is None and len(np.unique(times)) < len(times):
        texts = [name for name in others if name not in numeric and name not in wanted]
        identity = texts[0] if len(texts) == 1 else None
    values = tuple(wanted or (name for name in numeric if name != identity))
    if not values:
        raise DataError(
            f"'{reference}' has no column of numbers besides the times in '{time}'.", "Name one with --target-column."
        )
    for name in values:
        if not _is_numeric(cells[name]):
            raise DataError(f"Column '{name}' of '{reference}' contains text; a time series needs numbers.")
    return Columns(time, values, identity)


def _is_numeric(column: Sequence[Any]) -> bool:
    known = [cell for cell in column if not is_missing(cell)]
    return bool(known) and sum(map(is_number, known)) >= READABLE * len(known)


def _groups(cells: dict[str, list[Any]], columns: Columns, kept: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Name, column of values and rows of each series."""
    import numpy as np

    rows: dict[str, list[int]] = {}
    for at in kept.tolist():
        rows.setdefault("" if columns.id is None else str(cells[columns.id][at]), []).append(at)
    for identity, positions in rows.items():
        for column in columns.values:
            name = column if columns.id is None else identity
            name = f"{identity}, {column}" if columns.id and len(columns.values) > 1 else name
            yield name, column, np.asarray(positions)


def _refuse_repeated(reference: str, name: str, times: np.ndarray, columns: Columns) -> None:
    import numpy as np

    again = np.flatnonzero(times[1:] == times[:-1])
    if len(again):
        raise DataError(
            f"'{reference}' has more than one value of '{name}' at {label(times[again[0]])}.",
            "Keep one of them" + (", or add a column called id to distinguish series." if columns.id is None else "."),
        )


def _values(column: Sequence[Any], places: Sequence[str], name: str) -> tuple[np.ndarray, list[Problem]]:
    """The cells as numbers, NaN for missing or invalid ones, and which are invalid."""
    import numpy as np

    values, problems = np.full(len(column), np.nan), []
    for at, cell in enumerate(column):
        if is_number(cell):
            values[at] = float(cell)
        elif not is_missing(cell):
            problems.append(Problem(places[at], f"has no number in column '{name}', which is treated as unknown"))
    values[~np.isfinite(values)] = np.nan
    return values, problems


def _series(name: str, values: np.ndarray, steps: Steps) -> Series:
    import numpy as np

    found = np.full(len(steps.times) - steps.horizon, np.nan)
    found[steps.places] = values
    return Series(name, found, steps.times, steps.period, steps.horizon)
