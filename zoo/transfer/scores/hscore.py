"""Shrinkage H-score: how far the class means are apart, relative to a well-conditioned covariance of the features.

Ibrahim, Ponomareva and Mazumder, "Newer is not always better: Rethinking Transferability Metrics, Their Peculiarities,
Stability and Performance", ECML-PKDD 2022, the section on the shrinkage-based H-score: H = tr(C_a^-1 (1 - a) B) with
the shrunk covariance C_a = (1 - a) C + a m I. The H-score itself: Bao et al., ICIP 2019. The shrinkage a = b^2 / d^2:
Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
Analysis 88 (2004), section 3.2 (there m, d^2, b^2 of lemmas 3.2 to 3.4).
"""

from __future__ import annotations

import numpy as np

from zoo.contract.estimator import Statistics
from zoo.errors import InvalidInput


def hscore(statistics: Statistics) -> float:
    """Shrinkage H-score, dimensionless, from 0 to about K - 1; higher is better. Classes only.

    C divides by n, B, the covariance of the class means, by n - 1, as the authors' code does.

    Cost: one eigendecomposition O(d^3), shared with LogME, then O(d^2 K). One pass over the features suffices, because
    b^2 needs only the sum of ||x - mean||^4, which is streamed.

    Raises:
        InvalidInput: the targets are numbers.
    """
    if statistics.classes is None:
        raise InvalidInput("The H-score is defined for classes, not for numbers.", "Use logme or linear-probe.")
    n, d = statistics.n, statistics.full_dimension
    s, vectors = statistics.spectrum
    if not len(s):
        return 0.0  # Features without variance separate nothing.
    variances = s / n
    shrinkage, mean_variance = ledoit_wolf(variances, statistics.fourth_moment / n, n, d)
    counts = statistics.counts[statistics.counts > 0]
    projected = statistics.responses.cross @ vectors
    between = (projected**2 / counts[:, None]).sum(axis=0) / (n - 1)
    return float(((1 - shrinkage) * between / ((1 - shrinkage) * variances + shrinkage * mean_variance)).sum())


def ledoit_wolf(variances: np.ndarray, fourth_moment: float, n: int, dimension: int) -> tuple[float, float]:
    """Shrinkage intensity in [0, 1] and the mean variance that the covariance is shrunk to.

    Args:
        variances: eigenvalues of the covariance (divided by n) that are not zero.
        fourth_moment: mean of ||x - mean||^4.
        n: samples.
        dimension: d, zero eigenvalues included.
    """
    mean_variance = float(variances.sum()) / dimension
    squares = float(variances @ variances)
    # Relative to mean_variance^2, so that neither huge nor tiny scales leave the range of float64.
    scale = mean_variance * mean_variance
    dispersion = squares / scale / dimension - 1.0
    error = (fourth_moment / scale - squares / scale) / (dimension * n)
    if error <= 0.0:
        return 0.0, mean_variance
    return (min(error / dispersion, 1.0) if dispersion > 0.0 else 1.0), mean_variance
