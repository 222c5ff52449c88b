"""Ends a trial whose learning curve says that it will not become the best.

The learning curves of earlier trials say how much a score still rises from each part of a training to its end. A trial
ends if, with the upper end of what a further curve may rise, it stays below the best trial so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from zoo.transfer.intervals import student_t

FEWEST = 3
"""Curves that must have ended before any trial is pruned."""


@dataclass(frozen=True)
class Curve:
    """The validation scores of a training by epoch, and how many epochs it was planned for; higher is better."""

    scores: tuple[float, ...]
    epochs: int

    def best_at(self, share: float) -> float:
        """The best score in the first ``share`` of the planned epochs."""
        return max(self.scores[: max(1, round(share * self.epochs))])

    @property
    def best(self) -> float:
        """The best score of all."""
        return max(self.scores)


def is_hopeless(curve: Curve, ended: Sequence[Curve]) -> bool:
    """Whether a training, so far with ``curve``, will end below the best of those that ended.

    The rise that is left is compared at the same share of the planned epochs, because the learning rate falls to 0 over
    them. Its upper end is that of a 95 % prediction interval for one more curve.
    """
    if len(ended) < FEWEST or len(curve.scores) < 2:
        return False
    share = len(curve.scores) / curve.epochs
    if share >= 1:
        return False
    rises = [one.best - one.best_at(share) for one in ended]
    margin = student_t(len(rises) - 1) * stdev(rises) * sqrt(1 + 1 / len(rises))
    return curve.best + fmean(rises) + margin < max(one.best for one in ended)
