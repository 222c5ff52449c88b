"""Sums of features and targets about a fixed origin, in float64: what the statistics are computed from."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

_BLOCK_VALUES = 1 << 22  # 32 MiB of float64: large enough for the BLAS, small enough to stay beside d x d
_PANEL = 256
_ORIGIN_ROWS = 4096


class Sums:
    """Sums over samples of z = x - origin and y = target - target origin; y and yy stay zero for classes.

    Attributes:
        n: number of samples.
        origin: the origin of the features, d: the mean of the first samples.
        target_origin: the origin of the targets, r; zero for classes.
        values: each sum by its name.
    """

    def __init__(self, classes: int | None, dimension: int, outputs: int) -> None:
        self.classes = classes
        self.n = 0
        self.origin = np.zeros(dimension)
        self.target_origin = np.zeros(outputs)
        self.values: dict[str, np.ndarray] = {
            "z": np.zeros(dimension),
            "zz": np.zeros((dimension, dimension)),
            "norm2_z": np.zeros(dimension),
            "norm4": np.zeros(()),
            "count": np.zeros(classes or 1),
            "norm2": np.zeros(classes or 1),
            "yz": np.zeros((classes or outputs, dimension)),
            "y": np.zeros(outputs),
            "yy": np.zeros((outputs, outputs)),
        }

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def add(self, features: np.ndarray, targets: np.ndarray) -> None:
        """Add checked samples, one at least: features n x d, and n class indices or n x r numbers."""
        if self.n == 0:
            self.origin = features[:_ORIGIN_ROWS].mean(axis=0, dtype=np.float64)
            if not self.classes:
                self.target_origin = targets[:_ORIGIN_ROWS].mean(axis=0)
        if self.classes:
            self._add_classes(features, targets)
        else:
            self._add_numbers(features, targets - self.target_origin)
        self.n += len(features)

    def _add_classes(self, features: np.ndarray, targets: np.ndarray) -> None:
        sums = self.values
        # In order of class, each class is a run of rows, and its sum a plain column sum.
        order = np.argsort(targets, kind="stable")
        targets = targets[order]
        for rows, z, norm2 in self._blocks(features, order):
            block = targets[rows]
            sums["norm2"] += np.bincount(block, norm2, minlength=self.classes or 1)
            starts = np.flatnonzero(np.diff(block, prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
                sums["yz"][block[start]] += z[start:end].sum(axis=0)
        sums["z"] = sums["yz"].sum(axis=0)
        sums["count"] += np.bincount(targets, minlength=self.classes or 1)

    def _add_numbers(self, features: np.ndarray, targets: np.ndarray) -> None:
        sums = self.values
        for rows, z, norm2 in self._blocks(features, None):
            sums["yz"] += targets[rows].T @ z
            sums["z"] += z.sum(axis=0)
            sums["norm2"] += norm2.sum()
        sums["count"] += len(targets)
        sums["y"] += targets.sum(axis=0)
        sums["yy"] += targets.T @ targets

    def _blocks(self, features: np.ndarray, order: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield (slice of rows, those rows as float64 about the origin, their squared norms), their moments added."""
        n, d = features.shape
        size = min(n, max(256, _BLOCK_VALUES // d))
        buffer = np.empty((size, d))
        for start in range(0, n, size):
            rows = slice(start, min(start + size, n))
            block = features[rows] if order is None else features.take(order[rows], axis=0)
            z = np.subtract(block, self.origin, out=buffer[: len(block)], dtype=np.float64)
            norm2 = np.einsum("ij,ij->i", z, z)
            _add_upper_products(self.values["zz"], z)
            self.values["norm2_z"] += norm2 @ z
            self.values["norm4"] += norm2 @ norm2
            yield rows, z, norm2
        _mirror(self.values["zz"])

    def combine(self, other: Sums, sign: int) -> None:
        """Add (``sign`` 1) or subtract (-1) sums of the same shape, moved to this origin."""
        if self.n == 0:
            self.origin, self.target_origin = other.origin.copy(), other.target_origin.copy()
        for name, value in other.moved(self.origin, self.target_origin).items():
            self.values[name] += sign * value
        self.n += sign * other.n

    def copy(self) -> Sums:
        """An independent copy."""
        twin = copy.copy(self)
        twin.origin, twin.target_origin = self.origin.copy(), self.target_origin.copy()
        twin.values = {name: value.copy() for name, value in self.values.items()}
        return twin

    def moved(self, origin: np.ndarray, target_origin: np.ndarray) -> dict[str, np.ndarray]:
        """The sums about another origin: each z becomes z + a and each y becomes y + b, expanded."""
        a, b = self.origin - origin, self.target_origin - target_origin
        old = self.values
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


def _add_upper_products(total: np.ndarray, z: np.ndarray) -> None:
    """Add z'z to ``total``, its upper triangle only, panel by panel.

    numpy also computes z'z at half the cost, but then copies one triangle onto the other, d x d with long strides, for
    every block; for diagonal panels only, that cost is negligible.
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
