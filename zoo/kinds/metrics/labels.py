"""Metrics of sets of labels: targets are n x K numbers 0 or 1, predictions are positive for predicted labels.

Predictions may be decision values, which also rank the samples of each label, or 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def _mean_average_precision(targets: np.ndarray, predictions: np.ndarray) -> float:
    import numpy as np

    true, scores = _sets("mean_average_precision", targets, predictions)
    occurs = np.flatnonzero(true.any(axis=0))
    if not len(occurs):
        raise DataError("'mean_average_precision' cannot be computed: none of the samples has a label.")
    return float(np.mean([average_precision(true[:, k], scores[:, k]) for k in occurs]))


def average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """The area under the precision-recall curve of one label, as a sum over recalls without interpolation.

    (Manning, Raghavan and Schuetze, "Introduction to information retrieval", 2008, section 8.4; samples with equal
    scores are retrieved together.)

    Args:
        targets: n booleans, of which at least one is true.
        scores: n numbers.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(targets[order])
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last of each group of equal scores
    gained = np.diff(hits[ends], prepend=0)
    return float((gained * hits[ends] / (ends + 1)).sum() / hits[-1])


def _micro_f1(targets: np.ndarray, predictions: np.ndarray) -> float:
    hits, true, predicted = _counts("micro_f1", targets, predictions)
    found = float((true + predicted).sum())
    return 2 * float(hits.sum()) / found if found else 0.0


def macro_f1(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Mean F1 over the labels that are true or predicted; one that is never predicted counts as 0."""
    hits, true, predicted = _counts("macro_f1", targets, predictions)
    occurs = (true + predicted) > 0
    return float((2 * hits[occurs] / (true + predicted)[occurs]).mean()) if occurs.any() else 0.0


def _subset_accuracy(targets: np.ndarray, predictions: np.ndarray) -> float:
    true, scores = _sets("subset_accuracy", targets, predictions)
    return float((true == (scores > 0)).all(axis=1).mean())


def _counts(name: str, targets: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each label: samples that have it and for which it is predicted, samples that have it, and predictions."""
    true, scores = _sets(name, targets, predictions)
    found = scores > 0
    return (true & found).sum(axis=0), true.sum(axis=0), found.sum(axis=0)


def _sets(name: str, targets: Any, predictions: Any) -> tuple[np.ndarray, np.ndarray]:
    """Targets as booleans and predictions as floats, both n x K, or a ``DataError``."""
    import numpy as np

    true, scores = np.asarray(targets), np.asarray(predictions, dtype=np.float64)
    if true.ndim != 2 or true.shape != scores.shape or not true.size:
        raise DataError(
            f"'{name}' takes targets and predictions of n samples x K labels, n and K at least 1; these have the "
            f"shapes {true.shape} and {scores.shape}."
        )
    if not np.isin(true, (0, 1)).all():
        raise DataError(f"'{name}' is a metric of sets of labels, whose targets are 0 or 1.")
    if not np.isfinite(scores).all():
        raise DataError(
            f"'{name}' cannot be computed: a prediction is not finite.",
            "Look for NaN or infinite values, often caused by a learning rate that is too high.",
        )
    return true.astype(bool), scores


METRICS = (
    Metric(
        "mean_average_precision",
        _mean_average_precision,
        True,
        "Mean over the labels of average precision, the area under the precision-recall curve (mAP); 0 to 1. Labels "
        "that no sample has are left out.",
        bounds=(0, 1),
    ),
    Metric("micro_f1", _micro_f1, True, "F1 of all pairs of sample and label together; 0 to 1.", bounds=(0, 1)),
    Metric(
        "subset_accuracy",
        _subset_accuracy,
        True,
        "Share of samples whose labels are all right; 0 to 1.",
        bounds=(0, 1),
    ),
)
"""Metrics of sets of labels; ``macro_f1`` is also a metric of classes."""
