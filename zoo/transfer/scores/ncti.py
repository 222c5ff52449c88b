"""NCTI's three parts: how close features are to neural collapse, the final state of training.

Wang, Luo, Zheng, Huang and Baktashmotlagh, "How Far Pre-trained Models Are from Neural Collapse on the Target Dataset
Informs their Transferability", ICCV 2023. The paper's score is seli + ncc - vc, each first scaled to 0..1 over the
compared models, which a score of a single model cannot do: so zoo has the parts.

Features are reduced to 64 principal components, and a linear discriminant analysis is fitted there, its within-class
covariance shrunk by exp(-(variance of the first 32 components)), as in the authors' code. The first part follows from
statistics alone; the other two need the posteriors of the samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoo.contract.estimator import Statistics
from zoo.transfer.statistics import of_classes

COMPONENTS = 64
COMPONENTS_OF_SHRINKAGE = 32
LEAST_SHRINKAGE = 1e-10


class _Collapse(NamedTuple):
    """The discriminant analysis in principal components.

    Attributes:
        directions: centred features to principal components, d x r.
        scatter: of all samples in those, r x r, diagonal.
        projection: to the discriminant directions, r x m.
        weights, intercepts: discriminant functions of the classes, r x K and K.
    """

    directions: np.ndarray
    scatter: np.ndarray
    projection: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray


def seli(statistics: Statistics) -> float:
    """Nuclear norm of the features projected on the K - 1 discriminant directions; 0 or more, grows with sqrt(n).

    Large when many directions separate the classes about equally, as a simplex does. From statistics: the projected
    scatter is W' S W, and the nuclear norm is the sum of the roots of its eigenvalues.

    Cost: one eigendecomposition O(d^3), shared, then O(64 d K).
    """
    fit = _fit(statistics)
    projected = fit.projection.T @ (fit.scatter[:, None] * fit.projection)
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(projected), 0.0)).sum()) if projected.size else 0.0


def ncc(features: np.ndarray, targets: np.ndarray) -> float:
    """Mean posterior probability of the true class, 0 to 1: whether samples are nearest to their class's centre.

    Cost: that of ``seli`` and O(n d 64).
    """
    posteriors = _posteriors(features, targets)
    return float(posteriors[np.arange(len(targets)), targets].mean())


def vc(features: np.ndarray, targets: np.ndarray) -> float:
    """Minus the logarithm of the classes' summed nuclear norms of posteriors: whether a class's samples agree.

    Each class adds the nuclear norm of its n_c x K posteriors. Negative, so that higher is better; about
    -log(sum sqrt(n_c)) when every class collapses. The sign is zoo's: the paper subtracts the logarithm.

    Cost: that of ``ncc`` and O(n K^2 + K^4).
    """
    posteriors = _posteriors(features, targets)
    norms = [np.linalg.svd(posteriors[targets == k], compute_uv=False).sum() for k in range(int(targets.max()) + 1)]
    return -float(np.log(np.sum(norms)))


def _posteriors(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    statistics = of_classes(features, targets)
    fit = _fit(statistics)
    functions = (features - statistics.mean) @ (fit.directions @ fit.weights) + fit.intercepts
    functions -= functions.max(axis=1, keepdims=True)
    np.exp(functions, out=functions)
    return functions / functions.sum(axis=1, keepdims=True)


def _fit(statistics: Statistics) -> _Collapse:
    """With shrinkage a: S_W / n shrunk towards its mean variance. At its least a, S_W / n as it is.

    There the authors' code uses another solver of scikit-learn, which divided by n - K then and by n today; n is taken.
    The discriminant directions are the first K - 1 generalised eigenvectors of S_B and S_W, of unit within-class
    variance; the posteriors are those of Gaussians with S_W in common.
    """
    n, counts = statistics.n, statistics.counts[statistics.counts > 0]
    s, vectors = statistics.spectrum
    s, vectors = s[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    classes = len(counts)
    centres = statistics.class_centres @ vectors
    between = (centres * counts[:, None]).T @ centres
    within = np.diag(s) - between
    a = max(float(np.exp(-s[:COMPONENTS_OF_SHRINKAGE].sum() / max(n - 1, 1))), LEAST_SHRINKAGE)
    within /= n
    if a > LEAST_SHRINKAGE:
        variance = within.trace() / max(len(s), 1)
        within = (1.0 - a) * within + a * variance * np.eye(len(s))
        # The analysis shrinks S_T as well, and takes the difference for S_B.
        between = (1.0 - a) * between + a * between.trace() / max(len(s), 1) * np.eye(len(s))
    values, whitened = np.linalg.eigh(within)
    kept = values > np.finfo(float).eps * len(values) * max(values.max(initial=0.0), 0.0)
    whitened = whitened[:, kept] / np.sqrt(values[kept])
    weights = whitened @ (whitened.T @ centres.T)
    intercepts = np.log(counts / n) - 0.5 * (centres.T * weights).sum(axis=0)
    order = np.linalg.eigh(whitened.T @ between @ whitened)[1][:, ::-1][:, : classes - 1]
    return _Collapse(vectors, s, whitened @ order, weights, intercepts)
