"""Sufficient statistics of features and targets, streamed batch by batch and merged exactly.

Everything is summed in float64 relative to a fixed origin, the mean of the first samples: sums of squares of data far
from zero would otherwise lose precision when the mean is subtracted. Two statistics with different origins are merged
by moving one of them, which is exact algebra.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.contract.estimator import Moments, Responses, Spectrum
from zoo.errors import DataError, InvalidInput
from zoo.transfer.checks import check_features, check_finite, check_range, check_targets
from zoo.transfer.sums import Sums


class Statistics:
    """n, class counts, class sums, X'X, X'Y, Y'Y and the moments of the squared norm, in float64.

    Memory is O(d^2 + K d) plus the batch and a block of 32 MiB, for any n. Update is O(n d^2).

    Args:
        classes: number of classes K, or None for targets that are numbers or several labels per sample.
        dimension: d, length of a feature vector.
        full_dimension: d of the features before they were compacted by a rotation that only drops dimensions without
            variance or mean (``zoo.transfer.measure.compact``); estimators that average over dimensions need it.
        outputs: r, number of numbers per target if ``classes`` is None; labels are numbers 0 or 1.
    """

    def __init__(
        self, classes: int | None, dimension: int, full_dimension: int | None = None, outputs: int = 1
    ) -> None:
        if dimension < 1:
            raise InvalidInput(f"Features need at least 1 dimension, not {dimension}.")
        if classes is not None and classes < 1:
            raise InvalidInput(f"There must be at least 1 class, not {classes}.")
        if outputs < 1:
            raise InvalidInput(f"There must be at least 1 output, not {outputs}.")
        self.classes, self.dimension = classes, dimension
        self.outputs = 1 if classes else outputs
        self.full_dimension = full_dimension or dimension
        self._sums = Sums(classes, dimension, self.outputs)

    def update(self, features: Any, targets: Any) -> Statistics:
        """Add a batch: features n x d in any float type, and n class indices, n numbers or n x r numbers.

        Returns itself. Each batch costs an extra O(d^2), so that batches of a thousand samples are faster than batches
        of ten.

        Raises:
            InvalidInput: wrong shapes, NaN or infinity, an index out of range; names the sample by its position among
                all samples so far. Nothing is added then.
        """
        features = check_features(features, self.dimension)
        targets = check_targets(targets, len(features), self.classes, self.n, self.outputs)
        check_finite(features, "features", self.n)
        if not len(features):
            return self
        check_range(features)
        self._forget()
        self._sums.add(features, targets)
        return self

    def merge(self, other: Statistics) -> Statistics:
        """Add the samples of ``other``, which stays unchanged. Exact up to rounding, in any grouping. Returns itself.

        Raises:
            InvalidInput: other classes or dimensions.
        """
        return self._combine(other, 1)

    def without(self, other: Statistics) -> Statistics:
        """New statistics of these samples without those of ``other``, which must be among them.

        Raises:
            InvalidInput: other classes or dimensions, or more samples than there are.
        """
        if other.n > self.n or np.any(other.counts > self.counts):
            raise InvalidInput(f"{other.n} samples cannot be subtracted from {self.n}.")
        return self.copy()._combine(other, -1)

    def copy(self) -> Statistics:
        """An independent copy."""
        twin = copy.copy(self)
        twin._forget()
        twin._sums = self._sums.copy()
        return twin

    def _combine(self, other: Statistics, sign: int) -> Statistics:
        mine = (self.classes, self.dimension, self.full_dimension, self.outputs)
        theirs = (other.classes, other.dimension, other.full_dimension, other.outputs)
        if mine != theirs:
            raise InvalidInput(
                f"Statistics of {_shape(*mine)} and of {_shape(*theirs)} cannot be combined.",
                "Combine shards of one data set and one layer of one model.",
            )
        if other.n:
            self._forget()
            self._sums.combine(other._sums, sign)
        return self

    def _forget(self) -> None:
        self.__dict__.pop("spectrum", None)

    @property
    def n(self) -> int:
        """Number of samples."""
        return self._sums.n

    @property
    def counts(self) -> np.ndarray:
        """Samples of each class, K; one figure for numbers."""
        return self._sums["count"]

    @property
    def mean(self) -> np.ndarray:
        """Mean feature vector, d."""
        return self._sums.origin + self._sums["z"] / max(self.n, 1)

    @property
    def scatter(self) -> np.ndarray:
        """Sum of (x - mean)(x - mean)', d x d."""
        z = self._sums["z"]
        return self._sums["zz"] - np.outer(z, z / max(self.n, 1))

    @property
    def gram(self) -> np.ndarray:
        """X'X, d x d."""
        return self._sums.moved(np.zeros(self.dimension), np.zeros(self.outputs))["zz"]

    @property
    def class_sums(self) -> np.ndarray:
        """Sum of the features of each class, K x d; for numbers Y'X, r x d. Transposed it is X'Y."""
        return self._sums.moved(np.zeros(self.dimension), np.zeros(self.outputs))["yz"]

    @property
    def class_centres(self) -> np.ndarray:
        """Means of the classes that occur, minus the mean of all, K' x d."""
        present = self.counts > 0
        z = self._sums
        return z["yz"][present] / self.counts[present, None] - z["z"] / max(self.n, 1)

    @property
    def class_spread(self) -> np.ndarray:
        """Sum of |x - mean of its class|^2 for each class that occurs, K'; for numbers about the mean of all, 1."""
        present = self.counts > 0
        sums = self._sums["yz"][present] if self.classes else self._sums["z"][None]
        norms = (sums * sums).sum(axis=1) / self.counts[present]
        return np.maximum(self._sums["norm2"][present] - norms, 0.0)

    @property
    def target_products(self) -> np.ndarray:
        """Y'Y: for classes a diagonal of class counts, K x K; r x r for numbers."""
        if self.classes:
            return np.diag(self.counts)
        return self._sums.moved(self._sums.origin, np.zeros(self.outputs))["yy"]

    @property
    def fourth_moment(self) -> float:
        """Sum of ||x - mean||^4."""
        m, zz = self._sums["z"] / max(self.n, 1), self._sums["zz"]
        m2 = m @ m
        moved = 4 * m @ zz @ m - 4 * m @ self._sums["norm2_z"] + 2 * m2 * np.trace(zz) - 3 * self.n * m2**2
        return max(float(self._sums["norm4"] + moved), 0.0)

    @property
    def responses(self) -> Responses:
        """The targets as regression targets, centred; classes without a sample are left out."""
        n = max(self.n, 1)
        if self.classes:
            present = self.counts > 0
            counts = self.counts[present]
            return Responses(counts / n, counts * (n - counts) / n, self.cross[present])
        y = self._sums["y"]
        squares = np.maximum(np.diagonal(self._sums["yy"]) - y * y / n, 0.0)
        return Responses(self.target_mean, squares, self.cross)

    @property
    def target_mean(self) -> np.ndarray:
        """Share of each class, K; or mean of each output, r."""
        if self.classes:
            return self.counts / max(self.n, 1)
        return self._sums.target_origin + self._sums["y"] / max(self.n, 1)

    @property
    def cross(self) -> np.ndarray:
        """Cross products of indicators or outputs with the features, both about their means, K x d or r x d."""
        sums = self._sums["count"] if self.classes else self._sums["y"]
        return self._sums["yz"] - np.outer(sums, self._sums["z"] / max(self.n, 1))

    def about(self, centre: np.ndarray, target_centre: np.ndarray) -> Moments:
        """Second moments about a point other than the mean: ``centre`` (d) and ``target_centre`` (K or r)."""
        if self.classes:
            sums = self._sums.moved(centre, self._sums.target_origin)
            squares = self.counts * (1.0 - 2.0 * target_centre) + self.n * target_centre**2
            return Moments(squares, sums["yz"] - np.outer(target_centre, sums["z"]), sums["zz"])
        sums = self._sums.moved(centre, target_centre)
        return Moments(np.diagonal(sums["yy"]).copy(), sums["yz"], sums["zz"])

    @functools.cached_property
    def spectrum(self) -> Spectrum:
        """Eigendecomposition of the scatter, cached until the statistics change, O(d^3)."""
        values, vectors = np.linalg.eigh(self.scatter)
        noise = np.finfo(np.float64).eps * self.dimension * max(values[-1], 0.0)
        # What is left of a constant feature is the rounding error of its mean.
        noise = max(noise, self.n * (8 * np.finfo(np.float64).eps * np.abs(self._sums.origin).max()) ** 2)
        rank = min(int(np.sum(values > noise)), max(self.n - 1, 0))
        first = self.dimension - rank
        return Spectrum(values[first:], vectors[:, first:])

    def to_tensors(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Their content: float64 arrays by name, and a header of texts."""
        header = {
            "classes": "" if self.classes is None else str(self.classes),
            "full_dimension": str(self.full_dimension),
            "n": str(self.n),
            "outputs": str(self.outputs),
        }
        sums = self._sums
        return {**sums.values, "origin": sums.origin, "target_origin": sums.target_origin}, header

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray], header: Mapping[str, str]) -> Statistics:
        """The inverse of ``to_tensors``.

        Raises:
            DataError: something is missing, of another shape or type, or not finite.
        """
        try:
            classes = int(header["classes"]) if header["classes"] else None
            outputs = int(header["outputs"])
            statistics = cls(classes, tensors["origin"].size, int(header["full_dimension"]), outputs)
            sums = statistics._sums
            sums.n = int(header["n"])
            for name, empty in statistics.to_tensors()[0].items():
                value = tensors[name]
                if value.shape != empty.shape or value.dtype != np.float64 or not np.isfinite(value).all():
                    raise DataError(f"The statistics' '{name}' is damaged.", "Compute them again.")
            sums.origin, sums.target_origin = tensors["origin"].copy(), tensors["target_origin"].copy()
            sums.values = {name: tensors[name].copy() for name in sums.values}
        except (KeyError, ValueError) as error:
            raise DataError(f"The statistics are incomplete: {error}.", "Compute them again.") from error
        return statistics

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file atomically.

        Raises:
            StorageError: the file cannot be written.
        """
        from zoo.transfer.statistics_file import write

        write(*self.to_tensors(), Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Statistics:
        """Read a file written by ``save``.

        Raises:
            StorageError: the file cannot be read.
            DataError: it holds something else, is truncated, or has another format version.
        """
        from zoo.transfer.statistics_file import read

        return cls.from_tensors(*read(Path(path)))


def of_classes(features: np.ndarray, targets: np.ndarray, full_dimension: int | None = None) -> Statistics:
    """Statistics of features, n x d, and n class indices of which the highest occurs."""
    return Statistics(int(targets.max()) + 1, features.shape[1], full_dimension).update(features, targets)


def _shape(classes: int | None, dimension: int, full_dimension: int, outputs: int) -> str:
    targets = f"{classes} classes" if classes else ("numbers" if outputs == 1 else f"{outputs} numbers each")
    compacted = "" if full_dimension == dimension else f" compacted from {full_dimension}"
    return f"{targets} in {dimension}{compacted} dimensions"
