"""Measures features with several estimators at once: one pass, shared statistics, values with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from zoo.contract import estimator as contract
from zoo.contract.estimator import Estimator, Measured
from zoo.errors import InvalidInput, suggest
from zoo.plugins import plugins
from zoo.transfer.checks import check_features, check_finite, check_groups, check_pair
from zoo.transfer.intervals import (
    FEWEST_SAMPLES,
    GROUPS,
    MOST_RECOMPUTED,
    assign_groups,
    jackknife,
    mean_of_folds,
    strata,
    subsample,
    within,
)
from zoo.transfer.statistics import Statistics

Scored = Callable[[np.ndarray, np.ndarray], float]


def known_estimators() -> dict[str, Estimator]:
    """Every plugin's estimators by name, in alphabetical order; the first plugin wins if two share a name."""
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
        features: n samples x d dimensions, float16, float32 or float64; for estimators that take probabilities
            (``leep`` and ``nce``), those of the source classes, n x S.
        targets: n class indices (integers from 0, gaps allowed), n or n x r numbers (floats), or n x r labels
            (integers 0 or 1).

    Raises:
        InvalidInput: unknown name; wrong shapes; NaN or infinity (names the sample); fewer than 2 samples; a single
            class or constant numbers; targets of a kind that the estimator is not defined for.
    """
    estimator = find_estimator(name)
    features, targets, kind = check_pair(features, targets)
    _check_kind(estimator, kind)
    return float(estimator.score(features, targets))


def interval(name: str, features: Any, targets: Any, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of ``score``: the variation of the value over samples of the same kind.

    Accuracies: the interval of a proportion, see ``zoo.transfer.intervals.proportion``. Other cross-validated figures:
    mean -/+ t * standard error over the folds or samples. The others: the delete-a-group jackknife over 10 random
    groups, stratified by class. If statistics suffice, each group's are subtracted from the whole's, so that one pass
    is enough; otherwise the jackknife runs on at most 2,000 samples, and its half-width is scaled by sqrt(2000 / n). No
    interval leaves the range of its estimator. ``measure`` gives value and interval together, at the cost of one.

    Raises:
        InvalidInput: as ``score``; or fewer than 8 samples.
    """
    measured = measure([name], features, targets, seed)[name]
    if measured.low is None or measured.high is None:
        raise InvalidInput(f"An interval needs at least {FEWEST_SAMPLES} samples; there are {len(features)}.")
    return measured.low, measured.high


def measure(
    names: Sequence[str], features: Any, targets: Any, seed: int = 0, *, probabilities: Any = None, groups: Any = None
) -> dict[str, Measured]:
    """Value and 95 % interval of several estimators over the same features, by name; see ``score`` and ``interval``.

    Estimators that work from statistics share one pass and each eigendecomposition: O(n d^2 + g d^3) for g = 10 groups.
    With fewer than 8 samples, or groups of them, the ends of the interval are None.

    Args:
        names: of the estimators.
        features: n x d.
        targets: as for ``score``.
        seed: of folds and groups.
        probabilities: of the source classes, n x S, for the estimators that take them.
        groups: which samples belong together (tokens of one sentence, images of one patient), n of any kind: no fold
            and no group of the jackknife splits them.

    Raises:
        InvalidInput: as ``score``; an estimator takes probabilities, and there are none.
    """
    chosen = {name: find_estimator(name) for name in names}
    features, targets, kind = check_pair(features, targets)
    for estimator in chosen.values():
        _check_kind(estimator, kind)
    inputs = {"features": features}
    if any(estimator.takes == "probabilities" for estimator in chosen.values()):
        inputs["probabilities"] = _check_probabilities(probabilities, len(features), chosen.values())
    units = None if groups is None else check_groups(groups, len(features))
    sample = Sample(targets, units, seed)
    streamed = {name: e for name, e in chosen.items() if (e.from_statistics or e.held_out) and e.measure is None}
    measured = _measure_streamed(streamed, features, sample) if streamed else {}
    for name, estimator in chosen.items():
        if name not in measured:
            measured[name] = _measure_alone(estimator, inputs[estimator.takes], sample)
    return {
        name: within(measured[name], estimator.bounds_for(kind), sample.count) for name, estimator in chosen.items()
    }


class Sample:
    """Checked targets, and the assignment of the samples to groups for the jackknife and to folds.

    Attributes:
        targets: n, or n x r.
        units: which samples belong together, numbered from 0; None if all are independent.
        seed: of everything drawn.
        groups: number of groups; 0 if there are too few samples for an interval.
    """

    def __init__(self, targets: np.ndarray, units: np.ndarray | None, seed: int) -> None:
        self.targets, self.units, self.seed = targets, units, seed
        self.count = len(targets) if units is None else int(units.max()) + 1
        self.groups = min(GROUPS, self.count) if self.count >= FEWEST_SAMPLES else 0

    def assign(self, rows: np.ndarray | None = None) -> np.ndarray:
        """The group of each sample, or of each of ``rows``; at least two groups."""
        targets = self.targets if rows is None else self.targets[rows]
        units = None if self.units is None else self.units if rows is None else self.units[rows]
        return assign_groups(strata(targets), self.groups or min(self.count, GROUPS), self.seed, units)


def _measure_alone(estimator: Estimator, features: np.ndarray, sample: Sample) -> Measured:
    """By the estimator's own interval, or else by the jackknife on at most ``MOST_RECOMPUTED`` samples."""
    targets = sample.targets
    together = sample.units is not None
    # Few groups give no interval, but still may not be split.
    if estimator.measure is not None and (estimator.grouped if together else sample.groups):
        extra = (sample.units,) if estimator.grouped else ()
        found = estimator.measure(features, targets, sample.seed, *extra)
        return found if sample.groups else Measured(found.value)
    value = float(estimator.score(features, targets))
    if not sample.groups:
        return Measured(value)
    rows = subsample(targets, MOST_RECOMPUTED, sample.units)
    group_of = sample.assign(rows)
    # Classes may be missing from the subset, so they are renumbered.
    left_out = []
    for group in range(int(group_of.max()) + 1):
        kept = rows[group_of != group]
        left_out.append(float(estimator.score(features[kept], renumbered(targets[kept]))))
    return jackknife(value, left_out, math.sqrt(len(rows) / len(targets)))


def renumbered(targets: np.ndarray) -> np.ndarray:
    """Class indices so that each from 0 on occurs; numbers and labels as they are."""
    return np.unique(targets, return_inverse=True)[1] if targets.dtype.kind == "i" else targets


def cross_validated(held_out: Callable[[contract.Statistics, contract.Statistics], np.ndarray]) -> Scored:
    """The score of an estimator with ``held_out``: the highest mean over 10 folds."""

    def score(features: np.ndarray, targets: np.ndarray) -> float:
        estimator = Estimator("", "", score, held_out=held_out)
        return _measure_streamed({"": estimator}, features, Sample(targets, None, 0))[""].value

    return score


def gather(features: np.ndarray, targets: np.ndarray, classes: int | None) -> Statistics:
    """The statistics of checked features and targets, compacted where n < d."""
    compacted = compact(features)
    return _empty(compacted, features.shape[1], targets, classes).update(compacted, targets)


def compact(features: np.ndarray) -> np.ndarray:
    """Features rotated into the n dimensions that n < d samples span; unchanged if n >= d.

    Inner products, and everything that depends only on them, stay the same, at O(n^2 d) instead of O(d^3).
    """
    n, d = features.shape
    if n >= d:
        return features
    triangle = np.asarray(np.linalg.qr(features.T.astype(np.float64), mode="r"))
    return triangle.T


def _empty(features: np.ndarray, dimension: int, targets: np.ndarray, classes: int | None) -> Statistics:
    return Statistics(classes, features.shape[1], dimension, targets.shape[1] if targets.ndim == 2 else 1)


def _measure_streamed(estimators: dict[str, Estimator], features: np.ndarray, sample: Sample) -> dict[str, Measured]:
    targets, dimension, features = sample.targets, features.shape[1], compact(features)
    classes = int(targets.max()) + 1 if targets.dtype.kind == "i" else None
    validated = {name: e.held_out for name, e in estimators.items() if e.held_out is not None}
    group_of = sample.assign() if sample.groups or validated else np.zeros(len(targets), int)
    parts = []
    for group in range(int(group_of.max()) + 1):
        rows = group_of == group
        parts.append(_empty(features, dimension, targets, classes).update(features[rows], targets[rows]))
    whole = parts[0].copy()
    for part in parts[1:]:
        whole.merge(part)
    plain = {name: e.from_statistics for name, e in estimators.items() if e.held_out is None and e.from_statistics}
    left_out: dict[str, list[float]] = {name: [] for name in plain}
    folds: dict[str, list[np.ndarray]] = {name: [] for name in validated}
    for part in parts if len(parts) > 1 else []:
        rest = whole.without(part)
        for name, from_statistics in plain.items():
            if sample.groups:
                left_out[name].append(float(from_statistics(rest)))
        for name, held_out in validated.items():
            folds[name].append(held_out(rest, part))
    measured = {}
    for name, from_statistics in plain.items():
        value = float(from_statistics(whole))
        measured[name] = jackknife(value, left_out[name]) if sample.groups else Measured(value)
    for name, path in folds.items():
        best = int(np.mean(path, axis=0).argmax())
        found = mean_of_folds([float(fold[best]) for fold in path], 1.0)
        measured[name] = found if sample.groups else Measured(found.value)
    return measured


def _check_kind(estimator: Estimator, kind: str) -> None:
    if kind not in estimator.target_kinds:
        words = {"class": "class indices", "classes": "several labels per sample", "number": "numbers"}
        wanted = " or ".join(words[accepted] for accepted in estimator.target_kinds if accepted in words)
        raise InvalidInput(
            f"The estimator '{estimator.name}' needs {wanted}, and the targets are {words[kind]}.",
            "For classes pass targets.astype(int); for numbers pass targets.astype(float).",
        )


def _check_probabilities(values: Any, n: int, estimators: Iterable[Estimator]) -> np.ndarray:
    if values is None:
        name = next(estimator.name for estimator in estimators if estimator.takes == "probabilities")
        raise InvalidInput(
            f"The estimator '{name}' needs the probabilities of the classes that the model was trained on, and only "
            "features were given.",
            f"Pass probabilities=..., or n x S probabilities to zoo.transfer.score('{name}', ...); for a model without "
            "a classifier use nleep.",
        )
    probabilities = check_features(values)
    if len(probabilities) != n:
        raise InvalidInput(f"There are {n} samples, but probabilities for {len(probabilities)}.")
    check_finite(probabilities, "features")
    return probabilities
