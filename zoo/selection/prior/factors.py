"""Factor analysis of a table with gaps: a few latent abilities of the models that explain all scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE_PRIOR = (0.1, 5.0)
"""Prior mean of a data set's noise variance, and its weight as a number of models."""

LEAST_NOISE = 0.01


@dataclass(frozen=True)
class Factors:
    """``scores[m, t] = abilities[m] . loadings[t] + offsets[t] + noise``.

    Attributes:
        abilities: n x r, posterior means; the prior of each is a standard normal.
        uncertainty: n x r x r, posterior covariances.
        loadings: d x r.
        offsets: d.
        noise: d, variances.
    """

    abilities: np.ndarray
    uncertainty: np.ndarray
    loadings: np.ndarray
    offsets: np.ndarray
    noise: np.ndarray

    def expected(self) -> np.ndarray:
        """The table without gaps: n x d."""
        return self.abilities @ self.loadings.T + self.offsets


def factorise(scores: np.ndarray, rank: int, iterations: int = 12, ridge: float = 1.0) -> Factors:
    """Maximum a-posteriori factor analysis by expectation maximisation over the known cells.

    As in Rubin and Thayer (Psychometrika 1982) with missing entries left out of both steps: running on few or easy data
    sets gives a model no advantage or disadvantage.

    Args:
        scores: n models x d data sets, of about unit variance, NaN where unknown; every column has a value.
        rank: number of abilities r.
        iterations: of expectation maximisation.
        ridge: precision of the normal prior on the loadings.
    """
    known = ~np.isnan(scores)
    weight = known.astype(float)
    table = np.where(known, scores, 0.0)
    n, d = table.shape
    count = weight.sum(axis=0)
    loadings = np.random.default_rng(0).normal(size=(d, rank)) * 0.1
    loadings[:, 0] = 1.0
    offsets = table.sum(axis=0) / np.maximum(count, 1.0)
    noise = np.full(d, 0.5)
    penalty = np.eye(rank + 1) * ridge
    penalty[rank, rank] = 1e-3
    squares = (table**2).sum(axis=0)
    for _ in range(iterations):
        abilities, uncertainty = _abilities(table, weight, loadings, offsets, noise)
        second = np.zeros((n, rank + 1, rank + 1))
        second[:, :rank, :rank] = abilities[:, :, None] * abilities[:, None, :] + uncertainty
        second[:, :rank, rank] = second[:, rank, :rank] = abilities
        second[:, rank, rank] = 1.0
        moments = (weight.T @ second.reshape(n, -1)).reshape(d, rank + 1, rank + 1)
        products = table.T @ np.column_stack([abilities, np.ones(n)])
        solution = np.linalg.solve(moments + penalty, products[:, :, None])[:, :, 0]
        fitted = ((moments @ solution[:, :, None])[:, :, 0] * solution).sum(axis=1)
        remaining = squares - 2.0 * (solution * products).sum(axis=1) + fitted
        guess, worth = NOISE_PRIOR
        noise = np.maximum((remaining + guess * worth) / (count + worth), LEAST_NOISE)
        loadings, offsets = solution[:, :rank], solution[:, rank]
    abilities, uncertainty = _abilities(table, weight, loadings, offsets, noise)
    return Factors(abilities, uncertainty, loadings, offsets, noise)


def _abilities(
    table: np.ndarray, weight: np.ndarray, loadings: np.ndarray, offsets: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    d, rank = loadings.shape
    outer = (loadings[:, :, None] * loadings[:, None, :]).reshape(d, rank * rank)
    precision = (weight / noise) @ outer
    uncertainty = np.linalg.inv(precision.reshape(-1, rank, rank) + np.eye(rank))
    projected = ((table - offsets * weight) / noise) @ loadings
    return (uncertainty @ projected[:, :, None])[:, :, 0], uncertainty
