"""When a candidate stops: once the full measurement would hardly put it ahead of the leader by more than its error.

Two candidates are compared in pairs on the m samples so far; s is the standard error of their difference there. The
full measurement holds these m samples and N - m more, so that its difference lies around the one so far with a standard
error of s sqrt(1 - m / N), the finite population correction (Cochran, "Sampling Techniques", 3rd edition 1977, section
2.6; Serfling, Annals of Statistics 2 (1974), for the bound without normality). Its own error will be s sqrt(m / N), and
a lead within 1.96 of those is what the ranking calls a tie. So a candidate goes on only while

    t(0.995) s sqrt(1 - m / N) - gap  >  t(0.975) s sqrt(m / N),

with 0 on the right as long as m is below a quarter of N: features are judged by what can be learnt from m samples, and
that order is trusted over a longer stretch only where somebody lies surely behind.

This is successive elimination with a tolerance (Even-Dar, Mannor and Mansour, "Action elimination and stopping
conditions for the multi-armed bandit and reinforcement learning problems", JMLR 7 (2006)): the error of the full
measurement, in whatever unit the estimator has. With at most eight looks before the last, the union bound leaves a
candidate that the full measurement puts ahead beyond its error a chance of 4 % at most to be stopped by one given
leader. That counts chance alone: models whose order changes as samples are added can still be misjudged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from zoo.transfer.estimator import Measured
from zoo.transfer.intervals import difference, student_quantile

CONFIDENCE = 0.995
"""One-sided, at each look."""

FIRST = 100
"""Fewest samples of the first look; below, errors themselves are too rough to stop anyone."""

PER_CLASS = 4
"""Fewest samples a class of the first look."""

TOLERANT_FROM = 0.24
"""Share of the samples from which a tie is reason enough to stop: a quarter, or what rounding makes of it."""

MOST_LOOKS = 9
"""The last one, at all samples, included."""


def looks(samples: int, classes: int) -> tuple[int, ...]:
    """Numbers of samples to look at, ascending to all of them, each the root of 2 times the one before.

    Small steps cost no forward pass, as each holds the samples before it, and save those that come too late.
    """
    sizes = [samples]
    for step in range(1, MOST_LOOKS):
        size = round(samples / 2 ** (step / 2))
        if size < max(FIRST, PER_CLASS * classes):
            break
        sizes.insert(0, size)
    return tuple(sizes)


@dataclass(frozen=True)
class Outlook:
    """What can be said of a candidate against the leader on the samples so far.

    Attributes:
        gap: how far it lies behind, in the unit of the estimator.
        error: the standard error of the gap.
        surely: how far it lies behind with 99.5 % confidence on samples like these; 0 or less where that is not sure.
        hopeless: whether it will hardly be ahead by more than the full measurement's error.
    """

    gap: float
    error: float
    surely: float
    hopeless: bool

    def in_words(self, leader: str, count: int, samples: int) -> str:
        """Why it stops after ``count`` of ``samples`` samples, in a sentence or two."""
        if self.surely > 0:
            return (
                f"Stopped after {count:,} samples: {self.gap:.3g} behind {leader}, and at least {self.surely:.2g} with "
                f"{CONFIDENCE:.1%} confidence."
            )
        return (
            f"Stopped after {count:,} samples: {self.gap:.3g} behind {leader} with a standard error of "
            f"{self.error:.2g}; even all {samples:,} would hardly put it ahead by more than their error."
        )


def outlook(leader: Measured, other: Measured, count: int, samples: int) -> Outlook | None:
    """The outlook after ``count`` of ``samples`` samples; None where nothing is known of errors.

    Args:
        leader, other: values of one estimator on the same ``count`` samples with the same seed.
    """
    found = difference(leader, other)
    if found is None:
        return None
    share = count / samples
    reach = student_quantile(CONFIDENCE, found.freedom) * found.error
    tolerance = (
        student_quantile(0.975, found.freedom) * found.error * math.sqrt(share) if share >= TOLERANT_FROM else 0.0
    )
    hopeless = reach * math.sqrt(1.0 - share) - found.value <= tolerance
    return Outlook(found.value, found.error, found.value - reach, hopeless)
