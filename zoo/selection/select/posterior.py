"""The posterior of every model's score, updated by measurements: a Gaussian process over the models."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.selection.prior.prediction import Prediction

SCALES = (0.5, 0.7, 1.0, 1.4, 2.0)
"""Factors by which the scores of this data set may spread wider than expected; measurements weight them."""

UNKNOWN_SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""The same without results on other data sets, from which to estimate the spread."""

SCALE_DOUBT = 0.5
"""Prior standard deviation of the logarithm of that."""

LEVEL_DOUBT = 2.0
"""Minimum prior standard deviation of the data set's level, in standard deviations of the models."""


class Posterior:
    """The posterior of every model's score, given the measurements so far.

    A Gaussian process over the models with the covariance of the prior's errors, for each of several scales (as
    ``SCALES``), weighted by how well it predicted the measurements so far.

    Attributes:
        means: h x n, for each scale, on the prediction's axis.
        covariance: h x n x n, in standard deviations; 1 x n x n while all scores were exact, because all scales then
            have the same.
    """

    def __init__(self, prediction: Prediction, scales: Sequence[float] = SCALES) -> None:
        self.axis = prediction.axis
        self.scales = prediction.scale * np.array(scales)
        self._level = prediction.level
        self._places = np.tile(prediction.mean, (len(scales), 1))
        level = max(prediction.level_error / prediction.scale, LEVEL_DOUBT)
        self.covariance = (prediction.covariance() + level**2)[None]
        self._relative = prediction.covariance()
        self._log_weights = -0.5 * (np.log(scales) / (SCALE_DOUBT if scales is SCALES else prediction.scale_error)) ** 2

    @property
    def weights(self) -> np.ndarray:
        """Posterior probability of each scale, summing to one."""
        relative = np.exp(self._log_weights - self._log_weights.max())
        return relative / relative.sum()

    @property
    def means(self) -> np.ndarray:
        """h x n, on the axis."""
        return self._level + self.scales[:, None] * self._places

    def tell(self, place: int, score: float, error: float = 0.0) -> None:
        """Add the score of one model, with its standard error in the unit of the scores."""
        noise = (error / self.axis.slope(score) / self.scales) ** 2
        if error > 0.0 and len(self.covariance) == 1:
            self.covariance = np.repeat(self.covariance, len(self.scales), axis=0)
        column = self.covariance[:, :, place].copy()
        variance = column[:, place] + noise
        seen = (float(self.axis.place(np.array(score))) - self._level) / self.scales
        surprise = seen - self._places[:, place]
        self._log_weights += -0.5 * (surprise**2 / variance) - 0.5 * np.log(variance) - np.log(self.scales)
        self._places += (surprise / variance)[:, None] * column
        divisor = variance[: len(column), None, None]
        self.covariance -= column[:, :, None] * column[:, None, :] / divisor
        if error == 0.0:
            self.covariance[:, place, :] = self.covariance[:, :, place] = 0.0

    def believed(self, place: int) -> float:
        """The expected score of one model, in the unit of the scores."""
        return float(self.axis.score(self.weights @ self.means[:, place]))

    def deviations(self) -> np.ndarray:
        """Standard deviation of each model for each scale, h x n, in standard deviations of the models."""
        variances = np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0.0)
        return np.broadcast_to(np.sqrt(variances), self._places.shape)

    def expected_improvement(self, best: float | None) -> np.ndarray:
        """The expected improvement of each model over ``best``, n, in the unit of the scores. Without a best, over the
        average model.
        """
        if best is None:
            mean = self._places[0]
            spread = np.sqrt(np.diag(self._relative))
            return float(self.scales[2]) * _improvement(mean - float(np.median(mean)), spread)
        target = float(self.axis.place(np.array(best)))
        gains = [
            scale * _improvement((mean - target) / scale, deviation)
            for scale, mean, deviation in zip(self.scales, self.means, self.deviations(), strict=True)
        ]
        return self.axis.slope(best) * (self.weights @ np.array(gains))

    def draws(self, number: int, seed: int = 0) -> np.ndarray:
        """Samples of all models' scores, number x n, in the unit of the scores."""
        random = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(self.covariance)
        roots = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        chosen = random.choice(len(self.scales), size=number, p=self.weights)
        noise = random.standard_normal((number, self._places.shape[1]))
        if len(roots) == 1:
            noise = noise @ roots[0].T
        else:
            for scale, root in enumerate(roots):
                noise[chosen == scale] = noise[chosen == scale] @ root.T
        return self.axis.score(self.means[chosen] + self.scales[chosen, None] * noise)


def _improvement(lead: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Expected positive part of a normal variable with mean ``lead`` and standard deviation ``spread``."""
    safe = np.where(spread > 1e-9, spread, 1.0)
    ratio = lead / safe
    density = np.exp(-0.5 * ratio**2) / math.sqrt(2.0 * math.pi)
    return np.where(spread > 1e-9, safe * (density + ratio * _normal_distribution(ratio)), np.maximum(lead, 0.0))


def _normal_distribution(values: np.ndarray) -> np.ndarray:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in values])
