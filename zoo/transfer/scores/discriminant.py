"""Linear discriminant analysis with a regularised within-class covariance, from statistics.

Shao et al., "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging Fisher Space", ECCV 2022
(SFDA), section 3: S = (1 - a) S_W + a tr(S_W) / d I with a = exp(-5 s), s the largest eigenvalue of the within-class
covariance S_W. The authors' code approximates s by six steps of power iteration from the row sums and keeps a at 1e-10
or more; zoo uses the exact eigenvalue, and the same bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo.contract.estimator import Statistics

STRENGTH = 5.0
LEAST_SHRINKAGE = 1e-10


class Discriminant(NamedTuple):
    """Discriminant functions of the K classes that occur: (x - centre) weights + intercepts.

    Attributes:
        centre: d.
        weights: d x K.
        intercepts: K.
    """

    centre: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def posteriors(self, features: np.ndarray) -> np.ndarray:
        """Probability of each class for each row, n x K."""
        functions = (features - self.centre) @ self.weights + self.intercepts
        functions -= functions.max(axis=1, keepdims=True)
        np.exp(functions, out=functions)
        functions /= functions.sum(axis=1, keepdims=True)
        return functions


def within_scatter(statistics: Statistics) -> np.ndarray:
    """Sum of (x - class mean)(x - class mean)', d x d."""
    counts = statistics.counts[statistics.counts > 0]
    centres = statistics.class_centres * np.sqrt(counts)[:, None]
    return statistics.scatter - centres.T @ centres


def shrinkage(within: np.ndarray, n: int) -> float:
    """The a of SFDA, 1e-10 to 1, for a within-class scatter of n samples. Depends on the scale of the features."""
    return max(float(np.exp(-STRENGTH * max(np.linalg.eigvalsh(within)[-1], 0.0) / n)), LEAST_SHRINKAGE)


def discriminant(statistics: Statistics, intensity: float | None = None) -> tuple[Discriminant, float]:
    """The discriminant functions and the shrinkage, which ``intensity`` overrides.

    Without variance within the classes, the covariance is the identity, scaled by the variance of all samples.

    Cost: O(d^3 + d^2 K).
    """
    n, counts = statistics.n, statistics.counts[statistics.counts > 0]
    within = within_scatter(statistics)
    a = shrinkage(within, n) if intensity is None else intensity
    mean_variance = within.trace() / n / statistics.full_dimension
    if mean_variance <= 0.0:
        mean_variance = max(statistics.scatter.trace() / n / statistics.full_dimension, np.finfo(float).tiny)
        within = np.zeros_like(within)
    covariance = (1.0 - a) / n * within
    covariance[np.diag_indices_from(covariance)] += a * mean_variance
    centres = statistics.class_centres
    weights = np.linalg.solve(covariance, centres.T)
    intercepts = np.log(counts / n) - 0.5 * (centres.T * weights).sum(axis=0)
    return Discriminant(statistics.mean, weights, intercepts), a


def fisher(statistics: Statistics) -> float:
    """Fisher's criterion tr(S^-1 S_B) with SFDA's regularised S; dimensionless, 0 or more. Classes only.

    S_B is the covariance of the class means weighted by class size, both divided by n. With the eigenvectors of the
    total scatter, and S_W = S_T - S_B of rank K - 1 less, Woodbury's identity gives the trace as sum q / (1 - q) over
    the eigenvalues q of a K x K matrix: squared canonical correlations, shrunk.

    Cost: one eigendecomposition O(d^3), shared, the largest eigenvalue of S_W, then O(d^2 K + K^3).
    """
    n, counts = statistics.n, statistics.counts[statistics.counts > 0]
    s, vectors = statistics.spectrum
    if not len(s):
        return 0.0
    within = within_scatter(statistics)
    a = shrinkage(within, n)
    ridge = n * a * max(within.trace(), 0.0) / n / statistics.full_dimension / (1.0 - a) if a < 1.0 else np.inf
    centres = (statistics.class_centres * np.sqrt(counts)[:, None]) @ vectors
    if not np.isfinite(ridge):
        mean_variance = within.trace() / n / statistics.full_dimension
        return float((centres**2).sum() / n / mean_variance) if mean_variance > 0 else 0.0
    scaled = centres / np.sqrt(s + ridge)
    small = scaled @ scaled.T if len(scaled) <= len(s) else scaled.T @ scaled
    q = np.clip(np.linalg.eigvalsh(small), 0.0, 1.0 - np.finfo(float).eps)
    return float((q / (1.0 - q)).sum() / (1.0 - a))
