"""Measures features with several estimators at once: one pass, shared statistics, values with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.errors import InvalidInput, suggest
from zoo.plugins import plugins
from zoo.transfer.checks import check_pair
from zoo.transfer.estimator import Estimator, Measured
from zoo.transfer.intervals import FEWEST_SAMPLES, GROUPS, assign_groups, jackknife
from zoo.transfer.statistics import Statistics


def known_estimators() -> dict[str, Estimator]:
    """Every plugin's estimators by name, in alphabetical order; of two with one name, the plugin asked first wins."""
    found: dict[str, Estimator] = {}
    for estimator in plugins().items("zoo_estimators", Estimator):
        found.setdefault(estimator.name, estimator)
    return dict(sorted(found.items()))


def find_estimator(name: str) -> Estimator:
    """The estimator called ``name``.

    Raises:
        InvalidInput: with the nearest names.
    """
    known = known_estimators()
    if name not in known:
        hint = suggest(name, known) or f"Estimators: {', '.join(known)}."
        raise InvalidInput(f"There is no estimator called '{name}'.", hint)
    return known[name]


def score(name: str, features: Any, targets: Any) -> float:
    """The transferability of features to targets by one estimator; higher is better.

    Args:
        name: one of ``estimators()``.
        features: n samples x d dimensions, float16, float32 or float64.
        targets: n class indices (integers from 0, gaps allowed) or n numbers (floats).

    Raises:
        InvalidInput: unknown name; wrong shapes; NaN or infinity (names the sample); fewer than 2 samples; a single
            class or constant numbers; numbers for an estimator of classes.
    """
    estimator = find_estimator(name)
    features, targets, kind = check_pair(features, targets)
    _check_kind(estimator, kind)
    return float(estimator.score(features, targets))


def interval(name: str, features: Any, targets: Any, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of ``score``: what the value would be on other samples of the same kind.

    For ``linear-probe`` it is mean -/+ t * standard error over the folds. For the others it is the delete-a-group
    jackknife over 10 random groups, stratified by class: each group's statistics are subtracted from the whole's, so
    that one pass over the features serves all. ``measure`` gives value and interval together, at the cost of one.

    Raises:
        InvalidInput: as ``score``; or fewer than 8 samples.
    """
    measured = measure([name], features, targets, seed)[name]
    if measured.low is None or measured.high is None:
        raise InvalidInput(f"An interval needs at least {FEWEST_SAMPLES} samples; there are {len(features)}.")
    return measured.low, measured.high


def measure(names: Sequence[str], features: Any, targets: Any, seed: int = 0) -> dict[str, Measured]:
    """Value and 95 % interval of several estimators over the same features, by name; see ``score`` and ``interval``.

    Estimators that work from statistics share one pass and each eigendecomposition: O(n d^2 + g d^3) for g = 10 groups.
    With fewer than 8 samples the ends of the interval are None.
    """
    chosen = {name: find_estimator(name) for name in names}
    features, targets, kind = check_pair(features, targets)
    for estimator in chosen.values():
        _check_kind(estimator, kind)
    groups = min(GROUPS, len(features)) if len(features) >= FEWEST_SAMPLES else 0
    group_of = assign_groups(targets if kind == "class" else np.zeros(len(features), int), max(groups, 1), seed)
    streamed = {name: e for name, e in chosen.items() if e.from_statistics is not None and e.measure is None}
    measured = _measure_streamed(streamed, features, targets, group_of, groups) if streamed else {}
    for name, estimator in chosen.items():
        if estimator.measure is not None and groups:
            measured[name] = estimator.measure(features, targets, seed)
        elif name not in measured:
            value = float(estimator.score(features, targets))
            rest = [np.flatnonzero(group_of != group) for group in range(groups)]
            left_out = [float(estimator.score(features[rows], targets[rows])) for rows in rest]
            measured[name] = jackknife(value, left_out) if groups else Measured(value)
    return {name: measured[name] for name in names}


def gather(features: np.ndarray, targets: np.ndarray, classes: int | None) -> Statistics:
    """The statistics of checked features and targets, compacted where n < d."""
    compacted = compact(features)
    return Statistics(classes, compacted.shape[1], features.shape[1]).update(compacted, targets)


def compact(features: np.ndarray) -> np.ndarray:
    """Features rotated into the n dimensions that n < d samples span; where n >= d, the features as they are.

    All inner products stay the same, so whatever depends on them alone does too, at O(n^2 d) instead of O(d^3).
    """
    n, d = features.shape
    if n >= d:
        return features
    triangle = np.asarray(np.linalg.qr(features.T.astype(np.float64), mode="r"))
    return triangle.T


def _measure_streamed(
    estimators: dict[str, Estimator], features: np.ndarray, targets: np.ndarray, group_of: np.ndarray, groups: int
) -> dict[str, Measured]:
    classes = int(targets.max()) + 1 if targets.dtype.kind == "i" else None
    dimension, features = features.shape[1], compact(features)
    parts = []
    for group in range(max(groups, 1)):
        rows = group_of == group
        part = Statistics(classes, features.shape[1], dimension)
        parts.append(part.update(features[rows], targets[rows]))
    whole = parts[0].copy()
    for part in parts[1:]:
        whole.merge(part)
    left_out: dict[str, list[float]] = {name: [] for name in estimators}
    for part in parts[:groups]:
        rest = whole.without(part)
        for name, estimator in estimators.items():
            left_out[name].append(_from(estimator, rest))
    values = {name: _from(estimator, whole) for name, estimator in estimators.items()}
    return {name: jackknife(values[name], left_out[name]) if groups else Measured(values[name]) for name in estimators}


def _from(estimator: Estimator, statistics: Statistics) -> float:
    if estimator.from_statistics is None:
        raise InvalidInput(f"The estimator '{estimator.name}' cannot work from statistics alone.")
    return float(estimator.from_statistics(statistics))


def _check_kind(estimator: Estimator, kind: str) -> None:
    if kind not in estimator.target_kinds:
        wanted, given = ("class indices", "numbers") if kind == "number" else ("numbers", "class indices")
        raise InvalidInput(
            f"The estimator '{estimator.name}' needs {wanted}, and the targets are {given}.",
            "For classes pass targets.astype(int); for numbers pass targets.astype(float).",
        )
