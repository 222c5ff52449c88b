"""Agreement of a predicted order with the true one, and the regret of following it."""

from __future__ import annotations

import math

import numpy as np


def weighted_tau(first: np.ndarray, second: np.ndarray) -> float:
    """Weighted Kendall tau with additive hyperbolic weights, as ``scipy.stats.weightedtau`` computes it.

    Vigna (WWW 2015, "A weighted correlation index for rankings with ties"): a pair weighs ``1/(1+r) + 1/(1+s)`` with
    r and s the ranks from the top; the ranks of both orders are used in turn and the two results averaged. Pairs
    tied in one order are ignored, as in Kendall's tau-b. NaN if all values of one order are equal.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    signs = np.sign(first[:, None] - first[None, :]), np.sign(second[:, None] - second[None, :])
    found = []
    for leading, other in ((first, second), (second, first)):
        rank = np.empty(len(leading))
        rank[np.lexsort((other, leading))[::-1]] = np.arange(len(leading))
        weight = 1.0 / (1.0 + rank)
        pair = weight[:, None] + weight[None, :]
        np.fill_diagonal(pair, 0.0)
        lengths = (pair * (signs[0] != 0)).sum() * (pair * (signs[1] != 0)).sum()
        if lengths <= 0.0:
            return math.nan
        found.append(float((pair * signs[0] * signs[1]).sum() / math.sqrt(lengths)))
    return float(np.mean(found))


def pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation; NaN if one side is constant."""
    if len(first) < 2 or np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def regret(predicted: np.ndarray, true: np.ndarray, chosen: int = 1) -> float:
    """The best true score minus the best among the ``chosen`` that are predicted highest; ties in the given order."""
    first = np.argsort(-np.asarray(predicted), kind="stable")[:chosen]
    return float(np.max(true) - np.max(np.asarray(true)[first]))
