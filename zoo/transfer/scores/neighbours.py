"""Leave-one-out k-nearest-neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.contract.estimator import Measured
from zoo.transfer.intervals import mean_of_samples, proportion

NEIGHBOURS = 5
_BLOCK_VALUES = 1 << 22


def neighbours(features: np.ndarray, targets: np.ndarray) -> float:
    """Leave-one-out accuracy (classes, 0 to 1) or R^2 (numbers and labels, at most 1) of 5 nearest neighbours."""
    return measure_neighbours(features, targets, 0).value


def measure_neighbours(
    features: np.ndarray, targets: np.ndarray, seed: int, groups: np.ndarray | None = None
) -> Measured:
    """The same with its interval over the samples, or the groups: that of a proportion for an accuracy, else value -/+
    t * standard error.

    Euclidean distances; majority vote among the 5 nearest, with ties broken by distance; numbers are predicted by the
    mean. Neighbours as a measure of transferability: Renggli et al., "Which Model to Transfer? Finding the Needle in
    the Growing Haystack", CVPR 2022; Bolya et al. (PARC), NeurIPS 2021, leave one out as here, with one neighbour; five
    are more stable. Samples of one group are not each other's neighbours.

    Cost: O(n^2 d) time, O(n) memory. ``seed`` is not used: nothing is drawn.
    """
    rows = np.asarray(features, np.float64)
    rows = rows - rows.mean(axis=0)
    outputs = targets if targets.dtype.kind == "i" else targets.reshape(len(targets), -1)
    gains = np.empty(len(rows))
    for start, nearest, distance in _nearest(rows, groups):
        block = slice(start, start + len(nearest))
        if targets.dtype.kind == "i":
            gains[block] = _vote(targets[nearest], distance, int(targets.max()) + 1) == targets[block]
        else:
            weight = np.isfinite(distance) / np.isfinite(distance).sum(axis=1, keepdims=True)
            predicted = (outputs[nearest] * weight[:, :, None]).sum(axis=1)
            gains[block] = 1.0 - ((predicted - outputs[block]) ** 2 / outputs.var(axis=0)).mean(axis=1)
    return proportion(gains, groups) if targets.dtype.kind == "i" else mean_of_samples(gains, 1.0, groups)


def _nearest(rows: np.ndarray, groups: np.ndarray | None) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield (first sample of the block, indices of its neighbours, their squared distances; infinite for none)."""
    n = len(rows)
    k = min(NEIGHBOURS, n - 1)
    norms = np.einsum("ij,ij->i", rows, rows)
    size = max(_BLOCK_VALUES // n, 1)
    for start in range(0, n, size):
        block = np.arange(start, min(start + size, n))
        distance = norms - 2.0 * rows[block] @ rows.T
        distance += norms[block, None]
        np.maximum(distance, 0.0, out=distance)
        if groups is None:
            distance[np.arange(len(block)), block] = np.inf
        else:
            distance[groups[block, None] == groups] = np.inf
        nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
        yield start, nearest, np.take_along_axis(distance, nearest, axis=1)


def _vote(labels: np.ndarray, distance: np.ndarray, classes: int) -> np.ndarray:
    counted = np.isfinite(distance)
    # Less than half a vote for distance, so that it only breaks ties.
    near = np.where(counted, distance, 0.0)
    total = near.sum(axis=1, keepdims=True)
    share = np.divide(near, total, out=np.zeros_like(near), where=total > 0)
    votes = np.zeros((len(labels), classes))
    np.add.at(votes, (np.arange(len(labels))[:, None], labels), counted * (1.0 - 0.4 * share))
    return votes.argmax(axis=1)
