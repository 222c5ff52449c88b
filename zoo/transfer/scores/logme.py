"""LogME: the logarithm of the maximum evidence of a Bayesian linear model on frozen features.

You, Liu, Wang and Long, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021: evidence,
equation 2 and its closed form in section 4.2; its maximum by the fixed-point iteration of You et al., "Ranking and
Tuning Pre-trained Models", JMLR 2022, which the authors publish.
"""

from __future__ import annotations

import numpy as np

from zoo.contract.estimator import Statistics

ITERATIONS = 11
TOLERANCE = 1e-3
EPSILON = 1e-5
SMALLEST_RATIO = 1e-140
"""Lower limit of alpha / beta, for features that are all zero; its square is still representable."""


def logme(statistics: Statistics) -> float:
    """LogME in nats per sample, averaged over the classes that occur (or the one number target); higher is better.

    Each class, as an indicator 0/1, starts on its own from alpha = beta = 1 and iterates at most 11 times, until alpha
    / beta changes by 0.1 % or less. The prior is over all d dimensions, those without variance included, as in the
    paper: they add nothing to the evidence, so padding or duplicating a constant feature changes nothing.

    Cost: one eigendecomposition O(d^3), then O(d^2 K).

    The eigendecomposition is that of the centred scatter S = V diag(s) V', and the mean comes back as a rank-one term:
    X'X = S + n mu mu'. With nu = V'mu and r = 1 / (s + t), t = alpha / beta, Sherman-Morrison gives inverse, trace and
    determinant of X'X + t I in closed form. So features far from zero lose no precision, and the decomposition is
    shared with estimators that centre.
    """
    n = statistics.n
    mean, squares, cross = statistics.responses
    s, vectors = statistics.spectrum
    b = cross @ vectors
    nu = statistics.mean @ vectors
    # Squared length of the mean's part in which the features do not vary.
    flat = statistics.mean - vectors @ nu
    nu_flat = float(flat @ flat)
    unexplained = np.maximum(squares - (b * b / s).sum(axis=1), 0.0)
    evidence = np.empty(len(mean))
    t = np.ones(len(mean))
    active = np.arange(len(mean))
    for _ in range(ITERATIONS):
        bk, tk = b[active], t[active, None]
        r = 1.0 / (s + tk)
        q = r @ (nu * nu) + nu_flat / tk[:, 0]
        kappa = n * (mean[active] - (r * bk) @ nu) / (1.0 + n * q)
        m = r * (bk + kappa[:, None] * nu)
        m2 = (m * m).sum(axis=1) + (kappa / tk[:, 0]) ** 2 * nu_flat
        fitted_mean = m @ nu + kappa / tk[:, 0] * nu_flat
        residual = r * (s * kappa[:, None] * nu - tk * bk)
        res2 = (residual * residual / s).sum(axis=1) + unexplained[active] + n * (mean[active] - fitted_mean) ** 2
        # n - gamma, as a sum of terms >= 0, which stays precise when d >= n.
        left = n - 1 - len(s) + tk[:, 0] * r.sum(axis=1) + (1.0 + n * (r * r) @ (nu * nu * s)) / (1.0 + n * q)
        alpha = (n - left) / (m2 + EPSILON)
        beta = left / (res2 + EPSILON)
        new = np.maximum(alpha / beta, SMALLEST_RATIO)
        evidence[active] = (
            0.5
            * (n * np.log(beta / (2 * np.pi)) - _log_determinant(s, nu, nu_flat, n, new) - beta * res2 - alpha * m2)
            / n
        )
        moved = np.abs(new - tk[:, 0]) > TOLERANCE * tk[:, 0]
        t[active] = new
        active = active[moved]
        if not len(active):
            break
    return float(evidence.mean())


def _log_determinant(s: np.ndarray, nu: np.ndarray, nu_flat: float, n: int, t: np.ndarray) -> np.ndarray:
    """log det(I + X'X / t) for each t."""
    q = (1.0 / (s + t[:, None])) @ (nu * nu) + nu_flat / t
    return np.log1p(s / t[:, None]).sum(axis=1) + np.log1p(n * q)
