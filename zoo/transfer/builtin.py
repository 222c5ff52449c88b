"""The estimators that zoo brings itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.transfer.checks import check_pair
from zoo.transfer.estimator import Estimator, Measured
from zoo.transfer.hscore import hscore
from zoo.transfer.linear_probe import linear_probe
from zoo.transfer.logme import logme
from zoo.transfer.measure import gather
from zoo.transfer.statistics import Statistics


def _scored(from_statistics: Callable[[Statistics], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    def score(features: np.ndarray, targets: np.ndarray) -> float:
        features, targets, kind = check_pair(features, targets)
        return from_statistics(gather(features, targets, int(targets.max()) + 1 if kind == "class" else None))

    return score


def _probe_score(features: np.ndarray, targets: np.ndarray) -> float:
    return linear_probe(features, targets).mean


def _probe_measure(features: np.ndarray, targets: np.ndarray, seed: int) -> Measured:
    result = linear_probe(features, targets, seed=seed)
    return Measured(result.mean, *result.interval, result.contributions)


ESTIMATORS = (
    Estimator(
        "logme",
        "LogME",
        _scored(logme),
        ("class", "number"),
        "You et al., LogME: Practical Assessment of Pre-trained Models for Transfer Learning, ICML 2021, section 4.2",
        "any real number, in nats a sample; comparable between models on the same targets only",
        from_statistics=logme,
    ),
    Estimator(
        "hscore",
        "Shrinkage H-score",
        _scored(hscore),
        ("class",),
        "Ibrahim, Ponomareva and Mazumder, Newer is not always better: Rethinking Transferability Metrics, ECML-PKDD "
        "2022, shrinkage-based H-score",
        "0 to about the number of classes less one, without unit",
        from_statistics=hscore,
    ),
    Estimator(
        "linear-probe",
        "Cross-validated linear probe",
        _probe_score,
        ("class", "number"),
        "Ridge regression, 5 folds, penalty by generalised cross-validation (Golub, Heath and Wahba, 1979)",
        "accuracy, 0 to 1, for classes; R^2, at most 1, for numbers",
        measure=_probe_measure,
    ),
)
