"""The data of an estimate: features of one layer, or sums over them, shard by shard, merged in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.contract.backbone import PROBABILITIES
from zoo.contract.estimator import Measured
from zoo.errors import InvalidInput
from zoo.kinds.known import kind_of
from zoo.transfer.intervals import GROUPS, jackknife, within
from zoo.transfer.measure import find_estimator, measure
from zoo.transfer.statistics import Statistics

if TYPE_CHECKING:
    from zoo.entities import Dataset

STREAMED_FROM = 20_000
"""Minimum number of samples for keeping sums instead of features, if the estimators can be computed from sums: ten
groups of sums take less memory than the features of more samples."""


def needs_probabilities(estimators: Sequence[str]) -> bool:
    """Whether one of the estimators takes the probabilities of the source classes."""
    return any(find_estimator(name).takes == PROBABILITIES for name in estimators)


@dataclass(frozen=True)
class Targets:
    """The targets of a data set, ready for the estimators.

    Attributes:
        values: n class indices (int64) or floats (float64), or n x K numbers 0 or 1 (int64) for sets of labels.
        classes: number of classes, or None for numbers and sets of labels.
        group: n groups of the jackknife from 0 on; every prefix of the order is spread evenly over them.
        streamed: whether sums are kept instead of features.
        units: n numbers, equal for identical samples, which no fold separates; None if all differ.
    """

    values: np.ndarray
    classes: int | None
    group: np.ndarray
    streamed: bool
    units: np.ndarray | None = None

    def sums(self, dimension: int) -> Statistics:
        """Empty statistics of features with this dimension."""
        outputs = self.values.shape[1] if self.values.ndim == 2 else 1
        return Statistics(self.classes, dimension, outputs=outputs)

    @property
    def kind(self) -> str:
        """How estimators name such targets."""
        return "classes" if self.values.ndim == 2 else "number" if self.classes is None else "class"

    @classmethod
    def of(
        cls, dataset: Dataset, order: Sequence[int], estimators: Sequence[str], units: np.ndarray | None = None
    ) -> Targets:
        """The targets of ``dataset``, to be measured in ``order`` by ``estimators``."""
        values = kind_of(dataset.target_kind).array(() if dataset.targets is None else dataset.targets)
        by_class = values.dtype.kind == "i" and values.ndim == 1
        if values.ndim == 2:  # a label that all or none of the samples have cannot be estimated
            measured = values[np.asarray(order)]
            values = values[:, measured.min(axis=0) < measured.max(axis=0)]
        streamed = len(order) >= STREAMED_FROM and all(
            find_estimator(name).from_statistics and not find_estimator(name).measure for name in estimators
        )
        return cls(
            values, len(dataset.classes) if by_class else None, _groups(values, order, by_class, units), streamed, units
        )


def _groups(values: np.ndarray, order: Sequence[int], by_class: bool, units: np.ndarray | None) -> np.ndarray:
    """Assign the samples of each class round-robin; consecutive classes start with different groups.

    A unit goes to the group of its first sample.
    """
    group = np.zeros(len(values), dtype=np.int64)
    if units is not None:
        every = np.asarray(order)
        _, first, of = np.unique(units[every], return_index=True, return_inverse=True)
        group = _groups(values, every[np.sort(first)].tolist(), by_class, None)
        group[every] = group[every[first]][of.reshape(-1)]
        return group
    positions = np.asarray(order)
    strata = values[positions] if by_class else np.zeros(len(positions), dtype=np.int64)
    for label in np.unique(strata):
        members = positions[strata == label]
        group[members] = (np.arange(len(members)) + int(label)) % GROUPS
    return group


class LayerStatistics:
    """Features of the samples so far from one layer of one model, or sums over them by group.

    Merging is exact and its order does not matter: features are put in the order of the data set, and sums add up.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[np.ndarray, np.ndarray]] = []
        self._sums: list[Statistics] = []

    @classmethod
    def of(cls, features: np.ndarray, positions: Sequence[int], targets: Targets) -> LayerStatistics:
        """The statistics of one shard: features n x d of the samples at ``positions``."""
        statistics, at = cls(), np.asarray(positions)
        if not targets.streamed:
            statistics._rows.append((at, features))
            return statistics
        for group in range(GROUPS):
            rows = targets.group[at] == group
            sums = targets.sums(features.shape[1])
            statistics._sums.append(sums.update(features[rows], targets.values[at[rows]]))
        return statistics

    def merge(self, other: LayerStatistics) -> LayerStatistics:
        """Add those of another shard, which must hold other samples of the same layer. Returns itself."""
        self._rows += other._rows
        if not self._sums:
            self._sums = [sums.copy() for sums in other._sums]
            return self
        for mine, others in zip(self._sums, other._sums, strict=True):
            mine.merge(others)
        return self

    def estimate(
        self, estimators: Sequence[str], targets: Targets, seed: int, probabilities: LayerStatistics | None = None
    ) -> Mapping[str, Measured]:
        """Every estimator's value with its interval and its parts.

        Args:
            probabilities: of the source classes, of the same samples, for the estimators that take them.

        Raises:
            ZooError: an estimator cannot be computed from these features.
        """
        if self._sums:
            return self._estimate_from_sums(estimators, targets)
        at, features = self._in_order()
        given = None if probabilities is None else probabilities._in_order()[1]
        groups = None if targets.units is None else targets.units[at]
        return measure(estimators, features, targets.values[at], seed, probabilities=given, groups=groups)

    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions, ascending, and the rows of them all."""
        at = np.concatenate([positions for positions, _ in self._rows])
        by_position = np.argsort(at)
        self._rows = [(at[by_position], np.concatenate([values for _, values in self._rows])[by_position])]
        return self._rows[0]

    def _estimate_from_sums(self, estimators: Sequence[str], targets: Targets) -> Mapping[str, Measured]:
        whole = targets.sums(self._sums[0].dimension)
        for sums in self._sums:
            whole.merge(sums)
        values = {name: _score(name, whole) for name in estimators}
        left_out: dict[str, list[float]] = {name: [] for name in estimators}
        for sums in self._sums:
            rest = whole.without(sums)  # one decomposition for all estimators
            for name in estimators:
                left_out[name].append(_score(name, rest))
        bounds = {name: find_estimator(name).bounds_for(targets.kind) for name in estimators}
        return {name: within(jackknife(values[name], left_out[name]), bounds[name], whole.n) for name in estimators}


def _score(name: str, statistics: Statistics) -> float:
    score = find_estimator(name).from_statistics
    if score is None:
        raise InvalidInput(f"The estimator '{name}' cannot work from statistics alone.")
    return float(score(statistics))
