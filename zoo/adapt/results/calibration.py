"""Calibration: whether a model that is 80 % sure is right in 80 % of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BINS = 15
"""Number of bins, as in Guo et al."""

REDRAWN = 500
"""Number of simulated tests of a perfectly calibrated model."""


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error of a test, 0 to 1.

    Attributes:
        error: mean difference of confidence and accuracy over bins of equal width, weighted by their samples.
        confidence, accuracy: means over all samples.
        by_chance: the error that 95 % of perfectly calibrated models with the same confidences stay below; it is above
            0 because bins have few samples.
    """

    error: float
    confidence: float
    accuracy: float
    by_chance: float


def calibration(correct: Sequence[bool], confidences: Sequence[float]) -> Calibration:
    """The calibration of n predictions (Guo et al., "On calibration of modern neural networks", 2017, equation 3).

    Args:
        correct: whether each prediction is right.
        confidences: the probability of each predicted class, 0 to 1.
    """
    import numpy as np

    right, sure = np.asarray(correct, dtype=np.float64), np.asarray(confidences, dtype=np.float64)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    generator = np.random.default_rng(0)
    simulated = (generator.random(len(sure)) < sure for _ in range(REDRAWN))
    chance = np.quantile([_error(one.astype(np.float64), sure, bins) for one in simulated], 0.95)
    return Calibration(_error(right, sure, bins), float(sure.mean()), float(right.mean()), float(chance))


def calibration_error(correct: Sequence[bool], confidences: Sequence[float]) -> float:
    """The expected calibration error alone, see ``calibration``."""
    import numpy as np

    right, sure = np.asarray(correct, dtype=np.float64), np.asarray(confidences, dtype=np.float64)
    return _error(right, sure, np.minimum((sure * BINS).astype(int), BINS - 1))


def _error(right: np.ndarray, sure: np.ndarray, bins: np.ndarray) -> float:
    import numpy as np

    return float(np.abs(np.bincount(bins, sure - right, minlength=BINS)).sum() / len(sure))
