"""Metrics of forecasts: errors relative to the seasonal naive forecast, and quantile losses."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo_scientific.forecasting.series import LEVELS, Future, Series

if TYPE_CHECKING:
    import numpy as np


def mase(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean absolute scaled error of the medians (Hyndman and Koehler, 2006), over the windows; 0 and up.

    The scale of a window is the mean absolute difference of its past values one season apart, as the seasonal naive
    forecast errs there. Windows without such a difference, or with only zeros, are left out.

    Raises:
        DataError: they are not forecasts, one is not finite, or no window has a scale.
    """
    import numpy as np

    found = []
    for actual, forecast in _pairs("mase", targets, predictions):
        if np.isfinite(actual.scale) and actual.scale > 0:
            found.append(float(np.nanmean(np.abs(actual.values - forecast.values))) / actual.scale)
    if not found:
        raise DataError("'mase' cannot be computed: the series do not change from one season to the next.")
    return sum(found) / len(found)


def weighted_quantile_loss(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Twice the mean pinball loss at the quantiles 0.1 to 0.9 over the sum of the absolute values; 0 and up.

    As in Ansari et al. ("Chronos", 2024, section 5.3). A forecast without quantiles uses its value for all of them.

    Raises:
        DataError: they are not forecasts, one is not finite, or all values are 0.
    """
    import numpy as np

    levels = np.asarray(LEVELS)
    loss = total = 0.0
    for actual, forecast in _pairs("weighted_quantile_loss", targets, predictions):
        given = forecast.quantiles
        quantiles = np.repeat(forecast.values[:, None], len(levels), axis=1) if given is None else given
        errors = actual.values[:, None] - quantiles
        loss += float(np.nansum(np.maximum(levels * errors, (levels - 1) * errors))) / len(levels)
        total += float(np.nansum(np.abs(actual.values)))
    if not total:
        raise DataError("'weighted_quantile_loss' cannot be computed: all values are 0.")
    return 2 * loss / total


def forecast_rmse(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Root of the mean squared error of the medians over all known steps, in the series' unit; 0 and up."""
    import numpy as np

    pairs = _pairs("forecast_rmse", targets, predictions)
    errors = np.concatenate([actual.values - forecast.values for actual, forecast in pairs])
    return float(np.sqrt(np.nanmean(errors**2)))


METRICS = (
    Metric(
        "mase",
        mase,
        False,
        "Absolute error over that of the seasonal naive forecast in the past; 0 and up.",
        bounds=(0, inf),
    ),
    Metric(
        "weighted_quantile_loss",
        weighted_quantile_loss,
        False,
        "Pinball loss at the quantiles 0.1 to 0.9 over the absolute values; 0 and up.",
        bounds=(0, inf),
    ),
    Metric(
        "forecast_rmse",
        forecast_rmse,
        False,
        "Root mean squared error of forecasts, in the series' unit.",
        bounds=(0, inf),
    ),
)


def seasonal_naive(item: Series) -> np.ndarray:
    """The last season again, ``horizon`` values; an unknown value is taken from the season before."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(item.values))
    if not len(known):
        raise DataError(f"The series '{item.name}' has no values before {item.times[len(item.values)]}.")
    found = np.full(item.horizon, item.values[known[-1]])
    for ahead in range(item.horizon):
        back = len(item.values) + ahead - item.period * (ahead // item.period + 1)
        same = item.values[back :: -item.period] if back >= 0 else item.values[:0]
        same = same[np.isfinite(same)]
        if len(same):
            found[ahead] = same[0]
    return found


def _pairs(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Future, Future]]:
    import numpy as np

    if not len(targets) or not all(isinstance(item, Future) for item in (*targets, *predictions)):
        raise DataError(f"'{name}' needs forecasts of time series.")
    pairs = list(zip(targets, predictions, strict=True))
    for actual, forecast in pairs:
        if actual.values.shape != forecast.values.shape:
            raise DataError(f"'{name}' compares {len(actual.values)} steps with {len(forecast.values)}.")
        if not np.isfinite(forecast.values[np.isfinite(actual.values)]).all():
            raise DataError(f"'{name}' cannot be computed: a forecast is not finite where the actual value is known.")
    return pairs
