"""Mean intersection over union of masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo_vision.segmentation.masks import IGNORED

if TYPE_CHECKING:
    import numpy as np


def mean_iou(targets: Sequence[np.ndarray], predictions: Sequence[np.ndarray]) -> float:
    """Mean over the classes that occur of intersection over union, counted over all images together; 0 to 1.

    Pixels of value 255 in the targets are not evaluated (Everingham et al., "The PASCAL VOC challenge", 2015); in the
    predictions they are wrong, but not a separate class.
    """
    import numpy as np

    totals = np.zeros((2, 256))
    if not len(targets):
        raise DataError("'mean_iou' needs at least one mask.")
    for target, prediction in zip(targets, predictions, strict=True):
        target, prediction = np.asarray(target), np.asarray(prediction)  # noqa: PLW2901
        if target.ndim != 2 or target.dtype.kind not in "iu" or target.shape != prediction.shape:
            raise DataError(f"'mean_iou' compares masks of one size, not {target.shape} with {prediction.shape}.")
        evaluated = target != IGNORED
        expected, given = target[evaluated].astype(int), prediction[evaluated].astype(int)
        shared = np.bincount(expected[expected == given], minlength=256)
        totals[0] += shared
        totals[1] += np.bincount(expected, minlength=256) + np.bincount(given, minlength=256) - shared
    totals[1][IGNORED] = 0
    present = totals[1] > 0
    if not present.any():
        raise DataError("'mean_iou' cannot be computed: no pixel belongs to a class.")
    return float((totals[0][present] / totals[1][present]).mean())


METRICS = (
    Metric(
        "mean_iou",
        mean_iou,
        True,
        "Mean over the classes of intersection over union; 0 to 1.",
        bounds=(0, 1),
        recomputed=20,
    ),
)
