"""Cross-validated logistic regression on frozen features: the linear evaluation of representation learning."""

from __future__ import annotations

import numpy as np

from zoo.contract.estimator import Measured
from zoo.errors import needs_extra
from zoo.transfer.intervals import assign_groups, proportion, strata
from zoo.transfer.regression import logistic_regression, standardisation

FOLDS = 5
ITERATIONS = 200


def logistic_probe(features: np.ndarray, targets: np.ndarray) -> float:
    """Mean accuracy over 5 folds, 0 to 1; for several labels the accuracy over samples and labels."""
    return measure_logistic(features, targets, 0).value


def measure_logistic(
    features: np.ndarray, targets: np.ndarray, seed: int, groups: np.ndarray | None = None
) -> Measured:
    """The same, with the interval of a proportion of the samples (or groups); folds never split a group.

    Multinomial logistic regression on features standardised on the training part, weights penalised by |w|^2 / 2 added
    to the summed log loss (C = 1), at most 200 iterations of L-BFGS. Several labels are one regression each. As a
    measure of transfer: Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?", CVPR 2019.

    Cost: O(n d K) per iteration, five fits.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    folds = min(FOLDS, len(features) if groups is None else int(groups.max()) + 1)
    fold_of = assign_groups(strata(targets), folds, seed, groups)
    right, values = np.empty(len(features)), []
    for fold in range(folds):
        train, test = fold_of != fold, fold_of == fold
        centre, scale = standardisation(features[train])
        inputs, held_out = (features[train] - centre) / scale, (features[test] - centre) / scale
        columns = [targets] if targets.ndim == 1 else [column.astype(int) for column in targets.T]
        right[test] = np.mean([_predict(inputs, c[train], held_out) == c[test] for c in columns], axis=0)
        values.append(float(right[test].mean()))
    return proportion(right, groups, float(np.mean(values)))


def _predict(inputs: np.ndarray, targets: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    if targets.min() == targets.max():
        return np.full(len(held_out), targets[0])
    with needs_extra("data", "fit the logistic probe"):
        return np.asarray(logistic_regression(inputs, targets, 1.0, ITERATIONS).predict(held_out))
