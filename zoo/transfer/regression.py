"""Logistic regression on standardised features, by scikit-learn, for every probe of classes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


def standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and scale, d each, of features, n x d: ``(features - centre) / scale`` has mean 0 and variance 1.

    The scale of a constant dimension is infinite, so that it becomes 0 in all features.
    """
    centre, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    return centre, np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(centre)), deviation, np.inf)


def logistic_regression(
    features: np.ndarray,
    targets: np.ndarray,
    strength: float,
    iterations: int,
    weights: Mapping[int, float] | None = None,
) -> LogisticRegression:
    """A multinomial logistic regression with squared penalty; weak penalties may stop before they converge.

    Args:
        features: n x d, standardised.
        targets: n class indices, of at least two classes.
        strength: the inverse penalty, ``C`` of scikit-learn: what the summed log loss is multiplied by.
        iterations: maximum number of iterations of L-BFGS.
        weights: of the classes; 1 each if it is None.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, class_weight=weights, max_iter=iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, targets)
