"""Stops candidates that the full measurement is unlikely to put ahead of the leader by more than its error.

Two candidates are compared in pairs on the m samples so far; s is the standard error of their difference there. The
full measurement has these m samples and N - m more, so its difference varies around the current one with a standard
error of s sqrt(1 - m / N), the finite population correction (Cochran, "Sampling Techniques", 3rd edition 1977, section
2.6; Serfling, Annals of Statistics 2 (1974), for the bound without normality). Its own error will be s sqrt(m / N), and
a lead within 1.645 of those counts as a tie. So a candidate continues only while

    t(0.998) s sqrt(1 - m / N) - gap  >  t(0.95) s sqrt(m / N),

with 0 on the right while m is below a quarter of N: that early, an order is extrapolated only if a candidate is clearly
behind. Two that agree on every sample so far have an error of 0, which says nothing about the samples to come: neither
stops before that quarter.

Scores of high-dimensional features rise for longer with more samples, so the gap changes systematically. A
candidate's values on the growing parts are fitted by a + b / sqrt(m), a power law as learning curves follow (Viering
and Loog, "The shape of learning curves: a review", IEEE TPAMI 45 (2023)), from the third part on. The leader is the
candidate that is predicted to be ahead on all samples, and the gap above is the mean of the current gap and the
predicted one, because the fit to few parts is rough.

This is successive elimination with a tolerance (Even-Dar, Mannor and Mansour, "Action elimination and stopping
conditions for the multi-armed bandit and reinforcement learning problems", JMLR 7 (2006)): the error of the full
measurement, in the unit of the estimator. With at most eight looks before the last, the union bound limits to 2 % the
probability that a given leader stops a candidate that the full measurement would put ahead beyond its error. That
covers random error only: models whose curves differ from the fit can still be stopped wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo.contract.estimator import Measured
from zoo.transfer.intervals import difference, student_quantile

CONFIDENCE = 0.998
"""One-sided, at each look."""

TIE_CONFIDENCE = 0.95
"""One-sided, of the error of the full measurement within which two are tied."""

FIRST = 100
"""Minimum number of samples at the first look; with fewer, the errors themselves are too rough to stop a candidate."""

PER_CLASS = 4
"""Minimum samples per class at the first look."""

TOLERANT_FROM = 0.24
"""Minimum share of the samples at which a tie is enough to stop: a quarter, minus rounding."""

FEWEST_FITTED = 3
"""Minimum number of parts for fitting a curve."""

MOST_LOOKS = 9
"""Maximum number of looks, including the last one, at all samples."""


def looks(samples: int, classes: int) -> tuple[int, ...]:
    """Numbers of samples to look at, ascending to all of them, each sqrt(2) times the previous one.

    Small steps cost no forward pass, because each contains the previous samples, and stop candidates sooner.
    """
    sizes = [samples]
    for step in range(1, MOST_LOOKS):
        size = round(samples / 2 ** (step / 2))
        if size < max(FIRST, PER_CLASS * classes):
            break
        sizes.insert(0, size)
    return tuple(sizes)


def extrapolated(values: Mapping[int, float], samples: int) -> float:
    """The value predicted for all ``samples``, from those measured on growing parts.

    The parts are nested, so what each adds to the sum of contributions is independent of the previous parts: these
    increments are fitted, weighted by their numbers of samples. Measured values are kept; the rest is predicted.

    Args:
        values: by number of samples, for all parts up to the last one.
    """
    counts = np.array(sorted(values), dtype=float)
    last = values[int(counts[-1])]
    if len(counts) < FEWEST_FITTED or counts[-1] >= samples:
        return last
    sums = counts * np.array([values[int(count)] for count in counts])
    grown, columns = np.diff(counts, prepend=0.0), np.diff(np.sqrt(counts), prepend=0.0)
    weights = np.sqrt(1.0 / grown)
    design = np.stack([grown, columns], axis=1) * weights[:, None]
    (level, bend), *_ = np.linalg.lstsq(design, np.diff(sums, prepend=0.0) * weights, rcond=None)
    rest = level * (samples - counts[-1]) + bend * (math.sqrt(samples) - math.sqrt(counts[-1]))
    return float((sums[-1] + rest) / samples)


@dataclass(frozen=True)
class Outlook:
    """A candidate compared with the leader on the samples so far.

    Attributes:
        gap: how far it is behind, in the unit of the estimator; negative where it is ahead so far.
        predicted: how far it will be behind on all samples if both curves continue.
        error: the standard error of the gap.
        at_least: how far it is behind with 99.8 % confidence on samples like these; 0 or less if that is uncertain.
        hopeless: whether it is unlikely to be ahead by more than the full measurement's error.
    """

    gap: float
    predicted: float
    error: float
    at_least: float
    hopeless: bool

    def in_words(self, leader: str, count: int, samples: int) -> str:
        """Why it stops after ``count`` of ``samples`` samples, in a sentence."""
        if self.at_least > 0:
            return (
                f"Stopped after {count:,} samples: {self.gap:.3g} behind {leader}, and at least {self.at_least:.2g} "
                f"with {CONFIDENCE:.1%} confidence."
            )
        stands = f"{abs(self.gap):.3g} {'ahead of' if self.gap < 0 else 'behind'} {leader}"
        change = abs(self.predicted - self.gap) > 0.005 * max(abs(self.gap), self.error)
        way = f"{abs(self.predicted):.3g} {'ahead' if self.predicted < 0 else 'behind'}"
        return (
            f"Stopped after {count:,} samples: {stands} with a standard error of {self.error:.2g}"
            f"{f', and predicted {way} on all' if change else ''}; even all {samples:,} are "
            f"unlikely to put it ahead by more than their error."
        )


def outlook(leader: Measured, other: Measured, count: int, samples: int, ahead: float | None = None) -> Outlook | None:
    """The outlook after ``count`` of ``samples`` samples; None if the errors are unknown.

    Args:
        leader, other: values of one estimator on the same ``count`` samples with the same seed.
        ahead: by how much the leader is predicted to be ahead on all samples; None without a prediction.
    """
    found = difference(leader, other)
    if found is None:
        return None
    share = count / samples
    reach = student_quantile(CONFIDENCE, found.freedom) * found.error
    tolerance = 0.0
    if share >= TOLERANT_FROM:
        tolerance = student_quantile(TIE_CONFIDENCE, found.freedom) * found.error * math.sqrt(share)
    ahead = found.value if ahead is None else ahead
    hopeless = reach * math.sqrt(1.0 - share) - (found.value + ahead) / 2 <= tolerance
    if found.error == 0.0 and found.value == 0.0 and share < TOLERANT_FROM:
        hopeless = False  # the two agree on every sample so far
    return Outlook(found.value, ahead, found.error, found.value - reach, hopeless)
