"""Time series: values at equal steps, the windows that forecasts are evaluated on, and their targets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, settle
from zoo.entities import Dataset, Problem, Subset
from zoo.kinds.fingerprint import fingerprint

if TYPE_CHECKING:
    import numpy as np

TASK = "time-series-forecasting"
KIND = "time-series"

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Quantiles of a forecast."""


@dataclass(frozen=True, eq=False)
class Series:
    """The values of a series up to some time, and the horizon.

    Attributes:
        name: of the series: its column, or its id.
        values: n values, float64, one per step; NaN where unknown.
        times: n + horizon times, those to forecast last; ``datetime64[s]`` or numbers.
        period: steps per season; 1 if there is none.
        horizon: steps to forecast.
    """

    name: str
    values: np.ndarray
    times: np.ndarray
    period: int
    horizon: int


@dataclass(frozen=True, eq=False)
class Future:
    """The next values of a series, as metrics compare them: actual values, or a forecast.

    Attributes:
        values: ``horizon`` values; the medians of a forecast. NaN where an actual value is not known.
        scale: mean absolute difference of the series' values a season apart, the unit of MASE; NaN if there is none.
        quantiles: ``horizon`` x ``LEVELS`` of a forecast; None for actual values.
    """

    values: np.ndarray
    scale: float
    quantiles: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Forecast:
    """A model's forecast.

    Attributes:
        series: name of the series.
        times: the times of its steps, as people write them.
        quantiles: ``horizon`` x ``LEVELS``, float64.
    """

    series: str
    times: tuple[str, ...]
    quantiles: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """``horizon`` values."""
        return self.at(0.5)

    def at(self, level: float) -> np.ndarray:
        """``horizon`` values of one of ``LEVELS``."""
        found: np.ndarray = self.quantiles[:, LEVELS.index(level)]
        return found


class Windows(Sequence[Any]):
    """Windows of series, cut when indexed.

    Args:
        complete: series to their ends.
        cuts: index of a series and number of its values before the cut, for each window.
    """

    def __init__(self, complete: Sequence[Series], cuts: Sequence[tuple[int, int]]) -> None:
        self.complete, self.cuts = complete, cuts

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        at, end = self.cuts[index]
        one = self.complete[at]
        return Series(one.name, one.values[:end], one.times[: end + one.horizon], one.period, one.horizon)


def windows(
    name: str, complete: Sequence[Series], problems: Sequence[Problem], options: ReadOptions, columns: dict[str, str]
) -> Dataset:
    """A data set of all windows: each series cut every ``horizon`` steps, so that no value is forecast twice.

    The windows are in the order of their times. The first of a series has two seasons and three horizons before it.

    Raises:
        DataError: no series is long enough, or one is too short and ``options`` make that an error.
    """
    import numpy as np

    found: list[tuple[Any, int, int]] = []
    short = list(problems)
    for at, one in enumerate(complete):
        least = max(2 * one.period + 1, 3 * one.horizon)
        ends = range(len(one.values) - one.horizon, least - 1, -one.horizon)
        known = [
            end
            for end in ends
            if np.isfinite(one.values[end : end + one.horizon]).any() and np.isfinite(one.values[:end]).any()
        ]
        if not known:
            reason = (
                f"has {len(one.values)} steps; forecasts of {one.horizon} steps need {least + one.horizon} with values"
            )
            short.append(Problem(f"series '{one.name}'", reason))
        found += [(one.times[end], at, end) for end in known]
    settle(name, len(found), short, options)
    cuts = [(at, end) for _, at, end in sorted(found, key=lambda cut: (cut[0], cut[1]))]
    scales = [_scales(one.values, one.period) for one in complete]
    targets = [
        Future(complete[at].values[end : end + complete[at].horizon], float(scales[at][end - 1])) for at, end in cuts
    ]
    digests = (hashlib.sha256(one.values.tobytes() + one.times.tobytes()).digest() for one in complete)
    lengths = [f"{one.horizon} {one.period}" for one in complete]
    return Dataset(
        name,
        KIND,
        Windows(complete, cuts),
        targets,
        (),
        fingerprint(KIND, digests, lengths),
        "series",
        columns,
        tuple(short),
    )


def season_scale(values: np.ndarray, period: int) -> float:
    """Mean absolute difference of values a season apart (Hyndman and Koehler, 2006); NaN if there is none."""
    return float(_scales(values, period)[-1])


def _scales(values: np.ndarray, period: int) -> np.ndarray:
    """The same for every prefix of a series: entry i is for the first i + 1 values."""
    import numpy as np

    apart = np.full(len(values), np.nan)
    apart[period:] = np.abs(values[period:] - values[:-period])
    known = np.isfinite(apart)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.where(known, apart, 0).cumsum() / known.cumsum()
    return found
