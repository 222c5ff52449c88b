"""Sets of labels: one logistic regression or one sigmoid output for each label, and a threshold for each."""

from __future__ import annotations

import numpy as np

BALANCED = 0.0
"""The threshold in log odds if none can be chosen: a probability of one half."""

PRIOR = 50
"""Number of samples with a label at which its own and all labels' samples decide equally on its threshold."""


OPTIONS = {"maxiter": 1000, "maxls": 50, "gtol": 1e-4, "ftol": 64 * float(np.finfo(np.float64).eps)}
"""Of L-BFGS, as in scikit-learn."""


def constant_bias(ones: int, count: int) -> float:
    """Log odds of a label that all or none of ``count`` training samples have, by Laplace's rule of succession."""
    return float(np.log(ones + 1) - np.log(count - ones + 1))


def best_threshold(values: np.ndarray, wanted: np.ndarray) -> float:
    """The threshold with the highest F1 of one label, halfway between two values; of several, the one nearest to 0.

    Args:
        values: n numbers; samples above the threshold get the label.
        wanted: n numbers 0 or 1, at least one is 1.
    """
    own = _Counts(values, wanted)
    return _threshold(own, own, 0.0)


def thresholds(decisions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each label the threshold with the highest F1 on these samples, halfway between two of their values.

    F1 of a label is computed for each cut of the ranked samples (Lipton, Elkan and Naryanaswamy, "Optimal thresholding
    of classifiers to maximize F1 measure", ECML PKDD 2014), with counts from all labels together added that weigh as
    much as ``PRIOR`` samples with the label: the best cut of a rare label alone depends on single samples. If several
    cuts have the same F1, the one nearest to 0 is chosen.

    Args:
        decisions: n x K log odds.
        targets: n x K numbers 0 or 1.

    Returns:
        K thresholds in log odds; a label is predicted above its threshold. 0 if no label occurs.
    """
    ones = int(targets.sum())
    if not ones:
        return np.full(targets.shape[1], BALANCED)
    pooled = _Counts(decisions.ravel(), targets.ravel())
    share = PRIOR / ones
    return np.array([_threshold(_Counts(decisions[:, k], given), pooled, share) for k, given in enumerate(targets.T)])


class _Counts:
    """Samples of one label, or of all, ranked by their log odds, to count those above a threshold."""

    def __init__(self, decisions: np.ndarray, targets: np.ndarray) -> None:
        order = np.argsort(decisions, kind="stable")
        self.values = decisions[order]
        self._hits = np.append(np.cumsum(targets[order][::-1])[::-1], 0)
        self.ones = int(targets.sum())

    def cuts(self) -> np.ndarray:
        """A threshold below all values, one between each two, and one above all; 0 if it lies between two."""
        distinct = np.unique(self.values)
        lower, upper = np.append(distinct[0] - 1.0, distinct), np.append(distinct, distinct[-1] + 1.0)
        return np.where((lower <= BALANCED) & (upper > BALANCED), BALANCED, (lower + upper) / 2)

    def above(self, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each cut, the number of samples above it that have the label, and of all samples above it."""
        first = np.searchsorted(self.values, cuts, side="right")
        return self._hits[first], len(self.values) - first


def _threshold(own: _Counts, pooled: _Counts, share: float) -> float:
    cuts = own.cuts()
    hits, found = (mine + share * every for mine, every in zip(own.above(cuts), pooled.above(cuts), strict=True))
    f1 = 2 * hits / (found + own.ones + share * pooled.ones)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(cuts[best[np.abs(cuts[best]).argmin()]])


def probabilities(decisions: np.ndarray) -> np.ndarray:
    """The logistic function of log odds, without overflow."""
    return np.asarray(np.where(decisions >= 0, 1.0, np.exp(-np.abs(decisions))) / (1.0 + np.exp(-np.abs(decisions))))


def fit(standardised: np.ndarray, targets: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights K x d and biases K of a logistic regression for each label, on standardised features.

    All labels are fitted at once by L-BFGS, to the objective and tolerance of scikit-learn's ``LogisticRegression``:
    matrix products over 100 labels take about a fifth of the time of 100 regressions.

    Args:
        targets: n x K numbers 0 or 1.
        strength: the inverse penalty, ``C`` of scikit-learn.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    count, width = standardised.shape
    varying = targets.min(axis=0) < targets.max(axis=0)
    known = targets[:, varying].astype(np.float64)
    penalty = 1 / (strength * count)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean log loss with the penalty, summed over the labels, and its gradient."""
        weights = flat.reshape(-1, width + 1)
        decisions = standardised @ weights[:, :-1].T + weights[:, -1]
        loss = float((np.logaddexp(0.0, decisions) - known * decisions).sum()) / count
        errors = (expit(decisions) - known) / count
        gradient = np.column_stack([errors.T @ standardised + penalty * weights[:, :-1], errors.sum(axis=0)])
        return loss + 0.5 * penalty * float((weights[:, :-1] ** 2).sum()), gradient.ravel()

    weight, bias = np.zeros((targets.shape[1], width)), np.zeros(targets.shape[1])
    for label in np.flatnonzero(~varying):
        bias[label] = constant_bias(int(targets[:, label].sum()), count)
    if varying.any():
        start = np.zeros(int(varying.sum()) * (width + 1))
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options=OPTIONS).x.reshape(-1, width + 1)
        weight[varying], bias[varying] = found[:, :-1], found[:, -1]
    return weight, bias
