"""Samples that are far from all others, by the distance to their nearest neighbours."""

from __future__ import annotations

import numpy as np

from zoo.errors import needs_extra

NEIGHBOURS = 10
FENCE = 3.0
"""Interquartile ranges above the third quartile, of the logarithm of the distances: far out by Tukey, "Exploratory
Data Analysis" (1977)."""

MOST = 50_000
"""Maximum number of samples that are compared, each with each."""

_CHUNK = 2048


def distances(features: np.ndarray, units: np.ndarray) -> np.ndarray | None:
    """Mean Euclidean distance of each sample to its nearest neighbours on standardised features, n, over its median.

    None for too many samples, or too few. The weight of Angiulli and Pizzuti, "Fast outlier detection in high
    dimensional spaces" (2002), over the number of neighbours. Copies count once, so that a repeated outlier does not
    hide itself.

    Args:
        features: n x d, finite.
        units: n numbers, equal for copies.
    """
    with needs_extra("data", "find outliers"):
        from sklearn.neighbors import NearestNeighbors
    _, first, of = np.unique(units, return_index=True, return_inverse=True)
    if len(first) > MOST or len(first) < NEIGHBOURS + 2:
        return None
    rows = features[first]
    deviation = rows.std(axis=0)
    rows = ((rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf)).astype(np.float32)
    finder = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(rows)
    found = [finder.kneighbors(rows[at : at + _CHUNK])[0] for at in range(0, len(rows), _CHUNK)]
    mean = np.concatenate(found)[:, 1:].mean(axis=1)
    middle = float(np.median(mean))
    return np.asarray((mean / middle if middle > 0 else mean)[of.reshape(-1)], dtype=np.float64)


def far_out(values: np.ndarray) -> np.ndarray:
    """Positions of the values beyond the upper fence, the largest first."""
    logs = np.log(np.maximum(values, np.finfo(float).tiny))
    low, high = np.quantile(logs, (0.25, 0.75))
    beyond = np.flatnonzero(logs > high + FENCE * max(high - low, 1e-9))
    return np.asarray(beyond[np.argsort(-values[beyond], kind="stable")])
