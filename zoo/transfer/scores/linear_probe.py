"""Cross-validated linear probe: accuracy or R^2 of a linear model on frozen features, on held-out samples.

Ridge regression on standardised features, closed form; classes are regressed as indicators and the largest output wins.
The penalty is chosen on the training part of each fold only, so the held-out fold stays unseen: by leave-one-out error
(Allen, "The relationship between variable selection and data augmentation and a method for prediction", Technometrics
16 (1974)), and with many samples, where the two are similar, by its average form, generalised cross-validation
(Golub, Heath and Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter", Technometrics
21 (1979), equation 1.4). With about as many samples as dimensions the average form fails on near-duplicate samples,
such as images of one series: once all are memorised its error falls to 0, although other samples are predicted wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from zoo.contract.estimator import UNBOUNDED
from zoo.errors import InvalidInput
from zoo.transfer.checks import check_groups, check_pair
from zoo.transfer.intervals import assign_groups, mean_of_folds, proportion, strata
from zoo.transfer.statistics import Statistics

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-10, 7))
"""The penalties, as multiples of the number of training samples: on standardised features, 1 halves the weight of a
direction of average variance."""

MANY = 4
"""Minimum number of training samples per dimension for the average form."""


@dataclass(frozen=True)
class ProbeResult:
    """The result of a linear probe.

    Attributes:
        mean: mean over the folds of accuracy (classes, 0 to 1) or R^2 (numbers, at most 1).
        values: the same for each fold.
        penalty: median of the penalties that the folds chose, in units of the number of training samples.
        contributions: n numbers, one per sample in the order of the features, whose mean is ``mean``: whether it was
            predicted correctly in the fold that held it out, or 1 - squared error / variance of all targets, times the
            weight that brings folds of different size to the same weight.
        interval: the 95 % interval of the mean. For an accuracy, that of a proportion of the samples; for an R^2, mean
            -/+ t * standard error over the folds, cut at 1.
    """

    mean: float
    values: tuple[float, ...]
    penalty: float
    contributions: tuple[float, ...] = field(default=(), repr=False)
    interval: tuple[float, float] = UNBOUNDED


class _Ridge(NamedTuple):
    """A fitted ridge regression: outputs = (x - centre) @ weights + intercept."""

    centre: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray
    penalty: float


def linear_probe(features: Any, targets: Any, folds: int = 5, seed: int = 0, groups: Any = None) -> ProbeResult:
    """Cross-validated accuracy (class indices) or R^2 (numbers; labels, each a number 0 or 1) of a ridge probe.

    Folds are stratified by class and drawn from ``seed``. Each fold's training statistics are the whole's minus the
    fold's own, so the features are summed once. R^2 is 1 - (mean squared error in the fold) / (variance of all
    targets): the same denominator in each fold keeps small folds from dominating. Several outputs share one penalty;
    each is scaled to unit variance, and their R^2 are averaged.

    Args:
        features: n x d.
        targets: n class indices, n or n x r floats, or n x r integers 0 or 1.
        folds: k, lowered to n where there are fewer samples (or groups).
        seed: of the folds.
        groups: which samples no fold may separate, n; None if all are independent.

    Cost: O(n d^2 + k d^3); where n < d, O(k n^2 d) instead.

    Raises:
        InvalidInput: see ``zoo.transfer.score``; or fewer than 2 folds.
    """
    features, targets, kind = check_pair(features, targets)
    if folds < 2:
        raise InvalidInput(f"Cross-validation needs at least 2 folds, not {folds}.")
    units = None if groups is None else check_groups(groups, len(features))
    folds = min(folds, len(features) if units is None else int(units.max()) + 1)
    fold_of = assign_groups(strata(targets), folds, seed, units)
    classes = int(targets.max()) + 1 if kind == "class" else None
    if not classes:
        targets = targets.reshape(len(targets), -1)
        targets = targets / targets.std(axis=0)
    values, penalties = [], []
    reached = np.empty(len(features))
    weight = np.empty(len(features))
    for fold, fit in enumerate(_fits(features, targets, classes, fold_of)):
        rows = np.flatnonzero(fold_of == fold)
        outputs = (features[rows] - fit.centre) @ fit.weights + fit.intercept
        if classes:
            reached[rows] = outputs.argmax(axis=1) == targets[rows]
        else:
            reached[rows] = 1.0 - ((outputs - targets[rows]) ** 2).mean(axis=1)
        values.append(float(reached[rows].mean()))
        weight[rows] = len(features) / (folds * len(rows))
        penalties.append(fit.penalty)
    mean = float(np.mean(values))
    found = proportion(reached, units, mean) if classes else mean_of_folds(values, 1.0)
    contributions = tuple((reached * weight).tolist())
    return ProbeResult(mean, tuple(values), float(np.median(penalties)), contributions, found.ends)


def _fits(features: np.ndarray, targets: np.ndarray, classes: int | None, fold_of: np.ndarray) -> Iterator[_Ridge]:
    """The ridge fitted to all folds but one, for each fold."""
    folds = range(int(fold_of.max()) + 1)
    n, d = features.shape
    if n < d:
        for fold in folds:
            rows = np.flatnonzero(fold_of != fold)
            yield _dual(features[rows], targets[rows], classes)
        return
    whole = Statistics(classes, d, outputs=1 if classes else targets.shape[1])
    parts = [whole.copy().update(features[fold_of == fold], targets[fold_of == fold]) for fold in folds]
    for part in parts:
        whole.merge(part)
    for fold, part in zip(folds, parts, strict=True):
        train = whole.without(part)
        if train.n < MANY * d:
            rows = np.flatnonzero(fold_of != fold)
            yield _primal(train, features[rows], targets[rows])
        else:
            yield _primal(train)


def _primal(train: Statistics, features: np.ndarray | None = None, targets: np.ndarray | None = None) -> _Ridge:
    """Ridge from statistics, by the eigenvectors of the features' correlation matrix, d x d.

    The penalty is chosen by leave-one-out on the samples themselves, if they are given.
    """
    scale = _scale(train.scatter.diagonal(), train.n, train.mean)
    values, vectors = np.linalg.eigh(train.scatter * scale * scale[:, None])
    kept = _above_rounding(values, train.n)
    values, vectors = values[kept], vectors[:, kept]
    responses = train.responses
    projected = (responses.cross * scale) @ vectors
    if features is None or targets is None:
        penalty = _penalty(values, (projected**2).sum(axis=0), float(responses.squares.sum()), train.n)
    else:
        outputs, _ = _centred(targets, train.classes)
        axes = (features - train.mean) @ (scale[:, None] * vectors / np.sqrt(values))
        penalty = _penalty_leaving_one_out(values, axes, outputs)
    weights = scale[:, None] * (vectors @ (projected / (values + penalty * train.n)).T)
    if train.classes is None:
        return _Ridge(train.mean, weights, responses.mean, penalty)
    # A class that only the held-out fold has gets output 0 throughout.
    present = train.counts > 0
    all_weights, intercept = np.zeros((train.dimension, train.classes)), np.zeros(train.classes)
    all_weights[:, present], intercept[present] = weights, responses.mean
    return _Ridge(train.mean, all_weights, intercept, penalty)


def _dual(features: np.ndarray, targets: np.ndarray, classes: int | None) -> _Ridge:
    """The same ridge for n < d, by the eigenvectors of the samples' inner products, n x n."""
    n = len(features)
    outputs, intercept = _centred(targets, classes)
    centre = features.mean(axis=0, dtype=np.float64)
    z = features - centre
    scale = _scale(np.einsum("ij,ij->j", z, z), n, centre)
    z *= scale
    values, vectors = np.linalg.eigh(z @ z.T)
    kept = _above_rounding(values, n)
    values, vectors = values[kept], vectors[:, kept]
    penalty = _penalty_leaving_one_out(values, vectors, outputs)
    weights = z.T @ (vectors @ (outputs.T @ vectors / (values + penalty * n)).T)
    return _Ridge(centre, scale[:, None] * weights, intercept, penalty)


def _centred(targets: np.ndarray, classes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Outputs to regress, n x r, minus their means; and the means. Classes become indicators."""
    outputs = np.eye(classes)[targets] if classes else targets
    intercept = outputs.mean(axis=0)
    return outputs - intercept, intercept


def _scale(squares: np.ndarray, n: int, mean: np.ndarray) -> np.ndarray:
    """1 / standard deviation of each feature; 0 for one that is constant up to rounding, which drops it."""
    deviation = np.sqrt(np.maximum(squares, 0.0) / n)
    constant = deviation <= 64 * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))


def _above_rounding(values: np.ndarray, n: int) -> np.ndarray:
    """Which of the ascending eigenvalues are more than rounding error; at most n - 1 of centred features are."""
    kept = values > np.finfo(np.float64).eps * len(values) * max(values[-1], 0.0)
    kept[: max(len(values) - (n - 1), 0)] = False
    return kept


def _penalty(values: np.ndarray, projected: np.ndarray, squares: float, n: int) -> float:
    """The one of PENALTIES with the lowest generalised cross-validation error, n RSS / (n - degrees of freedom)^2.

    Args:
        values: eigenvalues of the standardised scatter.
        projected: squared cross products of features and targets in its eigenvectors, summed over the outputs.
        squares: sum of squares of the centred targets.
        n: training samples.
    """
    penalty = np.array(PENALTIES)[:, None] * n
    explained = projected * (values + 2 * penalty) / (values + penalty) ** 2
    residual = np.maximum(squares - explained.sum(axis=1), 0.0)
    freedom = 1.0 + (values / (values + penalty)).sum(axis=1)
    error = residual / (n - freedom) ** 2
    return PENALTIES[int(error.argmin())]


def _penalty_leaving_one_out(values: np.ndarray, axes: np.ndarray, outputs: np.ndarray) -> float:
    """The one of PENALTIES with the lowest leave-one-out squared error.

    A sample's error is e / (1 - h): its residual e in the regression of all, and its leverage h.

    Args:
        values: r eigenvalues of the standardised scatter.
        axes: the samples in its eigenvectors, scaled to unit length, n x r.
        outputs: centred targets, n x k.

    Cost: O(n r k) for each penalty.
    """
    n = len(axes)
    projected, squared = axes.T @ outputs, axes**2
    errors = []
    for penalty in PENALTIES:
        shrunken = values / (values + penalty * n)
        left = np.maximum(1.0 - 1.0 / n - squared @ shrunken, np.finfo(np.float64).eps)
        errors.append((((outputs - axes @ (shrunken[:, None] * projected)) / left[:, None]) ** 2).sum())
    return PENALTIES[int(np.argmin(errors))]
