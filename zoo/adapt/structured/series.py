"""Forecasts of time series: errors against those of the season before, and how good their quantiles are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

if TYPE_CHECKING:
    import numpy as np


def mase(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean absolute scaled error of the medians (Hyndman and Koehler, 2006), over the windows; 0 and up.

    The scale of a window is the mean absolute difference of its past values one season apart, as the seasonal naive
    forecast errs there. Windows without such a difference, or with none but 0, are left out.

    Raises:
        DataError: they are no forecasts, one is not finite, or no window has a scale.
    """
    import numpy as np

    found = []
    for truth, forecast in _pairs("mase", targets, predictions):
        if np.isfinite(truth.scale) and truth.scale > 0:
            found.append(float(np.nanmean(np.abs(truth.values - forecast.values))) / truth.scale)
    if not found:
        raise DataError("'mase' cannot be computed: the series do not change from one season to the next.")
    return sum(found) / len(found)


def weighted_quantile_loss(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Twice the mean pinball loss at the quantiles 0.1 to 0.9 over the sum of the absolute values; 0 and up.

    As Ansari et al. ("Chronos", 2024, section 5.3) have it. A forecast without quantiles counts as one at all of them.

    Raises:
        DataError: they are no forecasts, one is not finite, or all values are 0.
    """
    import numpy as np

    from zoo.data.series import LEVELS

    levels = np.asarray(LEVELS)
    loss = total = 0.0
    for truth, forecast in _pairs("weighted_quantile_loss", targets, predictions):
        given = forecast.quantiles
        quantiles = np.repeat(forecast.values[:, None], len(levels), axis=1) if given is None else given
        errors = truth.values[:, None] - quantiles
        loss += float(np.nansum(np.maximum(levels * errors, (levels - 1) * errors))) / len(levels)
        total += float(np.nansum(np.abs(truth.values)))
    if not total:
        raise DataError("'weighted_quantile_loss' cannot be computed: all values are 0.")
    return 2 * loss / total


def forecast_rmse(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Root of the mean squared error of the medians over all known steps, in the series' unit; 0 and up."""
    import numpy as np

    pairs = _pairs("forecast_rmse", targets, predictions)
    errors = np.concatenate([truth.values - forecast.values for truth, forecast in pairs])
    return float(np.sqrt(np.nanmean(errors**2)))


METRICS = (
    Metric("mase", mase, False, "Absolute error over that of the seasonal naive forecast in the past; 0 and up."),
    Metric(
        "weighted_quantile_loss",
        weighted_quantile_loss,
        False,
        "Pinball loss at the quantiles 0.1 to 0.9 over the absolute values; 0 and up.",
    ),
    Metric("forecast_rmse", forecast_rmse, False, "Root mean squared error of forecasts, in the series' unit."),
)


def seasonal_naive(item: Any) -> np.ndarray:
    """The last season again, ``horizon`` values; where a value is not known, that of the season before it."""
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


def _pairs(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Any, Any]]:
    import numpy as np

    if not len(targets) or not all(hasattr(item, "scale") for item in (*targets, *predictions)):
        raise DataError(f"'{name}' compares forecasts of time series.")
    pairs = list(zip(targets, predictions, strict=True))
    for truth, forecast in pairs:
        if truth.values.shape != forecast.values.shape:
            raise DataError(f"'{name}' compares {len(truth.values)} steps with {len(forecast.values)}.")
        if not np.isfinite(forecast.values[np.isfinite(truth.values)]).all():
            raise DataError(f"'{name}' cannot be computed: a forecast is not finite where the truth is known.")
    return pairs


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    from zoo.data.series import Future

    return [Future(seasonal_naive(inputs[at]), float("nan")) for at in range(len(inputs))]


def _answer(item: Any, answer: Any) -> Any:
    import numpy as np

    from zoo.data.series import Future, season_scale

    quantiles = np.stack([np.asarray(values, dtype=np.float64) for values in answer["quantiles"].values()], axis=1)
    return Future(np.asarray(answer["median"], dtype=np.float64), season_scale(item.values, item.period), quantiles)


KIND = TargetKind("series", _guess, _answer, in_time=True)
