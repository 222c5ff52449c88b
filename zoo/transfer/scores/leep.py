"""LEEP and NCE: how well the source classes that a model predicts determine the target classes.

Both need the probabilities of the source classes, which only a model with its own classifier has. Nguyen, Hassner,
Seeger and Archambeau, "LEEP: A New Measure to Evaluate Transferability of Learned Representations", ICML 2020, equation
2; Tran, Nguyen and Hassner, "Transferability and Hardness of Supervised Classification Tasks", ICCV 2019, equation 8.
"""

from __future__ import annotations

import numpy as np

from zoo.errors import InvalidInput


def leep(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Log expected empirical prediction, in nats per sample; at most 0, at least about minus the classes' entropy.

    P(y | z) is estimated from all samples, each counting for every source class z by its probability; the score is the
    mean of log sum_z P(y | z) p(z | x) at the true y. Source classes that no sample is assigned to are ignored.

    Args:
        probabilities: of the S source classes, n x S; rows add up to 1.
        targets: n class indices.

    Cost: O(n S K).

    Raises:
        InvalidInput: rows that are not probabilities; names the sample.
    """
    check_probabilities(probabilities)
    return float(log_predictions(probabilities.astype(np.float64), targets).mean())


def log_predictions(responsibilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Log expected empirical prediction of each sample, n, whose mean is LEEP.

    Args:
        responsibilities: probabilities of source classes or of the components of a mixture, n x S.
        targets: n class indices.
    """
    joint = np.zeros((int(targets.max()) + 1, responsibilities.shape[1]))
    np.add.at(joint, targets, responsibilities)
    total = joint.sum(axis=0)
    given = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    predicted = (responsibilities * given[targets]).sum(axis=1)
    return np.asarray(np.log(predicted))


def nce(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Negative conditional entropy -H(y | z) in nats, -log K to 0; z is each sample's most probable source class.

    The plain estimate from counts, as in the paper; some implementations add a small constant to each count.

    Cost: O(n S).

    Raises:
        InvalidInput: rows that are not probabilities; names the sample.
    """
    check_probabilities(probabilities)
    joint = np.zeros((int(targets.max()) + 1, probabilities.shape[1]))
    np.add.at(joint, (targets, probabilities.argmax(axis=1)), 1.0 / len(targets))
    source = np.broadcast_to(joint.sum(axis=0), joint.shape)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / source[seen])).sum())


def check_probabilities(values: np.ndarray) -> None:
    """Reject rows with a negative value or a sum that is not 1, naming the first.

    Raises:
        InvalidInput: there is one.
    """
    sums = values.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero((values < 0).any(axis=1) | (np.abs(sums - 1.0) > 1e-2))
    if len(wrong):
        raise InvalidInput(
            f"The probabilities of sample {int(wrong[0])} (counting from 0) add up to {sums[wrong[0]]:.4g}, not to 1, "
            "or one is negative.",
            "Pass the probabilities of the source classes, after the softmax, not features or logits.",
        )
