"""Sufficient statistics of features and targets, streamed batch by batch and merged exactly.

Everything is summed in float64 relative to a fixed origin, the mean of the first samples: sums of squares of data that
lie far from zero would otherwise lose their digits when the mean is taken out again. Two statistics with different
origins are merged by moving one of them, which is exact algebra.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import DataError, InvalidInput
from zoo.transfer.checks import check_features, check_finite, check_range, check_targets

_BLOCK_VALUES = 1 << 22  # 32 MiB of float64: large enough for the BLAS, small enough to stay beside d x d
_PANEL = 256
_ORIGIN_ROWS = 4096


class Spectrum(NamedTuple):
    """Eigenvalues of the centred scatter above rounding error, ascending, and their eigenvectors (d x rank)."""

    values: np.ndarray
    vectors: np.ndarray


class Responses(NamedTuple):
    """Targets as r regression targets: one indicator for each class that occurs, or the numbers and labels themselves.

    Attributes:
        mean: mean of each, r.
        squares: sum of squares about the mean, r.
        cross: centred cross products with the features, r x d.
    """

    mean: np.ndarray
    squares: np.ndarray
    cross: np.ndarray


class Moments(NamedTuple):
    """Second moments of all K indicators, or r outputs, and the features about a given point.

    Attributes:
        squares: sum of squares of each indicator or output.
        cross: its cross products with the features, K x d or r x d.
        scatter: of the features, d x d.
    """

    squares: np.ndarray
    cross: np.ndarray
    scatter: np.ndarray


class Statistics:
    """n, class counts, class sums, X'X, X'Y, Y'Y and the moments of the squared norm, in float64.

    Memory is O(d^2 + K d) beside the batch and a block of 32 MiB, whatever n. Update is O(n d^2).

    Args:
        classes: number of classes K, or None for targets that are numbers or several labels a sample.
        dimension: d, length of a feature vector.
        full_dimension: d of the features before they were compacted by a rotation that only drops dimensions without
            variance or mean (``zoo.transfer.measure.compact``); estimators that average over dimensions need it.
        outputs: r, how many numbers a target has where ``classes`` is None; labels are numbers 0 or 1.
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
        self.n = 0
        self._origin = np.zeros(dimension)
        self._target_origin = np.zeros(self.outputs)
        # Sums over samples, z = x - origin and y = target - target origin; y and yy stay zero for classes.
        self._sums: dict[str, np.ndarray] = {
            "z": np.zeros(dimension),
            "zz": np.zeros((dimension, dimension)),
            "norm2_z": np.zeros(dimension),
            "norm4": np.zeros(()),
            "count": np.zeros(classes or 1),
            "norm2": np.zeros(classes or 1),
            "yz": np.zeros((classes or self.outputs, dimension)),
            "y": np.zeros(self.outputs),
            "yy": np.zeros((self.outputs, self.outputs)),
        }

    def update(self, features: Any, targets: Any) -> Statistics:
        """Add a batch: features n x d in any float type, and n class indices, n numbers or n x r numbers.

        Returns itself. Each batch costs O(d^2) on top of its samples, so that a thousand samples at a time are faster
        than ten.

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
        if self.n == 0:
            self._origin = features[:_ORIGIN_ROWS].mean(axis=0, dtype=np.float64)
            if not self.classes:
                self._target_origin = targets[:_ORIGIN_ROWS].mean(axis=0)
        if self.classes:
            self._add_classes(features, targets)
        else:
            self._add_numbers(features, targets - self._target_origin)
        self.n += len(features)
        return self

    def _add_classes(self, features: np.ndarray, targets: np.ndarray) -> None:
        # In order of class, each class is a run of rows, and its sum a plain column sum.
        order = np.argsort(targets, kind="stable")
        targets = targets[order]
        for rows, z, norm2 in self._blocks(features, order):
            block = targets[rows]
            self._sums["norm2"] += np.bincount(block, norm2, minlength=self.classes or 1)
            starts = np.flatnonzero(np.diff(block, prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
                self._sums["yz"][block[start]] += z[start:end].sum(axis=0)
        self._sums["z"] = self._sums["yz"].sum(axis=0)
        self._sums["count"] += np.bincount(targets, minlength=self.classes or 1)

    def _add_numbers(self, features: np.ndarray, targets: np.ndarray) -> None:
        for rows, z, norm2 in self._blocks(features, None):
            self._sums["yz"] += targets[rows].T @ z
            self._sums["z"] += z.sum(axis=0)
            self._sums["norm2"] += norm2.sum()
        self._sums["count"] += len(targets)
        self._sums["y"] += targets.sum(axis=0)
        self._sums["yy"] += targets.T @ targets

    def _blocks(self, features: np.ndarray, order: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield (slice of rows, those rows as float64 about the origin, their squared norms), their moments added."""
        n, d = features.shape
        size = min(n, max(256, _BLOCK_VALUES // d))
        buffer = np.empty((size, d))
        for start in range(0, n, size):
            rows = slice(start, min(start + size, n))
            block = features[rows] if order is None else features.take(order[rows], axis=0)
            z = np.subtract(block, self._origin, out=buffer[: len(block)], dtype=np.float64)
            norm2 = np.einsum("ij,ij->i", z, z)
            _add_upper_products(self._sums["zz"], z)
            self._sums["norm2_z"] += norm2 @ z
            self._sums["norm4"] += norm2 @ norm2
            yield rows, z, norm2
        _mirror(self._sums["zz"])

    def merge(self, other: Statistics) -> Statistics:
        """Add the samples of ``other``, which stays as it is. Exact to rounding, in any grouping. Returns itself.

        Raises:
            InvalidInput: other classes or dimensions.
        """
        return self._combine(other, 1)

    def without(self, other: Statistics) -> Statistics:
        """New statistics of these samples less those of ``other``, which must be among them.

        Raises:
            InvalidInput: other classes or dimensions, or more samples than there are.
        """
        if other.n > self.n or np.any(other.counts > self.counts):
            raise InvalidInput(f"{other.n} samples cannot be taken from these {self.n}.")
        return self.copy()._combine(other, -1)

    def copy(self) -> Statistics:
        """An independent copy."""
        copy = Statistics(self.classes, self.dimension, self.full_dimension, self.outputs)
        copy.n, copy._origin, copy._target_origin = self.n, self._origin.copy(), self._target_origin.copy()
        copy._sums = {name: value.copy() for name, value in self._sums.items()}
        return copy

    def _combine(self, other: Statistics, sign: int) -> Statistics:
        mine = (self.classes, self.dimension, self.full_dimension, self.outputs)
        theirs = (other.classes, other.dimension, other.full_dimension, other.outputs)
        if mine != theirs:
            raise InvalidInput(
                f"Statistics of {_shape(*mine)} and of {_shape(*theirs)} cannot be combined.",
                "Combine shards of one data set and one layer of one model.",
            )
        if other.n == 0:
            return self
        self._forget()
        if self.n == 0:
            self._origin, self._target_origin = other._origin.copy(), other._target_origin.copy()
        for name, value in other._moved(self._origin, self._target_origin).items():
            self._sums[name] += sign * value
        self.n += sign * other.n
        return self

    def _moved(self, origin: np.ndarray, target_origin: np.ndarray) -> dict[str, np.ndarray]:
        """The sums about another origin: each z becomes z + a and each y becomes y + b, expanded."""
        a, b = self._origin - origin, self._target_origin - target_origin
        old = self._sums
        z, zz, norm2_z = old["z"], old["zz"], old["norm2_z"]
        a2, az, trace, azz = a @ a, a @ z, np.trace(zz), zz @ a
        cross = np.outer(z, a)
        y = old["count"] if self.classes else old["y"]
        return {
            "z": z + self.n * a,
            "zz": zz + cross + cross.T + self.n * np.outer(a, a),
            "norm2_z": norm2_z + trace * a + 2 * azz + 2 * az * a + a2 * z + self.n * a2 * a,
            "norm4": old["norm4"] + 4 * a @ azz + 4 * a @ norm2_z + 2 * a2 * trace + 4 * a2 * az + self.n * a2**2,
            "count": old["count"],
            "norm2": old["norm2"] + 2 * (old["yz"] @ a if self.classes else az) + old["count"] * a2,
            "yz": old["yz"] + np.outer(y, a) + (0.0 if self.classes else np.outer(b, z + self.n * a)),
            "y": old["y"] + self.n * b,
            "yy": old["yy"] + np.outer(b, old["y"]) + np.outer(old["y"], b) + self.n * np.outer(b, b),
        }

    def _forget(self) -> None:
        self.__dict__.pop("spectrum", None)

    @property
    def counts(self) -> np.ndarray:
        """Samples of each class, K; one figure for numbers."""
        return self._sums["count"]

    @property
    def mean(self) -> np.ndarray:
        """Mean feature vector, d."""
        return self._origin + self._sums["z"] / max(self.n, 1)

    @property
    def scatter(self) -> np.ndarray:
        """Sum of (x - mean)(x - mean)', d x d."""
        z = self._sums["z"]
        return self._sums["zz"] - np.outer(z, z / max(self.n, 1))

    @property
    def gram(self) -> np.ndarray:
        """X'X, d x d."""
        return self._moved(np.zeros(self.dimension), np.zeros(self.outputs))["zz"]

    @property
    def class_sums(self) -> np.ndarray:
        """Sum of the features of each class, K x d; for numbers Y'X, r x d. Transposed it is X'Y."""
        return self._moved(np.zeros(self.dimension), np.zeros(self.outputs))["yz"]

    @property
    def class_centres(self) -> np.ndarray:
        """Means of the classes that occur, less the mean of all, K' x d."""
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
        return self._moved(self._origin, np.zeros(self.outputs))["yy"]

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
        return self._target_origin + self._sums["y"] / max(self.n, 1)

    @property
    def cross(self) -> np.ndarray:
        """Cross products of indicators or outputs with the features, both about their means, K x d or r x d."""
        sums = self._sums["count"] if self.classes else self._sums["y"]
        return self._sums["yz"] - np.outer(sums, self._sums["z"] / max(self.n, 1))

    def about(self, centre: np.ndarray, target_centre: np.ndarray) -> Moments:
        """Second moments about another point than the mean: ``centre`` (d) and ``target_centre`` (K or r)."""
        if self.classes:
            sums = self._moved(centre, self._target_origin)
            squares = self.counts * (1.0 - 2.0 * target_centre) + self.n * target_centre**2
            return Moments(squares, sums["yz"] - np.outer(target_centre, sums["z"]), sums["zz"])
        sums = self._moved(centre, target_centre)
        return Moments(np.diagonal(sums["yy"]).copy(), sums["yz"], sums["zz"])

    @functools.cached_property
    def spectrum(self) -> Spectrum:
        """Eigendecomposition of the scatter, kept until the statistics change, O(d^3)."""
        values, vectors = np.linalg.eigh(self.scatter)
        noise = np.finfo(np.float64).eps * self.dimension * max(values[-1], 0.0)
        # What is left of a constant feature is the rounding error of its mean.
        noise = max(noise, self.n * (8 * np.finfo(np.float64).eps * np.abs(self._origin).max()) ** 2)
        rank = min(int(np.sum(values > noise)), max(self.n - 1, 0))
        first = self.dimension - rank
        return Spectrum(values[first:], vectors[:, first:])

    def to_tensors(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """All that they hold: float64 arrays by name, and a header of texts."""
        header = {
            "classes": "" if self.classes is None else str(self.classes),
            "full_dimension": str(self.full_dimension),
            "n": str(self.n),
            "outputs": str(self.outputs),
        }
        return {**self._sums, "origin": self._origin, "target_origin": self._target_origin}, header

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray], header: Mapping[str, str]) -> Statistics:
        """The statistics that ``to_tensors`` took apart.

        Raises:
            DataError: something is missing, of another shape or type, or not finite.
        """
        try:
            classes = int(header["classes"]) if header["classes"] else None
            outputs = int(header["outputs"])
            statistics = cls(classes, tensors["origin"].size, int(header["full_dimension"]), outputs)
            statistics.n = int(header["n"])
            for name, empty in statistics.to_tensors()[0].items():
                value = tensors[name]
                if value.shape != empty.shape or value.dtype != np.float64 or not np.isfinite(value).all():
                    raise DataError(f"The statistics' '{name}' is damaged.", "Compute them again.")
            statistics._origin, statistics._target_origin = tensors["origin"].copy(), tensors["target_origin"].copy()
            statistics._sums = {name: tensors[name].copy() for name in statistics._sums}
        except (KeyError, ValueError) as error:
            raise DataError(f"The statistics are incomplete: {error}.", "Compute them again.") from error
        return statistics

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file; nothing is left half-written.

        Raises:
            StorageError: the file cannot be written.
        """
        from zoo.transfer.statistics_file import write

        write(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Statistics:
        """Read what ``save`` wrote.

        Raises:
            StorageError: the file cannot be read.
            DataError: it holds something else, was cut short, or is of another version.
        """
        from zoo.transfer.statistics_file import read

        return read(Path(path))


def _add_upper_products(total: np.ndarray, z: np.ndarray) -> None:
    """Add z'z to ``total``, its upper triangle only, panel by panel.

    numpy multiplies the whole of z'z at half the cost as well, but then copies one triangle onto the other, d x d with
    long strides, for every block; on the diagonal panels alone that costs nothing to speak of.
    """
    for left in range(0, len(total), _PANEL):
        right = left + _PANEL
        panel = z[:, left:right]
        total[left:right, left:right] += panel.T @ panel
        if right < len(total):
            total[left:right, right:] += panel.T @ z[:, right:]


def _mirror(total: np.ndarray) -> None:
    """Copy the upper panels onto the lower ones."""
    for left in range(0, len(total), _PANEL):
        total[left + _PANEL :, left : left + _PANEL] = total[left : left + _PANEL, left + _PANEL :].T


def _shape(classes: int | None, dimension: int, full_dimension: int, outputs: int) -> str:
    targets = f"{classes} classes" if classes else ("numbers" if outputs == 1 else f"{outputs} numbers each")
    compacted = "" if full_dimension == dimension else f" compacted from {full_dimension}"
    return f"{targets} in {dimension}{compacted} dimensions"
