"""Checks features and targets before anything is computed from them; errors name the sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import InvalidInput

LARGEST = 1e70
"""The largest feature whose fourth moment over many samples does not overflow."""


def as_array(values: Any, what: str) -> np.ndarray:
    """``values`` (array, list, tensor on the CPU) as a numpy array of real numbers.

    Raises:
        InvalidInput: it holds something else.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"The {what} cannot be read as an array: {' '.join(str(error).split())}") from error
    if array.dtype.kind not in "biuf":
        hint = (
            "Class names become indices with numpy.unique(names, return_inverse=True)[1]." if what == "targets" else ""
        )
        raise InvalidInput(f"The {what} must be real numbers, not {array.dtype}.", hint)
    return array


def check_features(values: Any, dimension: int | None = None) -> np.ndarray:
    """Features as an n x d array with d >= 1.

    Raises:
        InvalidInput: a wrong shape, or a d that differs from ``dimension``.
    """
    features = as_array(values, "features")
    if features.ndim != 2 or features.shape[1] < 1:
        raise InvalidInput(
            f"Features must be a table of n samples x d dimensions, not of shape {features.shape}.",
            "Pool a sequence or an image grid to one vector per sample first.",
        )
    if dimension is not None and features.shape[1] != dimension:
        raise InvalidInput(f"Features have {features.shape[1]} dimensions instead of {dimension}.")
    return features


def check_finite(values: np.ndarray, what: str, first: int = 0) -> None:
    """Reject NaN and infinity, naming the first sample that has one; the first row is sample ``first``."""
    if not values.size:
        return
    rows = values.reshape(len(values), -1)
    if rows.dtype in (np.float32, np.float64):
        # Summing the rows is one cheap pass of the BLAS; only rows whose sum is not finite are checked further.
        with np.errstate(all="ignore"):
            suspects = np.flatnonzero(~np.isfinite(rows @ np.ones(rows.shape[1], rows.dtype)))
    else:
        suspects = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    for row in suspects:
        bad = rows[row][~np.isfinite(rows[row])]
        if len(bad):
            name = "NaN" if np.isnan(bad[0]) else "an infinite value"
            raise InvalidInput(
                f"The {what} of sample {first + int(row)} (counting from 0) contain {name}."
                if what == "features"
                else f"The target of sample {first + int(row)} (counting from 0) is {name}.",
                "Leave the sample out, or extract its features in float32."
                if what == "features"
                else "Leave the sample out.",
            )


def check_range(features: np.ndarray) -> None:
    """Reject finite features whose fourth moments overflow.

    Raises:
        InvalidInput: there are some.
    """
    if features.size and features.dtype.itemsize > 4 and max(features.max(), -features.min()) > LARGEST:
        raise InvalidInput(
            f"The features exceed {LARGEST:.0e}, so their fourth moments overflow.", "Scale them down first."
        )


def check_targets(values: Any, n: int, classes: int | None, first: int = 0, outputs: int = 1) -> np.ndarray:
    """Targets of ``n`` samples: n class indices below ``classes``, or n x ``outputs`` floats if that is None.

    Raises:
        InvalidInput: a wrong length or type, an index out of range, NaN or infinity; names the sample.
    """
    targets = as_array(values, "targets")
    if classes is None:
        if targets.shape != (n, outputs) and (outputs > 1 or targets.shape != (n,)):
            wanted = "one target per sample" if outputs == 1 else f"{outputs} numbers per sample"
            raise InvalidInput(f"There must be {wanted}: {n} samples, targets of shape {targets.shape}.")
        targets = targets.astype(np.float64).reshape(n, outputs)
        check_finite(targets, "targets", first)
        return targets
    if targets.shape != (n,):
        raise InvalidInput(f"There must be one target per sample: {n} samples, targets of shape {targets.shape}.")
    if targets.dtype.kind == "f":
        raise InvalidInput(
            "The targets must be class indices, not floating-point numbers.",
            "For classes pass targets.astype(int); for numbers choose an estimator that takes them, such as logme.",
        )
    outside = np.flatnonzero((targets < 0) | (targets >= classes))
    if len(outside):
        row = int(outside[0])
        raise InvalidInput(
            f"The target of sample {first + row} (counting from 0) is {int(targets[row])}; "
            f"class indices go from 0 to {classes - 1}."
        )
    return targets.astype(np.intp)


def check_groups(values: Any, n: int) -> np.ndarray:
    """Groups of ``n`` samples, such as the sentence of a token, renumbered from 0.

    Raises:
        InvalidInput: a wrong length, or fewer than two groups.
    """
    groups = np.asarray(values)
    if groups.shape != (n,):
        raise InvalidInput(f"There must be one group per sample: {n} samples, groups of shape {groups.shape}.")
    names, numbers = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise InvalidInput(f"All {n} samples are in one group, so none can be held out.", "Leave the groups out.")
    return numbers.reshape(n)


def check_pair(features: Any, targets: Any) -> tuple[np.ndarray, np.ndarray, str]:
    """Features, targets and the kind of target, ready to be scored.

    Kinds: ``class`` for n integers; ``classes``, several labels per sample, for n x r integers 0 or 1; ``number`` for n
    floats or n x r floats. Classes are renumbered so that each index from 0 on occurs; labels and outputs that are the
    same for all samples are left out. Labels come back as floats.

    Raises:
        InvalidInput: wrong shapes, NaN or infinity, negative class indices, a single class or a constant target.
    """
    features = check_features(features)
    n = len(features)
    given = as_array(targets, "targets")
    kind = "number" if given.dtype.kind == "f" else "classes" if given.ndim == 2 else "class"
    if kind == "class":
        checked = check_targets(given, n, int(given.max(initial=0)) + 1)
        names, checked = np.unique(checked, return_inverse=True)
        distinct = len(names) > 1
    else:
        checked, distinct = _check_outputs(given, n, kind)
    if n < 2:
        raise InvalidInput(f"Transferability needs at least 2 samples; there are {n}.")
    if not distinct:
        what = "belong to one class" if kind == "class" else "have the same target"
        raise InvalidInput(f"All {n} samples {what}, so there is nothing to predict.", "Add samples that differ.")
    check_finite(features, "features")
    return features, checked, kind


def _check_outputs(given: np.ndarray, n: int, kind: str) -> tuple[np.ndarray, bool]:
    """Numbers or labels as floats without constant ones, and whether any is left."""
    if given.ndim == 2 and given.shape[1] < 1:
        raise InvalidInput(f"There must be at least one target per sample; their shape is {given.shape}.")
    checked = check_targets(given, n, None, outputs=given.shape[1] if given.ndim == 2 else 1)
    if not n:
        return checked, False
    invalid = np.flatnonzero(((checked != 0.0) & (checked != 1.0)).any(axis=1))
    if kind == "classes" and len(invalid):
        raise InvalidInput(
            f"Several labels per sample are written as 0 or 1; those of sample {int(invalid[0])} (counting from 0) "
            "hold something else.",
            "For several numbers per sample pass targets.astype(float).",
        )
    varying = checked.min(axis=0) < checked.max(axis=0)
    if given.ndim == 1:
        return checked[:, 0], bool(varying.any())
    return np.ascontiguousarray(checked[:, varying]), bool(varying.any())
