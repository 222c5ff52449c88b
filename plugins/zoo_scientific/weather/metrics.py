"""Metrics of forecast fields: errors and anomaly correlations, weighted by the area of the grid cells."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo_scientific.weather.fields import Field

if TYPE_CHECKING:
    import numpy as np


def latitude_weights(latitudes: np.ndarray) -> np.ndarray:
    """The cosine of each latitude, 1 on average (Rasp et al., "WeatherBench", 2020, equation 1)."""
    import numpy as np

    weights = np.cos(np.deg2rad(latitudes)).clip(min=0)
    found: np.ndarray = weights / weights.mean()
    return found


def latitude_weighted_rmse(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Root of the weighted mean squared error over all times, variables and known cells, in the fields' unit."""
    import numpy as np

    total = weight = 0.0
    for target, forecast, weights in _triples("latitude_weighted_rmse", targets, predictions):
        known = np.isfinite(target.values)
        total += float((np.where(known, target.values - forecast, 0.0) ** 2 * weights).sum(dtype=np.float64))
        weight += float((known * weights).sum(dtype=np.float64))
    return (total / weight) ** 0.5


def anomaly_correlation(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Weighted correlation of forecast and true departures from the climatology (WeatherBench, equation 2); -1 to 1.

    A forecast that is the climatology itself has no anomaly, and a correlation of 0.
    """
    import numpy as np

    shared = mine = theirs = 0.0
    for target, forecast, weights in _triples("anomaly_correlation", targets, predictions):
        known = np.isfinite(target.values) & np.isfinite(target.climatology)
        actual = np.where(known, target.values - target.climatology, 0.0).astype(np.float64)
        expected = np.where(known, forecast - target.climatology, 0.0).astype(np.float64)
        shared += float((actual * expected * weights).sum())
        mine += float((expected**2 * weights).sum())
        theirs += float((actual**2 * weights).sum())
    return shared / (mine * theirs) ** 0.5 if mine * theirs > 0 else 0.0


METRICS = (
    Metric(
        "latitude_weighted_rmse",
        latitude_weighted_rmse,
        False,
        "Root mean squared error weighted by area, in the fields' unit; 0 and up.",
        bounds=(0, inf),
        recomputed=20,
    ),
    Metric(
        "anomaly_correlation",
        anomaly_correlation,
        True,
        "Correlation of departures from the climatology, weighted by area; -1 to 1, 0 for the climatology.",
        bounds=(-1, 1),
        recomputed=20,
    ),
)


def _triples(
    name: str, targets: Sequence[Any], predictions: Sequence[Any]
) -> list[tuple[Field, np.ndarray, np.ndarray]]:
    import numpy as np

    if not len(targets) or not all(isinstance(item, Field) for item in (*targets, *predictions)):
        raise DataError(f"'{name}' needs fields over latitudes and longitudes.")
    triples = []
    for target, found in zip(targets, predictions, strict=True):
        if target.values.shape != found.values.shape:
            raise DataError(
                f"'{name}' compares fields of one shape, not {target.values.shape} with {found.values.shape}."
            )
        if not np.isfinite(found.values[np.isfinite(target.values)]).all():
            raise DataError(f"'{name}' cannot be computed: a forecast is not finite where the target is known.")
        triples.append((target, np.asarray(found.values), latitude_weights(target.latitudes)[:, None]))
    return triples
