"""Forecast fields: errors and correlations of anomalies, weighted by the area that a grid cell stands for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

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
    for truth, found, weights in _triples("latitude_weighted_rmse", targets, predictions):
        known = np.isfinite(truth.values)
        total += float((np.where(known, truth.values - found, 0.0) ** 2 * weights).sum(dtype=np.float64))
        weight += float((known * weights).sum(dtype=np.float64))
    return (total / weight) ** 0.5


def anomaly_correlation(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Weighted correlation of forecast and true departures from the climatology (WeatherBench, equation 2); -1 to 1.

    A forecast that is the climatology itself has no anomaly, and a correlation of 0.
    """
    import numpy as np

    shared = mine = theirs = 0.0
    for truth, found, weights in _triples("anomaly_correlation", targets, predictions):
        known = np.isfinite(truth.values) & np.isfinite(truth.climatology)
        actual = np.where(known, truth.values - truth.climatology, 0.0).astype(np.float64)
        forecast = np.where(known, found - truth.climatology, 0.0).astype(np.float64)
        shared += float((actual * forecast * weights).sum())
        mine += float((forecast**2 * weights).sum())
        theirs += float((actual**2 * weights).sum())
    return shared / (mine * theirs) ** 0.5 if mine * theirs > 0 else 0.0


METRICS = (
    Metric(
        "latitude_weighted_rmse",
        latitude_weighted_rmse,
        False,
        "Root mean squared error weighted by area, in the fields' unit; 0 and up.",
    ),
    Metric(
        "anomaly_correlation",
        anomaly_correlation,
        True,
        "Correlation of departures from the climatology, weighted by area; -1 to 1, 0 for the climatology.",
    ),
)


def _triples(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    import numpy as np

    if not len(targets) or not all(hasattr(item, "climatology") for item in (*targets, *predictions)):
        raise DataError(f"'{name}' compares fields over latitudes and longitudes.")
    triples = []
    for truth, found in zip(targets, predictions, strict=True):
        if truth.values.shape != found.values.shape:
            raise DataError(f"'{name}' compares {truth.values.shape} with {found.values.shape}, and needs one shape.")
        if not np.isfinite(found.values[np.isfinite(truth.values)]).all():
            raise DataError(f"'{name}' cannot be computed: a forecast is not finite where the truth is known.")
        triples.append((truth, np.asarray(found.values), latitude_weights(truth.latitudes)[:, None]))
    return triples


def persistence(inputs: Sequence[Any]) -> list[Any]:
    """The last field that was seen, again."""
    from dataclasses import replace

    return [replace(inputs[at].fields[-1], climatology=inputs[at].next_climatology) for at in range(len(inputs))]


def usual(inputs: Sequence[Any]) -> list[Any]:
    """The climatology of the time that is asked for."""
    from dataclasses import replace

    return [
        replace(inputs[at].fields[-1], values=inputs[at].next_climatology, climatology=inputs[at].next_climatology)
        for at in range(len(inputs))
    ]


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """The climatology, or the last field again, whichever errs less from one known field to the next."""
    import numpy as np

    steps = list(itertools.pairwise(known))
    again = np.nanmean([np.nanmean((after.values - before.values) ** 2) for before, after in steps])
    mean = np.nanmean([np.nanmean((after.values - after.climatology) ** 2) for _, after in steps])
    return persistence(inputs) if again < mean else usual(inputs)


def _answer(item: Any, answer: Any) -> Any:
    from dataclasses import replace

    return replace(item.fields[-1], values=answer["values"], climatology=item.next_climatology)


KIND = TargetKind("grid", _guess, _answer, in_time=True)
