"""Fits a table of scores, and predicts those on another data set."""

from __future__ import annotations

import re

import numpy as np

from zoo.history.records import FEWEST_MODELS, History
from zoo.history.similarity import run_together
from zoo.selection.prior.axis import Axis, standardise
from zoo.selection.prior.factors import Factors, factorise

NUGGET = 0.15
"""Share of a data set's variance that no other data set explains."""

OBSERVED = 0.9
"""Weight of a score itself against its reconstruction from the latent abilities."""

MOST_FACTORS = 10

HOME_ADVANTAGE = (1.0, 5.0)
"""Prior mean of the gain, in standard deviations, of a model that was trained on the data set itself,
and its weight as a number of observations."""

_TRAINED_ON = ("upstream_dataset", "training_datasets", "pretraining", "trained_on")


class Table:
    """Other data sets' scores, scaled, and the latent abilities behind them.

    Attributes:
        columns: indices of these data sets in the history.
        runs: n, number of them that each model was run on.
        fair: n x d, standardised scores, NaN where unknown or where the model was trained on the data set.
    """

    def __init__(self, scores: np.ndarray, made_for: np.ndarray, columns: np.ndarray) -> None:
        self.columns = columns
        scores = scores[:, columns]
        self.known = ~np.isnan(scores)
        self.runs = self.known.sum(axis=1)
        self.axes = [Axis.of(column) for column in scores.T]
        places = np.column_stack([axis.place(column) for axis, column in zip(self.axes, scores.T, strict=True)])
        scaled, self.centre, self.spread = standardise(places)
        home = made_for[:, columns] & self.known
        fair = np.where(home, np.nan, scaled)
        self.fair = np.where((~np.isnan(fair)).any(axis=0), fair, scaled)
        self.factors = factorise(self.fair, int(np.clip(len(columns) // 4, 1, MOST_FACTORS)))
        self.home_gain = _home_gain((scaled - self.factors.expected())[home])


class Fitted:
    """Predicts one data set from a table of others, for every model.

    Args:
        table: scores on other data sets, or on this one too.
        target: index of this data set in the history.
        candidate: n, whether a model is to be predicted.
        kernels: k x (d+1) x (d+1), how similar the data sets of the table, and last this one, are.
    """

    def __init__(self, table: Table, target: int, candidate: np.ndarray, kernels: np.ndarray) -> None:
        together = run_together(table.known, candidate)
        kernel = _learned_kernel(np.concatenate([kernels, together[None]]), table.factors)
        itself = np.flatnonzero(table.columns == target)
        self._krige(table, kernel, int(itself[0]) if len(itself) else None)

    def _krige(self, table: Table, kernel: np.ndarray, itself: int | None) -> None:
        factors, fair, centre, spread = table.factors, table.fair, table.centre, table.spread
        length = _lengths(factors)
        inverse = np.linalg.inv(kernel[:-1, :-1] + NUGGET * np.eye(len(centre)))
        towards = kernel[:-1, -1] if itself is None else np.eye(len(centre))[itself]
        weights = (inverse @ towards if itself is None else towards) / length
        ability = factors.abilities @ factors.loadings.T
        blended = np.where(np.isnan(fair), ability, OBSERVED * (fair - factors.offsets) + (1.0 - OBSERVED) * ability)
        self.predicted = blended @ weights
        loading = factors.loadings.T @ weights
        self.doubt = factors.uncertainty @ loading @ loading
        leave_one_out = (inverse @ (factors.loadings / length[:, None])) / np.diag(inverse)[:, None]
        self.spread = leave_one_out.T @ leave_one_out / len(length)
        self.own = float(np.mean(factors.noise / length**2))
        level = centre + spread * factors.offsets
        logarithmic = sum(axis.logarithmic for axis in table.axes)
        self.axis = Axis(2 * logarithmic > len(table.axes)) if itself is None else table.axes[itself]
        if itself is not None:
            self.level, self.level_error = float(level[itself]), 0.0
            self.scale, self.scale_error = float(spread[itself] * length[itself]), 0.0
            return
        self.level, self.level_error = _kriged(level, inverse, towards)
        scale, self.scale_error = _kriged(np.log(spread * length), inverse, towards)
        self.scale = float(np.exp(scale))


def trained_on(history: History) -> np.ndarray:
    """Whether a model was trained on a data set, by its facts: n models x d data sets, boolean."""
    names = {_plain(dataset): place for place, dataset in enumerate(history.datasets)}
    found = np.zeros((len(history.models), len(history.datasets)), dtype=bool)
    for row, model in enumerate(history.models):
        facts = history.model_facts.get(model, {})
        for column in _TRAINED_ON:
            for item in facts.get(column, "").split("|"):
                place = names.get(_plain(item))
                if place is not None:
                    found[row, place] = True
    return found


def nonnegative_least_squares(gram: np.ndarray, wanted: np.ndarray, sweeps: int = 200) -> np.ndarray:
    """Weights w >= 0 that minimise ``|A w - b|``, by coordinate descent, from ``A'A`` (k x k) and ``A'b`` (k)."""
    diagonal = np.diag(gram)
    weights = np.zeros(len(gram))
    for _ in range(sweeps):
        before = weights.copy()
        for place in np.flatnonzero(diagonal > 0):
            step = (wanted[place] - gram[place] @ weights) / diagonal[place]
            weights[place] = max(0.0, weights[place] + step)
        if np.abs(weights - before).max() < 1e-9:
            break
    return weights


def usable(column: np.ndarray) -> bool:
    """Whether a data set's scores have a ranking to learn from."""
    values = column[~np.isnan(column)]
    return len(values) >= FEWEST_MODELS and float(np.ptp(values)) > 0.0


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().rpartition("/")[2])


def _home_gain(residuals: np.ndarray) -> float:
    guess, worth = HOME_ADVANTAGE
    return max(0.0, (float(residuals.sum()) + guess * worth) / (len(residuals) + worth))


def _lengths(factors: Factors) -> np.ndarray:
    return np.sqrt((factors.loadings**2).sum(axis=1) + factors.noise)


def _learned_kernel(kernels: np.ndarray, factors: Factors) -> np.ndarray:
    """The mixture of kernels that best fits how similarly the known data sets rank models."""
    length = _lengths(factors)
    correlation = (factors.loadings @ factors.loadings.T) / np.outer(length, length)
    pairs = np.triu_indices(len(length), 1)
    if not len(pairs[0]):
        return kernels[0]
    columns = kernels[:, pairs[0], pairs[1]]
    weights = nonnegative_least_squares(columns @ columns.T, columns @ correlation[pairs])
    if not weights.any():
        weights[0] = 1e-3
    return np.tensordot(weights, kernels, axes=1)


def _kriged(values: np.ndarray, inverse: np.ndarray, towards: np.ndarray) -> tuple[float, float]:
    """Value at the target around the mean, and its standard error from leaving one out."""
    centre = float(np.mean(values))
    deviation = inverse @ (values - centre)
    errors = deviation / np.diag(inverse)
    return centre + float(towards @ deviation), float(np.sqrt(np.mean(errors**2)))
