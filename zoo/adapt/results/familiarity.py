"""Tells inputs that are unlike the training data, by the distance of their features to the nearest class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.transfer.scores.hscore import ledoit_wolf

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.contract.experiment import Experiment

AXES = 128
"""Maximum number of directions whose variance is kept; all others share their mean variance."""

QUANTILE = 0.99
"""Share of the validation samples that are nearer than the threshold."""

FEWEST = 100
"""Minimum number of validation samples for the threshold."""

_TENSORS = ("means", "axes", "scales", "rest", "threshold")


@dataclass(frozen=True)
class Familiarity:
    """Class means and one shared covariance of features (Lee et al., "A simple unified framework for detecting
    out-of-distribution samples and adversarial attacks", NeurIPS 2018, equations 1 and 2).

    The covariance is shrunk (Ledoit and Wolf, 2004), and kept as its ``AXES`` largest principal axes and one variance
    for all other directions, as in probabilistic PCA (Tipping and Bishop, 1999), so that the file stays small.

    Attributes:
        means: k x d.
        axes: r x d, of length 1.
        scales: r, one over the standard deviation along each axis.
        rest: the same for all other directions.
        threshold: distance beyond which an input is unlike the training data.
    """

    means: np.ndarray
    axes: np.ndarray
    scales: np.ndarray
    rest: float
    threshold: float

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of features, n x d, to the nearest class mean, n."""
        nearest = np.full(len(features), np.inf)
        for mean in self.means:
            difference = features - mean
            along = difference @ self.axes.T
            others = np.maximum((difference**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
            squared = ((along * self.scales) ** 2).sum(axis=1) + self.rest**2 * others
            nearest = np.minimum(nearest, squared)
        return np.asarray(np.sqrt(nearest))

    def unlike(self, features: np.ndarray) -> np.ndarray:
        """Whether inputs with these features, n x d, are unlike the training data, n."""
        return self.distances(features.astype(np.float64)) > self.threshold

    def write(self, path: Path) -> None:
        """Write a safetensors file in float32."""
        from safetensors.numpy import save_file

        values = {name: np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float32)) for name in _TENSORS}
        save_file({name: np.ascontiguousarray(value) for name, value in values.items()}, path)

    @classmethod
    def read(cls, path: Path) -> Familiarity | None:
        """The content of the file, None if there is none; raises what safetensors and ``KeyError`` raise."""
        from safetensors.numpy import load_file

        if not path.is_file():
            return None
        found = load_file(path)
        means, axes, scales = (found[name].astype(np.float64) for name in _TENSORS[:3])
        return cls(means, axes, scales, float(found["rest"][0]), float(found["threshold"][0]))


def familiarity(experiment: Experiment, train: np.ndarray, validation: np.ndarray) -> Familiarity | None:
    """Fitted to the features of the training samples; the threshold is the 99 % quantile over the validation samples.

    None for targets other than classes, and with fewer than ``FEWEST`` validation samples.

    Args:
        train, validation: features of the samples of these parts, n x d and m x d.
    """
    if not experiment.classification or len(validation) < FEWEST:
        return None
    labels = experiment.of(experiment.train)
    train, validation = train.astype(np.float64), validation.astype(np.float64)
    if not (np.isfinite(train).all() and np.isfinite(validation).all()):
        return None
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([train[labels == label].mean(axis=0) for label in classes])
    centred = train - means[own.reshape(-1)]
    count, dimension = centred.shape
    _, singular, axes = np.linalg.svd(centred / np.sqrt(count), full_matrices=False)
    variances = singular**2
    if variances.sum() <= 0:
        return None
    fourth = float(((centred**2).sum(axis=1) ** 2).mean())
    intensity, mean = ledoit_wolf(variances, fourth, count, dimension)
    kept = min(AXES, len(variances))
    others = variances[kept:].sum() / max(dimension - kept, 1)
    floor = 1e-6 * mean
    shrunk = np.maximum((1 - intensity) * variances[:kept] + intensity * mean, floor)
    rest = max((1 - intensity) * others + intensity * mean, floor)
    found = Familiarity(means, axes[:kept], 1 / np.sqrt(shrunk), float(1 / np.sqrt(rest)), 0.0)
    threshold = float(np.quantile(found.distances(validation), QUANTILE))
    return Familiarity(found.means, found.axes, found.scales, found.rest, threshold)
