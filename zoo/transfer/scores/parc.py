"""PARC: whether samples with similar labels have similar features.

Bolya, Mittapalli and Hoffman, "Scalable Diverse Model Selection for Accessible Transfer Learning", NeurIPS 2021,
section 4.
"""

from __future__ import annotations

import numpy as np

from zoo.transfer.intervals import subsample
from zoo.transfer.scores.principal import principal_components

COMPONENTS = 32
SAMPLES = 2000


def parc(features: np.ndarray, targets: np.ndarray) -> float:
    """Spearman's correlation of the samples' distances in features and in labels, -100 to 100, chance 0.

    Features are reduced to 32 principal components, each scaled to unit variance; a distance is 1 minus Pearson's
    correlation of two samples. Labels are indicators of the classes, or several labels per sample (one with all or no
    labels correlates with none). All pairs are used, so more than 2,000 samples are subsampled to 2,000, evenly by
    class, with a fixed seed; the paper uses 500. The authors' code draws its principal components at random; here they
    are exact.

    Cost: O(n d^2 + d^3), then O(m^2 log m) time and O(m^2) memory for m = min(n, 2000) samples.
    """
    rows = subsample(targets, SAMPLES)
    features, targets = features[rows], targets[rows]
    reduced = principal_components(features, COMPONENTS)
    deviation = reduced.std(axis=0)
    reduced = reduced / np.where(deviation > 0, deviation, 1.0)
    labels = np.eye(int(targets.max()) + 1)[targets] if targets.ndim == 1 else targets
    pairs = np.triu_indices(len(reduced), 1)
    return 100.0 * _correlation(_ranks(_distances(reduced)[pairs]), _ranks(_distances(labels)[pairs]))


def _distances(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((centred * centred).sum(axis=1, keepdims=True))
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    # Distances that differ by rounding alone are ties.
    return np.round(1.0 - unit @ unit.T, 12)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - 0.5 * (counts + 1))[place.reshape(-1)]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0
