"""Out-of-fold probabilities: each sample's classes by a linear probe that was fitted without it and its copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zoo.errors import needs_extra
from zoo.transfer.intervals import assign_groups
from zoo.transfer.regression import logistic_regression, standardisation

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
"""Candidate penalties, each times the number of training samples, on standardised features; wrong labels are memorised
without any."""

_ITERATIONS = 300
_SMALLEST = 1e-12


class OutOfFold(NamedTuple):
    """Probabilities of the classes, n x k, whose rows add up to 1; and the penalty that was chosen."""

    values: np.ndarray
    penalty: float


def out_of_fold(
    features: np.ndarray, targets: np.ndarray, units: np.ndarray, *, folds: int, seed: int, progress: Progress
) -> OutOfFold:
    """Probabilities by logistic regression, cross-validated; samples of one unit are in one fold.

    Folds are stratified by class and drawn from ``seed``. The first fold chooses the penalty with the lowest log loss.

    Args:
        features: n x d.
        targets: n class indices from 0 to k - 1; each class has samples in at least two units.
        units: n numbers, equal for copies and samples of one group.
        folds: at most the number of units.
    """
    fold_of = assign_groups(targets, folds, seed, units)
    values = np.zeros((len(targets), int(targets.max()) + 1))
    first = fold_of == 0
    with progress.step("Cross-validating a linear probe", len(PENALTIES) + folds - 1) as step:
        best: tuple[float, float, np.ndarray] | None = None
        for penalty in PENALTIES:
            found = _held_out(features, targets, first, penalty, values.shape[1])
            loss = -float(np.log(np.maximum(found[np.arange(len(found)), targets[first]], _SMALLEST)).mean())
            best = min(best or (np.inf, 0.0, found), (loss, penalty, found), key=lambda one: one[0])
            step.advance()
        assert best is not None
        values[first] = best[2]
        for fold in range(1, folds):
            values[fold_of == fold] = _held_out(features, targets, fold_of == fold, best[1], values.shape[1])
            step.advance()
    return OutOfFold(values, best[1])


def _held_out(
    features: np.ndarray, targets: np.ndarray, held_out: np.ndarray, penalty: float, classes: int
) -> np.ndarray:
    """Probabilities, m x k, for the samples that ``held_out`` (n booleans) marks; fitted to the others."""
    train, known = features[~held_out], targets[~held_out]
    values = np.zeros((int(held_out.sum()), classes))
    present = np.unique(known)
    if len(present) == 1:
        values[:, present[0]] = 1.0
        return values
    centre, scale = standardisation(train)
    with needs_extra("data", "find label errors"):
        model = logistic_regression((train - centre) / scale, known, 1 / (penalty * len(train)), _ITERATIONS)
    values[:, model.classes_] = model.predict_proba((features[held_out] - centre) / scale)
    return values
