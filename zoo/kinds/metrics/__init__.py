"""Task metrics: one number from targets and predictions.

An interval takes a hundred of them, so those of classes and numbers are plain arithmetic on arrays; the tests compare
them with scikit-learn's.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError, InvalidInput, needs_extra, suggest
from zoo.kinds.metrics import labels

if TYPE_CHECKING:
    import numpy as np


def known_metrics() -> dict[str, Metric]:
    """The metrics of kinds and plugins, by name."""
    from zoo.plugins import plugins

    known: dict[str, Metric] = {}
    for found in plugins().items("zoo_metrics", Metric):
        known.setdefault(found.name, found)
    for kind in plugins().kinds.values():
        for found in kind.metrics:
            known.setdefault(found.name, found)
    return known


def metric(name: str) -> Metric:
    """The metric called ``name``, of a kind or a plugin.

    Raises:
        InvalidInput: there is none, with the nearest names.
    """
    known = known_metrics()
    if name not in known:
        hint = suggest(name, known) or f"Metrics: {', '.join(sorted(known))}."
        raise InvalidInput(f"There is no metric called '{name}'.", hint)
    return known[name]


def _accuracy(targets: np.ndarray, predictions: np.ndarray) -> float:
    true, predicted = _classes("accuracy", targets, predictions)
    return float((true == predicted).mean())


def _macro_f1(targets: np.ndarray, predictions: np.ndarray) -> float:
    import numpy as np

    if np.ndim(targets) == 2:
        return labels.macro_f1(targets, predictions)
    hits, true, predicted = _counts("macro_f1", targets, predictions)
    # Only classes that are true or predicted occur here; one that is never predicted counts as 0.
    return float((2 * hits / (true + predicted)).mean())


def _matthews_correlation(targets: np.ndarray, predictions: np.ndarray) -> float:
    import numpy as np

    hits, true, predicted = _counts("matthews_correlation", targets, predictions)
    samples = true.sum()
    spread = (samples**2 - (true**2).sum()) * (samples**2 - (predicted**2).sum())
    if spread == 0:
        return 0.0  # with only one class, there is no correlation
    return float((samples * hits.sum() - (true * predicted).sum()) / np.sqrt(spread))


def _rmse(targets: np.ndarray, predictions: np.ndarray) -> float:
    true, predicted = _numbers("rmse", targets, predictions)
    return float(((true - predicted) ** 2).mean() ** 0.5)


def _mean_absolute_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    true, predicted = _numbers("mean_absolute_error", targets, predictions)
    return float(abs(true - predicted).mean())


def _r2(targets: np.ndarray, predictions: np.ndarray) -> float:
    true, predicted = _numbers("r2", targets, predictions, least=2)
    error, variance = ((true - predicted) ** 2).sum(), ((true - true.mean()) ** 2).sum()
    if variance == 0:
        return 1.0 if error == 0 else 0.0
    return float(1 - error / variance)


def _roc_auc(targets: np.ndarray, predictions: np.ndarray) -> float:
    """The share of pairs in the right order, ties counting half (Hanley and McNeil, 1982), from ranks."""
    import numpy as np

    true, predicted = _numbers("roc_auc", targets, predictions, least=2)
    if set(true.tolist()) != {0.0, 1.0}:
        raise DataError(
            "'roc_auc' needs targets that are 0 or 1, and both must occur.",
            "Evaluate other numbers by rmse or spearman.",
        )
    positive = true == 1
    _, of, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[of.reshape(-1)]
    ones = int(positive.sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(true) - ones)))


def _spearman(targets: np.ndarray, predictions: np.ndarray) -> float:
    with needs_extra("data", "compute rank correlations"):
        from scipy.stats import spearmanr
    true, predicted = _numbers("spearman", targets, predictions, least=2)
    if (true == true[0]).all() or (predicted == predicted[0]).all():
        # Without an order of the targets, the correlation is 0 / 0.
        return 0.0
    return float(spearmanr(true, predicted).statistic)


def _classes(name: str, targets: Any, predictions: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of class indices, or a ``DataError``."""
    true, predicted = _pair(name, targets, predictions)
    for values, what in ((true, "targets"), (predicted, "predictions")):
        if values.dtype.kind not in "iub":
            raise DataError(
                f"'{name}' is a metric of classes, but the {what} are not integers.",
                "Evaluate numbers by rmse, mean_absolute_error, r2 or spearman.",
            )
    return true, predicted


def _counts(name: str, targets: Any, predictions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each class that is true or predicted somewhere: correct, true and predicted samples, as floats."""
    import numpy as np

    true, predicted = _classes(name, targets, predictions)
    classes, of = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    first, second = np.split(of.reshape(-1), 2)
    counts = (np.bincount(one, minlength=len(classes)) for one in (first[first == second], first, second))
    hits, known, found = (one.astype(np.float64) for one in counts)
    return hits, known, found


def _numbers(name: str, targets: Any, predictions: Any, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of numbers, or a ``DataError``; whole-number targets are class indices, as everywhere in zoo."""
    import numpy as np

    true, predicted = _pair(name, targets, predictions, least)
    if true.dtype.kind != "f":
        raise DataError(
            f"'{name}' is a metric of numbers, but the targets are class indices.",
            "Pass numbers as floating-point values; evaluate classes by accuracy or macro_f1.",
        )
    predicted = predicted.astype(np.float64)
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise DataError(
            f"'{name}' cannot be computed: a target or a prediction is not finite.",
            "Look for NaN or infinite values, often caused by a learning rate that is too high.",
        )
    return true.astype(np.float64), predicted


def _pair(name: str, targets: Any, predictions: Any, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    true, predicted = np.asarray(targets), np.asarray(predictions)
    if true.ndim != 1 or true.shape != predicted.shape or len(true) < least:
        raise DataError(
            f"'{name}' takes equally many targets and predictions, at least {least}; these have the shapes "
            f"{true.shape} and {predicted.shape}."
        )
    return true, predicted


CLASSES = (
    Metric("accuracy", _accuracy, True, "Share of samples classified correctly; 0 to 1.", bounds=(0, 1)),
    Metric("macro_f1", _macro_f1, True, "Mean F1 over the classes, or over the labels; 0 to 1.", bounds=(0, 1)),
    Metric(
        "matthews_correlation",
        _matthews_correlation,
        True,
        "Correlation of predicted and true classes, for several as in Gorodkin (2004); -1 to 1, 0 by chance.",
        bounds=(-1, 1),
    ),
)
"""Metrics of classes: integer targets."""

NUMBERS = (
    Metric("rmse", _rmse, False, "Root of the mean squared error, in the targets' unit; 0 and up.", bounds=(0, inf)),
    Metric(
        "mean_absolute_error",
        _mean_absolute_error,
        False,
        "Mean absolute error, in the targets' unit; 0 and up.",
        bounds=(0, inf),
    ),
    Metric(
        "roc_auc",
        _roc_auc,
        True,
        "Probability that a sample with target 1 is ranked above one with target 0; 0 to 1, 0.5 by chance.",
        bounds=(0, 1),
    ),
    Metric(
        "r2",
        _r2,
        True,
        "Share of the targets' variance that is explained; at most 1, 0 for predicting the mean.",
        bounds=(-inf, 1),
    ),
    Metric("spearman", _spearman, True, "Rank correlation of predictions and targets; -1 to 1.", bounds=(-1, 1)),
)
"""Metrics of numbers: floating-point targets."""
