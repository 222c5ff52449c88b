"""Predicts how models will do on a data set from how they did on others: the prior that is learned from history.

The steps, each told in ``docs/selection.md``: scale each data set's scores; find hidden abilities of the models (factor
analysis); learn from the history which data sets that look alike also rank models alike; combine the other data sets'
scores by these likenesses (kriging); let models that look alike share what is known of them (a Gaussian process).
Nothing here sees a score of the data set that is predicted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from zoo.errors import DataError
from zoo.recommend.history import FEWEST_MODELS, History
from zoo.recommend.prior.axis import Axis, standardise
from zoo.recommend.prior.factors import Factors, factorise
from zoo.recommend.prior.likeness import dataset_kernels, model_kernels, run_together

NUGGET = 0.15
"""Part of a data set's own that no other data set tells of, in units of its variance."""

OBSERVED = 0.9
"""Weight of a score itself against what the hidden abilities say about it."""

ALIKE = 0.6
"""Share of a model's own part that goes with how alike the names and owners of models are."""

TIE = 1.0
"""Models are called ties when this many standard errors do not tell them apart."""

MOST_FACTORS = 10

HOME_ADVANTAGE = (1.0, 5.0)
"""Prior guess of the gain, in standard deviations, of a model that was trained on the data set itself, and how many
observations it counts for."""

_TRAINED_ON = ("upstream_dataset", "training_datasets", "pretraining", "trained_on")


@dataclass(frozen=True)
class Prediction:
    """What is expected of models on one data set.

    Attributes:
        models: n names.
        mean: n, in robust standard deviations from the average model, on the data set's axis; higher is better.
        variance: n, of ``mean``.
        directions: n x r, how each model answers to what is not known of the data set; ``directions @
            spread @ directions.T`` is how their errors go together.
        spread: r x r.
        own: n, variance of each model's own part.
        likeness: n x n, how the own parts of models go together, 1 on the diagonal.
        axis: on which ``level`` and ``scale`` are told.
        level, level_error: where the average model is expected, and its standard error.
        scale, scale_error: what one standard deviation is expected to be, and the standard error of its logarithm.
    """

    models: tuple[str, ...]
    mean: np.ndarray
    variance: np.ndarray
    directions: np.ndarray
    spread: np.ndarray
    own: np.ndarray
    likeness: np.ndarray
    axis: Axis
    level: float
    level_error: float
    scale: float
    scale_error: float

    def around(self, mean: np.ndarray, deviation: np.ndarray) -> Prediction:
        """The same with other means and independent standard errors, n each."""
        return replace(self, mean=mean, variance=deviation**2, own=deviation**2)

    def covariance(self) -> np.ndarray:
        """n x n covariance of the errors of ``mean``."""
        own = np.sqrt(self.own)
        return self.directions @ self.spread @ self.directions.T + self.likeness * np.outer(own, own)

    def scores(self) -> np.ndarray:
        """Expected scores, n, in the data set's unit."""
        return self.axis.score(self.level + self.scale * self.mean)

    def interval(self, width: float = 1.645) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends, n each, in the data set's unit, ``width`` standard errors away (1.645: 90 %).

        They allow for the model's place, and for the level and the scale of the data set, of which no score is known.
        """
        middle = self.level + self.scale * self.mean
        error = np.sqrt(self.level_error**2 + self.scale**2 * (self.variance + (self.mean * self.scale_error) ** 2))
        return self.axis.score(middle - width * error), self.axis.score(middle + width * error)

    def tied(self) -> np.ndarray:
        """The order with ties, n: ``mean`` in steps of one typical standard error."""
        return np.round(self.mean / (TIE * float(np.median(np.sqrt(self.variance)))))


def uninformed(models: tuple[str, ...]) -> Prediction:
    """The prediction of somebody who knows nothing: every model the same, fractions somewhere between 0 and 1."""
    n = len(models)
    flat = np.zeros(n)
    return Prediction(
        models=models, mean=flat, variance=flat + 1.0, directions=np.zeros((n, 1)), spread=np.zeros((1, 1)),
        own=flat + 1.0, likeness=np.eye(n), axis=Axis(True), level=0.7, level_error=0.7, scale=0.3, scale_error=0.7,
    )  # fmt: skip


class Prior:
    """What a history teaches; predicts any data set, in the history or not, for any models.

    Args:
        history: past results. When a data set is predicted, its own column is not looked at.
        models, datasets: names that shall be predicted and that the history lacks.
    """

    def __init__(self, history: History, models: tuple[str, ...] = (), datasets: tuple[str, ...] = ()) -> None:
        self.history = history.only(
            tuple(dict.fromkeys((*history.models, *models))), tuple(dict.fromkeys((*history.datasets, *datasets)))
        )
        self._row = {name: place for place, name in enumerate(self.history.models)}
        self._column = {name: place for place, name in enumerate(self.history.datasets)}
        self._model_kernels = model_kernels(self.history.models, history.model_facts)
        self._dataset_kernels = dataset_kernels(self.history.datasets, history.dataset_facts)
        self._usable = np.array([_usable(column) for column in self.history.scores.T])
        self._made_for = trained_on(self.history)
        self._grams: dict[bytes, np.ndarray] = {}

    def predict(self, dataset: str, models: tuple[str, ...], known: bool = False) -> Prediction:
        """Predict the scores of ``models`` on ``dataset``.

        Args:
            dataset: name, known to the history or given to the constructor.
            models: names, likewise.
            known: whether the scores that the history has on this very data set may be used; otherwise its column is
                not looked at.

        Raises:
            DataError: no other data set has scores of three models that differ.
        """
        rows = np.array([self._row[name] for name in models])
        target = self._column[dataset]
        columns = np.flatnonzero(self._usable & (known | (np.arange(len(self._usable)) != target)))
        if not len(columns):
            raise DataError(
                f"No data set but {dataset} has results of {FEWEST_MODELS} models that differ.",
                "Give results on more data sets.",
            )
        candidate = np.zeros(len(self._row), dtype=bool)
        candidate[rows] = True
        kernels = self._dataset_kernels[:, [*columns, target]][:, :, [*columns, target]]
        fitted = _Fitted(
            table=self.history.scores,
            made_for=self._made_for,
            columns=columns,
            target=target,
            candidate=candidate,
            kernels=kernels,
        )
        mean, variance = self._shared(fitted)
        home = fitted.home_gain * fitted.made_for_target
        directions = fitted.factors.abilities
        own = fitted.own + np.maximum(variance, 0.0)
        total = ((directions @ fitted.spread) * directions).sum(axis=1) + own
        return Prediction(
            tuple(models),
            (mean + home)[rows],
            total[rows],
            directions[rows],
            fitted.spread,
            own[rows],
            ALIKE * self._names_alike(rows) + (1.0 - ALIKE) * np.eye(len(rows)),
            fitted.axis,
            fitted.level,
            fitted.level_error,
            fitted.scale,
            fitted.scale_error,
        )

    def _shared(self, fitted: _Fitted) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean and variance of every model's ability on the target, given those of models that look alike."""
        seen = np.flatnonzero(fitted.runs > 0)
        value, noise = fitted.predicted[seen], fitted.doubt[seen]
        centre = float(np.average(value, weights=1.0 / (noise + value.var() + 1e-9)))
        value = value - centre
        weights = self._model_weights(seen, value)
        kernel = np.tensordot(weights, self._model_kernels, axes=1)
        own = max(float(np.mean(value**2 - np.diag(kernel)[seen])), 0.05 * float(np.mean(value**2)) + 1e-9)
        solved = np.linalg.inv(kernel[np.ix_(seen, seen)] + np.diag(own + noise))
        cross = kernel[:, seen].copy()
        cross[seen, np.arange(len(seen))] += own
        mean = centre + cross @ (solved @ value)
        variance = np.diag(kernel) + own - ((cross @ solved) * cross).sum(axis=1)
        return mean, variance

    def _names_alike(self, rows: np.ndarray) -> np.ndarray:
        """Mean of the kernels over owners, words and parts of words of names."""
        alike = self._model_kernels[1:4, rows][:, :, rows].mean(axis=0)
        np.fill_diagonal(alike, 1.0)
        return alike

    def _model_weights(self, seen: np.ndarray, value: np.ndarray) -> np.ndarray:
        """The mixture of kernels whose products come closest to ``value[i] * value[j]`` for different models.

        That is Haseman and Elston's regression (Behavior Genetics 1972): a variance for every kernel.
        """
        kernels = self._model_kernels if len(seen) == len(self._row) else self._model_kernels[:, seen][:, :, seen]
        diagonals = np.diagonal(kernels, axis1=1, axis2=2)
        gram = self._grams.get(seen.tobytes())
        if gram is None:
            flat = kernels.reshape(len(kernels), -1)
            gram = self._grams[seen.tobytes()] = flat @ flat.T - diagonals @ diagonals.T
        return nonnegative_least_squares(gram, (kernels @ value) @ value - diagonals @ value**2)


class _Fitted:
    """What the other data sets say of one, for every model of the history."""

    def __init__(
        self,
        *,
        table: np.ndarray,
        made_for: np.ndarray,
        columns: np.ndarray,
        target: int,
        candidate: np.ndarray,
        kernels: np.ndarray,
    ) -> None:
        scores = table[:, columns]
        known = ~np.isnan(scores)
        self.runs = known.sum(axis=1)
        axes = [Axis.of(column) for column in scores.T]
        self.axis = Axis(2 * sum(axis.logarithmic for axis in axes) > len(axes))
        places = np.column_stack([axis.place(column) for axis, column in zip(axes, scores.T, strict=True)])
        scaled, centre, spread = standardise(places)
        self.made_for_target = made_for[:, target]
        home = made_for[:, columns] & known
        fair = np.where(home, np.nan, scaled)
        fair = np.where((~np.isnan(fair)).any(axis=0), fair, scaled)
        rank = int(np.clip(len(columns) // 4, 1, MOST_FACTORS))
        self.factors = factorise(fair, rank)
        expected = self.factors.expected()
        self.home_gain = _home_gain((scaled - expected)[home])
        together = run_together(np.column_stack([known, candidate]))
        kernel = _learned_kernel(np.concatenate([kernels, together[None]]), self.factors)
        itself = np.flatnonzero(columns == target)
        self._krige(kernel, fair, centre, spread, itself[0] if len(itself) else None)

    def _krige(
        self, kernel: np.ndarray, fair: np.ndarray, centre: np.ndarray, spread: np.ndarray, itself: int | None
    ) -> None:
        factors = self.factors
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
        if itself is not None:
            self.level, self.level_error = float(level[itself]), 0.0
            self.scale, self.scale_error = float(spread[itself] * length[itself]), 0.0
            return
        self.level, self.level_error = _kriged(level, inverse, towards)
        scale, self.scale_error = _kriged(np.log(spread * length), inverse, towards)
        self.scale = float(np.exp(scale))


def trained_on(history: History) -> np.ndarray:
    """Whether a model was trained on a data set by what is known of it: n models x d data sets, boolean."""
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


def _usable(column: np.ndarray) -> bool:
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
    """The mixture of kernels that comes closest to how alike the known data sets rank models."""
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
