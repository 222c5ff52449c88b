"""Predicted scores of models on one data set, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zoo.selection.prior.axis import Axis

TIE = 1.0
"""Models within this many standard errors are called tied."""

LARGEST_TIE = 0.5
"""Maximum width of ties, in standard deviations of the predicted scores."""


@dataclass(frozen=True)
class Prediction:
    """Predicted scores of models on one data set.

    Attributes:
        models: n names.
        mean: n, in robust standard deviations from the average model, on the data set's axis; higher is better.
        variance: n, of ``mean``.
        directions: n x r, how each model depends on the unknowns of the data set; ``directions @
            spread @ directions.T`` is the covariance of the resulting errors.
        spread: r x r.
        own: n, variance of each model's own part.
        likeness: n x n, correlation of the models' own parts, 1 on the diagonal.
        axis: the axis of ``level`` and ``scale``.
        level, level_error: expected score of the average model, and its standard error.
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

        They include the uncertainty of the model, and of the level and scale of the data set, which has no known score.
        """
        middle = self.level + self.scale * self.mean
        error = np.sqrt(self.level_error**2 + self.scale**2 * (self.variance + (self.mean * self.scale_error) ** 2))
        return self.axis.score(middle - width * error), self.axis.score(middle + width * error)

    def tied(self) -> np.ndarray:
        """The order with ties, n: ``mean`` in steps of one typical standard error, or half its spread if smaller."""
        return np.round(self.mean / tie_step(self.mean, self.variance))


def tie_step(mean: np.ndarray, variance: np.ndarray) -> float:
    """Difference below which models are called ties, in the unit of ``mean``."""
    error = TIE * float(np.median(np.sqrt(variance)))
    return max(min(error, LARGEST_TIE * float(np.std(mean))), 1e-9)


def uninformed(models: tuple[str, ...]) -> Prediction:
    """The prediction without any information: every model the same, fractions somewhere between 0 and 1."""
    n = len(models)
    flat = np.zeros(n)
    return Prediction(
        models=models,
        mean=flat,
        variance=flat + 1.0,
        directions=np.zeros((n, 1)),
        spread=np.zeros((1, 1)),
        own=flat + 1.0,
        likeness=np.eye(n),
        axis=Axis(True),
        level=0.7,
        level_error=0.7,
        scale=0.3,
        scale_error=0.7,
    )
