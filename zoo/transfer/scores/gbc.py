"""GBC: how much the classes overlap, each taken as a Gaussian.

Pandy, Agostinelli, Uijlings, Ferrari and Mensink, "Transferability Estimation using Bhattacharyya Class Separability",
CVPR 2022, equations 2 to 4.
"""

from __future__ import annotations

import numpy as np

from zoo.contract.estimator import Statistics
from zoo.transfer.scores.principal import principal_components
from zoo.transfer.statistics import of_classes

COMPONENTS = 64
LEAST_VARIANCE = 1e-4


def gbc(features: np.ndarray, targets: np.ndarray) -> float:
    """Minus the summed Bhattacharyya coefficients of all ordered pairs of classes, -K (K - 1) to 0; classes only.

    In the first 64 principal components, as in the authors' experiments, with spherical covariances. Reduction needs
    the samples again; ``spherical_gbc`` is the same without it, from statistics.

    Cost: O(n d^2 + d^3 + n d 64 + 64 K^2).
    """
    reduced = principal_components(features, COMPONENTS)
    return spherical_gbc(of_classes(reduced, targets))


def spherical_gbc(statistics: Statistics) -> float:
    """GBC of spherical Gaussians in all dimensions.

    The variance of a class is the mean over the dimensions, 1e-4 at least (the authors' code puts the bound on each
    dimension, before the mean; only features of almost no variance differ). In many dimensions the coefficients
    become so small that they reflect the dimension more than the classes: compare models of one dimension.

    Cost: O(K^2 d).
    """
    d = statistics.full_dimension
    counts = statistics.counts[statistics.counts > 0]
    variances = np.maximum(statistics.class_spread / counts / d, LEAST_VARIANCE)
    centres = statistics.class_centres
    norms = (centres * centres).sum(axis=1)
    gaps = np.maximum(norms[:, None] + norms - 2.0 * centres @ centres.T, 0.0)
    mean = 0.5 * (variances[:, None] + variances)
    # d log of means over geometric means, as log1p of their difference, which stays precise for similar variances.
    roots = np.sqrt(variances)
    excess = (roots[:, None] - roots) ** 2 / (2.0 * roots[:, None] * roots)
    distance = gaps / mean / 8.0 + 0.5 * d * np.log1p(excess)
    coefficients = np.exp(-distance)
    np.fill_diagonal(coefficients, 0.0)
    return -float(coefficients.sum())
