"""The times of a series: equal steps found in a table's times, and the times that follow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, needs_extra
from zoo.kinds.targets import is_missing, is_number

if TYPE_CHECKING:
    import numpy as np

FILLED = 0.5
"""Fraction of the steps from the first time to the last that must have a value."""

LEAST = 3
"""Minimum number of times of a series."""

_DAY = 86_400.0
_YEARS = (1000, 2999)
_COMPACT = 8
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Steps:
    """Times at equal steps.

    Attributes:
        times: from the first time to the last, and those of the horizon; seconds (``datetime64[s]``) or
            numbers.
        places: position of each given time among them.
        period: steps per season; 1 if there is none.
        horizon: steps of a forecast.
    """

    times: np.ndarray
    places: np.ndarray
    period: int
    horizon: int


def parsed(cells: Sequence[Any]) -> np.ndarray:
    """Cells as times: numbers if all are, else ``datetime64[s]``; NaN or NaT for unreadable cells.

    Times with a zone are converted to UTC, or kept in local time if all have the same local hour, as days do.
    """
    import numpy as np

    with needs_extra("forecasting", "read time series"):
        import pandas as pd
    known = [cell for cell in cells if not is_missing(cell)]
    compact = all(isinstance(cell, str) and len(cell.strip()) == _COMPACT and cell.strip().isdigit() for cell in known)
    if known and all(is_number(cell) for cell in known) and not compact:
        return np.array([np.nan if is_missing(cell) else float(cell) for cell in cells], dtype=np.float64)
    plain = [None if is_missing(cell) else cell for cell in cells]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no single format may fit all cells
        stamps = pd.to_datetime(
            pd.Series(plain, dtype=object), errors="coerce", utc=True, format="%Y%m%d" if compact else None
        )
    found: np.ndarray = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    if len(set((found - found.astype("datetime64[D]"))[~np.isnat(found)].tolist())) > 1:
        shown = [
            None if is_missing(cell) or np.isnat(time) else pd.Timestamp(cell).replace(tzinfo=None)
            for cell, time in zip(plain, found, strict=True)
        ]
        local = pd.Series(shown, dtype="datetime64[s]").to_numpy()
        if len(set((local - local.astype("datetime64[D]"))[~np.isnat(local)].tolist())) == 1:
            return local
    return found


def regular(name: str, times: np.ndarray, horizon: int | None) -> Steps:
    """Equal steps through the times of one series, sorted, each once; steps without a value stay empty.

    Args:
        horizon: steps of a forecast; None takes the usual number for the step (Makridakis et al., "The M4
            competition", 2020): 6 years, 8 quarters, 18 months, 13 weeks, 14 days, 48 hours; 12 of others.

    Raises:
        DataError: there are fewer than three times, or no equal steps.
    """
    import numpy as np

    if len(times) < LEAST:
        raise DataError(f"The series '{name}' has too few times ({len(times)}); a forecast needs at least {LEAST}.")
    if times.dtype.kind == "f":
        grid, period, usual = _numbers(name, times, horizon)
    else:
        grid, period, usual = _dates(name, times, horizon)
    places = np.searchsorted(grid, times - (_TOLERANCE if times.dtype.kind == "f" else np.timedelta64(0, "s")))
    count = int(places[-1]) + 1
    reached = horizon or usual
    return Steps(grid[: count + reached], places, period if count > 2 * period else 1, reached)


def label(time: Any) -> str:
    """A time as text: an ISO date, with hours if there are any, or the number."""
    if getattr(time, "dtype", None) is not None and time.dtype.kind == "M":
        text = str(time)
        return text.removesuffix("T00:00:00").removesuffix(":00")
    return f"{float(time):g}"


def _numbers(name: str, times: np.ndarray, horizon: int | None) -> tuple[np.ndarray, int, int]:
    import numpy as np

    step = _commonest(np.diff(times))
    places = (times - times[0]) / step
    if abs(places - places.round()).max() > 1e-3 or len(times) < FILLED * (places[-1] + 1):
        raise _irregular(name, times, f"{step:g}")
    years = step == 1 and _YEARS[0] <= times[0] and times[-1] <= _YEARS[1] and (times == times.round()).all()
    usual = 6 if years else 12
    return times[0] + step * np.arange(round(places[-1]) + 1 + (horizon or usual)), 1, usual


def _dates(name: str, times: np.ndarray, horizon: int | None) -> tuple[np.ndarray, int, int]:
    """The first calendar whose days or hours include all the times, if most of its own occur."""
    import numpy as np
    import pandas as pd

    seconds = float(_commonest(np.diff(times).astype(np.float64)))
    first, last = pd.Timestamp(times[0]), pd.Timestamp(times[-1])
    month, offsets = first.month, pd.offsets
    calendars: list[Any] = [pd.Timedelta(seconds=seconds)]
    if seconds == _DAY:
        calendars.insert(0, offsets.BDay())
    elif seconds > 27 * _DAY:
        calendars += [
            pd.DateOffset(months=1),
            offsets.MonthEnd(),
            pd.DateOffset(months=3),
            offsets.QuarterEnd(startingMonth=month),
            pd.DateOffset(years=1),
            offsets.YearEnd(month=month),
        ]
    for calendar in calendars:
        grid = pd.date_range(first, last, freq=calendar)
        if len(times) >= FILLED * len(grid) and np.isin(times, grid.values.astype("datetime64[s]")).all():
            period, usual = _season(calendar, seconds)
            more = pd.date_range(grid[-1], periods=(horizon or usual) + 1, freq=calendar)[1:]
            return grid.append(more).values.astype("datetime64[s]"), period, usual
    raise _irregular(name, times, str(pd.Timedelta(seconds=seconds)))


def _season(calendar: Any, seconds: float) -> tuple[int, int]:
    """Steps per season, and the usual steps of a forecast."""
    if type(calendar).__name__ in {"BusinessDay", "BDay"}:
        return 5, 14
    days = seconds / _DAY
    for shortest, longest, found in (
        (360, 370, (1, 6)),
        (88, 93, (4, 8)),
        (27, 32, (12, 18)),
        (7, 7, (52, 13)),
        (1, 1, (7, 14)),
    ):
        if shortest <= days <= longest:
            return found
    if days < 1 and _DAY % seconds == 0:
        return round(_DAY / seconds), 48
    return 1, 12


def _commonest(differences: np.ndarray) -> Any:
    import numpy as np

    values, counts = np.unique(differences.round(9), return_counts=True)
    return values[counts.argmax()]


def _irregular(name: str, times: np.ndarray, step: str) -> DataError:
    return DataError(
        f"The times of the series '{name}' ({label(times[0])} to {label(times[-1])}, {len(times):,} of them) are not "
        f"at equal steps; the most common step is {step}.",
        "Resample them to equal steps, such as daily means; steps without a value may be missing.",
    )
