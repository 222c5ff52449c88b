"""Time series: values at equal steps, the windows that a forecast is judged by, and what follows each of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, settle
from zoo.entities import Dataset, Problem, Subset
from zoo.errors import DataError
from zoo.kinds.fingerprint import fingerprint

if TYPE_CHECKING:
    import numpy as np

TASK = "time-series-forecasting"
KIND = "time-series"

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Quantiles of a forecast."""


@dataclass(frozen=True, eq=False)
class Series:
    """The values of a series up to some time, and how far to look ahead.

    Attributes:
        name: of the series: its column, or its id.
        values: n values, float64, one a step; NaN where none is known.
        times: n + horizon times, those to be foretold last; ``datetime64[s]`` or numbers.
        period: steps after which the season comes again; 1 where there is none.
        horizon: steps to foretell.
    """

    name: str
    values: np.ndarray
    times: np.ndarray
    period: int
    horizon: int


@dataclass(frozen=True, eq=False)
class Future:
    """What follows a series: the truth, or a forecast of it.

    Attributes:
        values: ``horizon`` values; the medians of a forecast. NaN where the truth is not known.
        scale: mean absolute difference of the series' values a season apart, the unit of MASE; NaN where there is none.
        quantiles: of a forecast, ``horizon`` x ``LEVELS``; None of the truth.
    """

    values: np.ndarray
    scale: float
    quantiles: np.ndarray | None = None


class Windows(Sequence[Any]):
    """Series cut at many times, when indexed.

    Args:
        whole: series to their ends.
        cuts: index of a series and number of its values before the cut, for each window.
    """

    def __init__(self, whole: Sequence[Series], cuts: Sequence[tuple[int, int]]) -> None:
        self.whole, self.cuts = whole, cuts

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        at, end = self.cuts[index]
        one = self.whole[at]
        return Series(one.name, one.values[:end], one.times[: end + one.horizon], one.period, one.horizon)


def windows(
    name: str, whole: Sequence[Series], problems: Sequence[Problem], options: ReadOptions, columns: dict[str, str]
) -> Dataset:
    """A data set of all windows: each series cut every ``horizon`` steps, so that no value is foretold twice.

    The windows are in the order of their times. The first of a series has two seasons and three horizons before it.

    Raises:
        DataError: no series is long enough, or one is not and ``options`` say that this is fatal.
    """
    import numpy as np

    found: list[tuple[Any, int, int]] = []
    short = list(problems)
    for at, one in enumerate(whole):
        least = max(2 * one.period + 1, 3 * one.horizon)
        ends = range(len(one.values) - one.horizon, least - 1, -one.horizon)
        known = [
            end
            for end in ends
            if np.isfinite(one.values[end : end + one.horizon]).any() and np.isfinite(one.values[:end]).any()
        ]
        if not known:
            reason = f"has {len(one.values)} steps; forecasts of {one.horizon} need {least + one.horizon} with values"
            short.append(Problem(f"series '{one.name}'", reason))
        found += [(one.times[end], at, end) for end in known]
    settle(name, len(found), short, options)
    cuts = [(at, end) for _, at, end in sorted(found, key=lambda cut: (cut[0], cut[1]))]
    scales = [_scales(one.values, one.period) for one in whole]
    targets = [Future(whole[at].values[end : end + whole[at].horizon], float(scales[at][end - 1])) for at, end in cuts]
    digests = (hashlib.sha256(one.values.tobytes() + one.times.tobytes()).digest() for one in whole)
    told = [f"{one.horizon} {one.period}" for one in whole]
    return Dataset(
        name,
        KIND,
        Windows(whole, cuts),
        targets,
        (),
        fingerprint(KIND, digests, told),
        "series",
        columns,
        tuple(short),
    )


def whole_series(reference: str, options: ReadOptions) -> tuple[list[Series], list[Problem]]:
    """All series of a table or of a packaged data set to their ends, and what was left out of it.

    Raises:
        DataError: there is nothing of that name, or it holds no series.
    """
    from zoo.data import packaged_series, series_tables
    from zoo.data.table_files import form_of, open_table

    if reference in packaged_series.SERIES:
        return packaged_series.whole(reference, options), []
    path = Path(reference).expanduser()
    if not path.is_file() or not form_of(path):
        raise DataError(
            f"There is no table '{reference}' of time series.",
            "Name a CSV, TSV, JSONL or Parquet file with a time column.",
        )
    found, problems, _ = series_tables.series_of(reference, open_table(path), options)
    return found, problems


def season_scale(values: np.ndarray, period: int) -> float:
    """Mean absolute difference of values a season apart (Hyndman and Koehler, 2006); NaN where there is none."""
    return float(_scales(values, period)[-1])


def _scales(values: np.ndarray, period: int) -> np.ndarray:
    """That for every beginning of a series: entry i of the first i + 1 values."""
    import numpy as np

    apart = np.full(len(values), np.nan)
    apart[period:] = np.abs(values[period:] - values[:-period])
    known = np.isfinite(apart)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.where(known, apart, 0).cumsum() / known.cumsum()
    return found
