"""Combines a team's own runs with the shipped prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import DataError
from zoo.history.records import History
from zoo.selection.prior.kriging import Prior
from zoo.selection.prior.shipped import Expectation

UNKNOWN_DEVIATION = 1.0
"""Standard error of a model without information, in standard deviations of the models."""


def with_history(
    expected: Expectation | None, ids: Sequence[str], dataset: str, history: History
) -> Expectation | None:
    """The expectation, updated for models with runs in the history; unchanged if those cannot be used."""
    place = {id: at for at, id in enumerate(ids)}
    models = tuple(model for model in history.models if model in place)
    if not models:
        return expected
    try:
        prediction = Prior(history, models, (dataset,)).predict(dataset, models, known=True)
    except DataError:
        return expected
    if expected is None:
        n = len(ids)
        expected = Expectation(np.zeros(n), np.full(n, UNKNOWN_DEVIATION), ("alike",) * n)
    rows = np.array([place[model] for model in models])
    mean, deviation, origin = expected.mean.copy(), expected.deviation.copy(), list(expected.origin)
    own = prediction.mean - prediction.mean.mean() + mean[rows].mean()
    certain, own_certain = 1.0 / deviation[rows] ** 2, 1.0 / np.maximum(prediction.variance, 1e-6)
    mean[rows] = (certain * mean[rows] + own_certain * own) / (certain + own_certain)
    deviation[rows] = 1.0 / np.sqrt(certain + own_certain)
    for row in rows:
        origin[row] = "own"
    return Expectation(mean, deviation, tuple(origin))
