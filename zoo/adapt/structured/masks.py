"""A class for each pixel: mean intersection over union."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind


def mean_iou(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean over the classes that occur of intersection over union, counted over all pictures together; 0 to 1.

    Pixels of value 255 in the targets are not judged (Everingham et al., "The PASCAL VOC challenge", 2015); in the
    predictions they are wrong, and no class of their own.
    """
    import numpy as np

    from zoo.data.masks import IGNORED

    totals = np.zeros((2, 256))
    if not len(targets):
        raise DataError("'mean_iou' compares masks, at least one.")
    for truth, found in zip(targets, predictions, strict=True):
        truth, found = np.asarray(truth), np.asarray(found)  # noqa: PLW2901
        if truth.ndim != 2 or truth.dtype.kind not in "iu" or truth.shape != found.shape:
            raise DataError(f"'mean_iou' compares masks of one size, not {truth.shape} with {found.shape}.")
        judged = truth != IGNORED
        expected, given = truth[judged].astype(int), found[judged].astype(int)
        shared = np.bincount(expected[expected == given], minlength=256)
        totals[0] += shared
        totals[1] += np.bincount(expected, minlength=256) + np.bincount(given, minlength=256) - shared
    totals[1][IGNORED] = 0
    present = totals[1] > 0
    if not present.any():
        raise DataError("'mean_iou' cannot be computed: no pixel belongs to a class.")
    return float((totals[0][present] / totals[1][present]).mean())


METRICS = (Metric("mean_iou", mean_iou, True, "Mean over the classes of intersection over union; 0 to 1."),)


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """The commonest class everywhere."""
    import numpy as np

    from zoo.data.masks import IGNORED

    counts = sum(np.bincount(mask[mask != IGNORED].ravel(), minlength=256) for mask in known)
    common = int(np.argmax(counts))
    sizes = [inputs[index].size for index in range(len(inputs))]
    return [np.full((height, width), common, dtype=np.uint8) for width, height in sizes]


KIND = TargetKind("mask", _guess, lambda item, answer: answer["mask"])
