"""Predicts scores of models on a data set from their scores on others: the prior that is learned from history.

The steps are explained in ``docs/selection.md``: scale each data set's scores; find latent abilities of the models
(factor analysis); learn from the history which similar data sets also rank models similarly; combine the other data
sets' scores by these similarities (kriging); let similar models share information (a Gaussian process, and for models
without any run the mean of that and of a forest of randomised trees).
No score of the data set that is predicted is used, unless that is requested.
"""

from __future__ import annotations

import numpy as np

from zoo.errors import DataError
from zoo.history.records import FEWEST_MODELS, History
from zoo.history.similarity import dataset_kernels, model_kernels
from zoo.selection.prior import forest
from zoo.selection.prior.fitting import Fitted, Table, nonnegative_least_squares, trained_on, usable
from zoo.selection.prior.prediction import Prediction

ALIKE = 0.6
"""Share of a model's own part that is correlated through similar names and owners."""


class Prior:
    """Learns from a history; predicts any data set, in the history or not, for any models.

    Args:
        history: past results. When a data set is predicted, its own column is not used.
        models, datasets: names to predict that the history lacks.
    """

    def __init__(self, history: History, models: tuple[str, ...] = (), datasets: tuple[str, ...] = ()) -> None:
        self.history = history.only(
            tuple(dict.fromkeys((*history.models, *models))), tuple(dict.fromkeys((*history.datasets, *datasets)))
        )
        self._row = {name: place for place, name in enumerate(self.history.models)}
        self._column = {name: place for place, name in enumerate(self.history.datasets)}
        self._model_kernels = model_kernels(self.history.models, history.model_facts)
        self._dataset_kernels = dataset_kernels(self.history.datasets, history.dataset_facts)
        self._usable = np.array([usable(column) for column in self.history.scores.T])
        self._made_for = trained_on(self.history)
        self._last: Table | None = None
        self._neighbours: np.ndarray | None = None
        self._grams: dict[bytes, np.ndarray] = {}

    def predict(self, dataset: str, models: tuple[str, ...], known: bool = False) -> Prediction:
        """Predict the scores of ``models`` on ``dataset``.

        Args:
            dataset: name, known to the history or given to the constructor.
            models: names, likewise.
            known: whether the scores that the history has on this data set may be used; otherwise its column is
                not used.

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
        table = self._table(columns)
        fitted = Fitted(table, target, candidate, kernels)
        mean, variance = self._shared(table, fitted)
        unseen = table.runs == 0
        if unseen[rows].any() and len(columns) == self._usable.sum():
            mean[unseen] = 0.5 * (mean[unseen] + self._by_forest(table, fitted.predicted, unseen))
        home = table.home_gain * self._made_for[:, target]
        directions = table.factors.abilities
        own = fitted.own + np.maximum(variance, 0.0)
        total = ((directions @ fitted.spread) * directions).sum(axis=1) + own
        return Prediction(
            tuple(models),
            (mean + home)[rows],
            total[rows],
            directions[rows],
            fitted.spread,
            own[rows],
            ALIKE * self._name_similarity(rows) + (1.0 - ALIKE) * np.eye(len(rows)),
            fitted.axis,
            fitted.level,
            fitted.level_error,
            fitted.scale,
            fitted.scale_error,
        )

    def _table(self, columns: np.ndarray) -> Table:
        """The fitted table of these data sets; the last one is cached, because many predictions use it."""
        if self._last is None or not np.array_equal(self._last.columns, columns):
            self._last = Table(self.history.scores, self._made_for, columns)
        return self._last

    def _by_forest(self, table: Table, predicted: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        """Predictions for models without runs, from those with runs that share their leaves.

        Only if no data set is left out: otherwise each would need its own forest.
        """
        seen = np.flatnonzero(table.runs > 0)
        if self._neighbours is None:
            facts = forest.features(self.history.models, self.history.model_facts)
            self._neighbours = forest.neighbours(facts, seen, table.fair[seen])
        return self._neighbours[unseen] @ predicted[seen]

    def _shared(self, table: Table, fitted: Fitted) -> tuple[np.ndarray, np.ndarray]:
        """Posterior mean and variance of every model's ability on the target, given those of similar models."""
        seen = np.flatnonzero(table.runs > 0)
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

    def _name_similarity(self, rows: np.ndarray) -> np.ndarray:
        """Mean of the kernels over owners, words and parts of words of names."""
        alike = self._model_kernels[1:4, rows][:, :, rows].mean(axis=0)
        np.fill_diagonal(alike, 1.0)
        return alike

    def _model_weights(self, seen: np.ndarray, value: np.ndarray) -> np.ndarray:
        """The mixture of kernels that best fits ``value[i] * value[j]`` for different models.

        That is Haseman and Elston's regression (Behavior Genetics 1972): a variance for every kernel.
        """
        kernels = self._model_kernels if len(seen) == len(self._row) else self._model_kernels[:, seen][:, :, seen]
        diagonals = np.diagonal(kernels, axis1=1, axis2=2)
        gram = self._grams.get(seen.tobytes())
        if gram is None:
            flat = kernels.reshape(len(kernels), -1)
            gram = self._grams[seen.tobytes()] = flat @ flat.T - diagonals @ diagonals.T
        return nonnegative_least_squares(gram, (kernels @ value) @ value - diagonals @ value**2)
