"""Fields over the globe as time series: the inputs and the targets of a forecaster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.entities import Subset

if TYPE_CHECKING:
    import numpy as np

TASK = "weather-forecasting"

HISTORY = 3
"""Number of states that a forecaster sees."""

KNOWN = 0.65
"""Fraction of the times, from the first on, for the climatology; the rest is for validation and test."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of the fields, with static fields, the same for all times.

    Attributes:
        longitudes: in degrees, east positive.
        static: fields that do not change, such as ``lsm``, by name; latitudes x longitudes.
        step_hours: median step from one time to the next; NaN if unknown.
    """

    longitudes: np.ndarray
    static: Mapping[str, np.ndarray]
    step_hours: float


@dataclass(frozen=True, eq=False)
class Field:
    """One state of the fields, with the climatology of its time.

    Attributes:
        values: variables x latitudes x longitudes, float32; NaN where nothing is known.
        climatology: mean of the earlier years for the same season, of the same shape.
        latitudes: in degrees, north positive.
        hours: since the beginning of 1970, UTC; NaN if unknown.
    """

    values: np.ndarray
    climatology: np.ndarray
    latitudes: np.ndarray
    hours: float = float("nan")


@dataclass(frozen=True, eq=False)
class History:
    """The input of a forecaster.

    Attributes:
        fields: the last states, the latest last.
        next_climatology: the climatology of the time to forecast.
        names: names of the variables; on levels of pressure with their hPa, such as ``z_500``.
        grid: the grid of the fields; None if unknown.
    """

    fields: tuple[Field, ...]
    next_climatology: np.ndarray
    names: tuple[str, ...]
    grid: Grid | None = None


class Histories(Sequence[Any]):
    """All runs of ``HISTORY`` states of a series, cut when indexed."""

    def __init__(self, states: Sequence[Field], names: tuple[str, ...], grid: Grid | None = None) -> None:
        self._states, self._names, self._grid = states, names, grid

    def __len__(self) -> int:
        return len(self._states) - HISTORY

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        index = range(len(self))[index]
        following = self._states[index + HISTORY]
        return History(tuple(self._states[index : index + HISTORY]), following.climatology, self._names, self._grid)


@dataclass(frozen=True, eq=False)
class Forecast:
    """The next fields, as a model forecasts them.

    Attributes:
        names: names of the variables.
        values: variables x latitudes x longitudes, in the fields' unit.
    """

    names: tuple[str, ...]
    values: np.ndarray


def climatology(values: np.ndarray, period: int) -> np.ndarray:
    """For each time, the mean over the same season in the first ``KNOWN`` of the series.

    Args:
        values: times x variables x latitudes x longitudes; NaN is left out.
        period: times per year; 1 is one mean for all.
    """
    import warnings

    import numpy as np

    known = values[: max(period, round(len(values) * KNOWN))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a cell that is always unknown has no mean
        means = np.stack([np.nanmean(known[season::period], axis=0) for season in range(period)])
    found: np.ndarray = means[np.arange(len(values)) % period]
    return found
