"""The axis for comparing scores on one data set: equal steps mean the same, and outliers do not dominate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SOFTENING = 0.002
"""Added to error rates before their logarithm is taken, so that a perfect score is not infinitely far away."""

SPREAD_SHARE = 0.25
"""Share of the standard deviation that is added to the robust spread, for data sets with mostly equal scores."""

FARTHEST = 4.0
"""Scores are clipped at this many units from the middle."""


@dataclass(frozen=True)
class Axis:
    """Scores as ``-log(1 - score + 0.002)`` where none is above one (fractions, correlations), else as they are.

    From 0.98 to 0.99 the errors are halved, as from 0.8 to 0.9: equal steps in the logarithm of the error rate.
    """

    logarithmic: bool

    @classmethod
    def of(cls, scores: np.ndarray) -> Axis:
        """The axis for these scores; NaN is ignored."""
        known = scores[~np.isnan(scores)]
        return cls(bool(len(known)) and float(known.max()) <= 1.0 and float(known.min()) >= -1.0)

    def place(self, scores: np.ndarray) -> np.ndarray:
        """The positions of scores on the axis."""
        return -np.log1p(SOFTENING - np.minimum(scores, 1.0)) if self.logarithmic else np.asarray(scores, dtype=float)

    def score(self, places: np.ndarray) -> np.ndarray:
        """The scores at these positions."""
        return 1.0 + SOFTENING - np.exp(-np.asarray(places)) if self.logarithmic else np.asarray(places, dtype=float)

    def slope(self, score: float) -> float:
        """The change of the score per unit of the axis, at this score."""
        return 1.0 + SOFTENING - min(score, 1.0) if self.logarithmic else 1.0


def standardise(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns with mean 0 and variance 1 after clipping, their offsets and their scales.

    Values more than four robust spreads from the median are clipped. The robust spread is the median absolute
    deviation (as a standard deviation) plus a quarter of the standard deviation: one diverged run among a hundred
    good ones changes little.
    """
    centre = np.nanmedian(places, axis=0)
    deviation = 1.4826 * np.nanmedian(np.abs(places - centre), axis=0)
    spread = deviation + SPREAD_SHARE * np.nanstd(places, axis=0)
    clipped = np.clip((places - centre) / spread, -FARTHEST, FARTHEST)
    mean, length = np.nanmean(clipped, axis=0), np.nanstd(clipped, axis=0)
    return (clipped - mean) / length, centre + spread * mean, spread * length
