"""Principal components: the directions in which features vary most."""

from __future__ import annotations

import numpy as np

from zoo.transfer.measure import compact


def principal_components(features: np.ndarray, components: int | None = None, share: float | None = None) -> np.ndarray:
    """Centred features in the first principal components, n x r, float64.

    The sign of each makes its largest absolute loading positive, as in scikit-learn.

    Args:
        features: n x d.
        components: maximum r, never more than the directions with variance.
        share: the smallest r whose components explain more than this share of the variance.

    Cost: O(min(n, d)^2 max(n, d)).
    """
    wide = features - features.mean(axis=0, dtype=np.float64)
    centred = compact(wide)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = max(int((values > np.finfo(float).eps * len(values) * max(values[0], 0.0)).sum()), 1)
    if share is not None:
        held = np.cumsum(values[:rank]) / max(values[:rank].sum(), np.finfo(float).tiny)
        rank = min(rank, int(np.searchsorted(held, share, side="right")) + 1)
    if components is not None:
        rank = min(rank, components)
    scores = centred @ vectors[:, :rank]
    loadings = wide.T @ scores
    return scores * np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(rank)])
