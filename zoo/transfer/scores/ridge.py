"""Ridge regression with exact cross-validation, for a whole path of penalties, from the folds' statistics only.

Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12 (1970), equation
2.3. Statistics add up, so the training statistics of a fold are the whole's minus the fold's own; and the squared error
on the fold is a quadratic form of the weights in the fold's statistics. Each sample is read once. Classes are
regressed as indicators: least-squares classification.
"""

from __future__ import annotations

import numpy as np

from zoo.contract.estimator import Statistics

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-16, 7))
"""Penalties of the path, as multiples of the training samples' mean variance along a dimension."""


def explained(training: Statistics, held_out: Statistics) -> np.ndarray:
    """R^2 on the samples held out of a ridge regression of the others, for each of ``PENALTIES``; at most 1.

    1 - (squared error) / (squared error of the training mean). For classes both are summed over the indicators, a Brier
    skill score of least-squares classification; for several numbers or labels per sample, R^2 is averaged over those
    that vary among the held-out samples.

    In the eigenvectors V of the training scatter, with eigenvalues s and cross products b, the weights at penalty p are
    b / (s + p). Their squared error is y'y - 2 r'c + r'(G o M) r with r = 1 / (s + p), c the products of b with the
    held-out cross products, G = b'b and M the held-out scatter in V: O(d^2) for each penalty.

    Cost: O(d^3 + d^2 K + d^2 penalties); the eigendecomposition is shared with every estimator on these statistics.
    """
    s, vectors = training.spectrum
    mean = training.target_mean
    held = held_out.about(training.mean, mean)
    if training.classes:
        scale = np.full(len(mean), max(float(held.squares.sum()), np.finfo(float).tiny))
    else:
        varying = held_out.about(held_out.mean, held_out.target_mean).squares > 0
        if not varying.any():
            return np.zeros(len(PENALTIES))
        scale = np.where(varying, held.squares * varying.sum(), np.inf)
    cross = training.cross @ vectors
    weighted = cross / scale[:, None]
    linear = (weighted * (held.cross @ vectors)).sum(axis=0)
    quadratic = (weighted.T @ cross) * (vectors.T @ held.scatter @ vectors)
    total = float((held.squares / scale).sum())
    penalty = np.array(PENALTIES)[:, None] * training.scatter.trace() / training.full_dimension
    r = 1.0 / (s + penalty)
    error = total - 2.0 * r @ linear + ((r @ quadratic) * r).sum(axis=1)
    return 1.0 - error
