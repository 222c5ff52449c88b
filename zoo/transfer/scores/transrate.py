"""TransRate: nats needed to code the features, minus those needed when the classes are known.

Huang, Huang, Rong, Yang and Wei, "Frustratingly Easy Transferability Estimation", ICML 2022, section 4.
"""

from __future__ import annotations

import numpy as np

PRECISION = 1e4


def transrate(features: np.ndarray, targets: np.ndarray) -> float:
    """TransRate in nats, about 0 or more; classes only.

    R(Z) - sum_c n_c / n R(Z_c) with the coding rate R(Z) = log det(I + 1e4 Z'Z / n) / 2 of features centred as a
    whole. The constant is that of the authors' code (1 / 1e-4, in place of d / epsilon^2). Its average over classes is
    unweighted; zoo weights by n_c / n as in the paper, which is the same for balanced classes.

    The classes' own scatters are K d^2 numbers, so statistics, which hold K d, do not suffice. A class of fewer
    samples than dimensions is measured by its inner products instead.

    Cost: O(n d min(d, max n_c) + K min(d, n_c)^3).
    """
    centred = features - features.mean(axis=0, dtype=np.float64)
    order = np.argsort(targets, kind="stable")
    counts = np.bincount(targets)
    parts = np.split(centred[order], np.cumsum(counts)[:-1])
    within = sum(len(part) * coding_rate(part) for part in parts)
    return coding_rate(centred) - within / len(features)


def coding_rate(centred: np.ndarray) -> float:
    """log det(I + 1e4 Z'Z / n) / 2 in nats, for n x d."""
    n, d = centred.shape
    product = centred.T @ centred if d <= n else centred @ centred.T
    product *= PRECISION / n
    product[np.diag_indices_from(product)] += 1.0
    return 0.5 * float(np.linalg.slogdet(product)[1])
