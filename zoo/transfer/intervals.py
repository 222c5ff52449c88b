"""Building blocks of intervals: stratified groups of samples, Student's quantiles, the delete-a-group jackknife, the
interval of a proportion, and the error of the difference between two models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from zoo.contract.estimator import Measured

GROUPS = 10
FEWEST_SAMPLES = 8
MOST_RECOMPUTED = 2000
"""Maximum number of samples for the jackknife of an estimator that needs the features themselves."""

_STUDENT_975 = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
    2.120,
    2.110,
    2.101,
    2.093,
    2.086,
    2.080,
    2.074,
    2.069,
    2.064,
    2.060,
    2.056,
    2.052,
    2.048,
    2.045,
    2.042,
)


def student_t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with ``freedom`` >= 1 degrees of freedom, tabulated; 1.96 to 2.04 beyond 30.

    Beyond the table the first term of the expansion in 1 / freedom is used (Abramowitz and Stegun, 26.7.5).
    """
    z = 1.959964
    return _STUDENT_975[freedom - 1] if freedom <= len(_STUDENT_975) else z + (z**3 + z) / (4 * freedom)


def student_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t for a probability in (0, 1) and ``freedom`` >= 1 degrees of freedom.

    Exact for 1 and 2; from 3 on Hill's asymptotic inverse ("Algorithm 396: Student's t-quantiles", Communications of
    the ACM 13 (1970)), with a relative error of at most 1e-3, and less with more degrees of freedom.
    """
    if probability < 0.5:
        return -student_quantile(1.0 - probability, freedom)
    tail = 2.0 * (1.0 - probability)  # both tails, as in the algorithm
    if freedom == 1:
        return 1.0 / math.tan(tail * math.pi / 2)
    if freedom == 2:
        return math.sqrt(2.0 / (tail * (2.0 - tail)) - 2.0)
    n = float(freedom)
    a = 1.0 / (n - 0.5)
    b = 48.0 / (a * a)
    c = ((20700.0 * a / b - 98.0) * a - 16.0) * a + 96.36
    d = ((94.5 / (b + c) - 3.0) / b + 1.0) * math.sqrt(a * math.pi / 2) * n
    y = (d * tail) ** (2.0 / n)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tail / 2)
        y = x * x
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x
        y = math.expm1(a * y * y)
    else:
        y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0) + 0.5 / (n + 4.0)) * y - 1.0) * (
            n + 1.0
        ) / (n + 2.0) + 1.0 / y
    return math.sqrt(n * y)


class Difference(NamedTuple):
    """The difference between two models' values.

    Attributes:
        value: the difference.
        error: its standard error.
        freedom: degrees of freedom of the error.
    """

    value: float
    error: float
    freedom: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The two-sided interval of the difference."""
        reach = student_quantile(0.5 + confidence / 2, self.freedom) * self.error
        return self.value - reach, self.value + reach


def difference(one: Measured, other: Measured) -> Difference | None:
    """``one`` minus ``other``, both by the same estimator on the same samples with the same seed.

    If both have parts, these are paired, so that variation of the samples common to both models cancels out.
    Otherwise the two intervals are treated as independent, which overestimates the error rather than underestimating
    it; the longer side of each is used, because the other may be clipped to the range of the figure. None without
    intervals.
    """
    if len(one.parts) == len(other.parts) > 1:
        pairs = np.array(one.parts) - np.array(other.parts)
        n = len(pairs)
        return Difference(one.value - other.value, float(pairs.std(ddof=1)) / math.sqrt(n), n - 1)
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    reach = math.hypot(*(max(m.value - m.low, m.high - m.value) for m in (one, other)))  # type: ignore[operator]
    return Difference(one.value - other.value, reach / student_t(GROUPS - 1), GROUPS - 1)


def strata(targets: np.ndarray) -> np.ndarray:
    """The strata of the samples: their classes; a single stratum for numbers and several labels."""
    return targets if targets.dtype.kind == "i" else np.zeros(len(targets), int)


def assign_groups(stratum: np.ndarray, groups: int, seed: int, units: np.ndarray | None = None) -> np.ndarray:
    """A group from 0 to ``groups`` - 1 for each sample, drawn from ``seed``.

    Each stratum is shuffled and assigned round-robin, so that the sizes of the groups, and each stratum's share of
    every group, differ by at most one sample. With ``units`` (which samples belong together, numbered from 0), whole
    units are assigned, each in the stratum of its first sample.
    """
    if units is not None:
        _, first, of = np.unique(units, return_index=True, return_inverse=True)
        return assign_groups(stratum[first], groups, seed)[of.reshape(-1)]
    shuffled = np.random.default_rng(seed).permutation(len(stratum))
    order = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    group = np.empty(len(stratum), int)
    group[order] = np.arange(len(stratum)) % groups
    return group


def subsample(targets: np.ndarray, samples: int, units: np.ndarray | None = None) -> np.ndarray:
    """Indices of about ``samples`` samples (all, if there are no more), evenly by class, whole units, fixed seed."""
    parts = -(-len(targets) // samples)
    if parts <= 1:
        return np.arange(len(targets))
    return np.flatnonzero(assign_groups(strata(targets), parts, 0, units) == 0)


def jackknife(value: float, left_out: Sequence[float], scale: float = 1.0) -> Measured:
    """``value`` with the interval of the delete-a-group jackknife (Kott, Journal of Official Statistics 17, 2001).

    Args:
        value: the estimate from all samples.
        left_out: the g estimates with one of g random groups left out.
        scale: factor on the half-width: sqrt(m / n) if only m of the n samples were assigned to groups.

    The interval is value -/+ t * the root of ``jackknife_variance``, with g - 1 degrees of freedom. It covers the
    variation of the value over samples of the same kind, not how well the estimator predicts fine-tuning.
    """
    g = len(left_out)
    reach = scale * student_t(g - 1) * math.sqrt(jackknife_variance(left_out))
    # Tukey's pseudo-values, shifted so that their mean is the estimate itself, without bias correction.
    pseudo = value + scale * (g - 1) * (np.mean(left_out) - np.array(left_out))
    return Measured(value, value - reach, value + reach, tuple(pseudo.tolist()))


def jackknife_variance(left_out: Sequence[float] | np.ndarray) -> float:
    """The variance of an estimate over data sets like this one, from the g estimates without one of g random groups.

    (g - 1) / g * sum (left out - their mean)^2 (Wolter, "Introduction to variance estimation", 2007, equation 4.2.3).
    """
    g = len(left_out)
    return (g - 1) / g * float(((np.asarray(left_out) - np.mean(left_out)) ** 2).sum())


def score_interval(share: float, size: float, t: float) -> tuple[float, float]:
    """The interval of a proportion of ``size`` independent samples, from 0 to 1, with the quantile ``t``.

    It is the set of true proportions p with ``|share - p| <= t sqrt(p (1 - p) / size)`` (Wilson, Journal of the
    American Statistical Association 22, 1927).
    """
    centre = (share + t * t / (2 * size)) / (1 + t * t / size)
    margin = t / (1 + t * t / size) * math.sqrt(max(share * (1 - share), 0.0) / size + t * t / (4 * size * size))
    return max(0.0, centre - margin), min(1.0, centre + margin)


def mean_of_folds(values: Sequence[float], most: float) -> Measured:
    """The mean over folds with mean -/+ t * standard error, at most ``most``.

    The folds' values are treated as independent, which holds asymptotically for stable learners such as ridge
    regression (Bayle et al., "Cross-validation confidence intervals for test error", NeurIPS 2020). For metrics without
    a lower limit; for accuracies, whose folds may agree by chance, see ``proportion``.
    """
    k, mean = len(values), float(np.mean(values))
    reach = student_t(k - 1) * float(np.std(values, ddof=1)) / math.sqrt(k)
    return Measured(mean, mean - reach, min(mean + reach, most), tuple(values))


def mean_of_samples(gains: np.ndarray, most: float, units: np.ndarray | None = None) -> Measured:
    """The mean of one number per sample with mean -/+ t * standard error, at most ``most``.

    The errors of samples that belong together, numbered from 0 in ``units``, are correlated: the error is that of their
    sums.
    """
    value = float(gains.mean())
    error, count = _error_of_mean(gains, units)
    reach = student_t(count - 1) * error
    return Measured(value, value - reach, min(value + reach, most), tuple(gains.tolist()))


def proportion(right: np.ndarray, units: np.ndarray | None = None, value: float | None = None) -> Measured:
    """The mean of one number from 0 to 1 per sample (1 where correct) with its score interval, inside 0 to 1.

    Its width is positive even if all samples are correct: 1 - p of new samples may still be wrong as long as p^n is not
    unlikely. The size is the effective number of samples, ``value (1 - value)`` over the squared standard error, which
    is n - 1 for independent samples and less for correlated ones (Korn and Graubard, Survey Methodology 24, 1998); if
    no sample differs from another it is the number of units. The errors of a cross-validated model's samples are those
    of its folds (Bayle et al., "Cross-validation confidence intervals for test error", NeurIPS 2020).

    Args:
        right: n numbers.
        units: which samples belong together, numbered from 0; None if all are independent.
        value: the estimate, if it differs from the mean over samples (folds of different size).
    """
    value = float(right.mean()) if value is None else value
    error, count = _error_of_mean(right, units)
    variance = value * (1.0 - value)
    effective = variance / error**2 if variance > 0.0 and error > 0.0 else float(count)
    low, high = score_interval(value, effective, student_t(count - 1))
    # Rounding must not leave the value outside.
    return Measured(value, min(low, value), max(high, value), tuple(right.tolist()))


def within(found: Measured, bounds: tuple[float, float], samples: int) -> Measured:
    """The same, with the interval clipped to the range of the figure.

    Figures from 0 to 1 are means over ``samples`` samples (or units): however little these differ, the interval is at
    least as wide as that of a proportion at 0 or 1.
    """
    if found.low is None or found.high is None:
        return found
    least, most = bounds
    low, high = max(found.low, least), min(found.high, most)
    if bounds == (0.0, 1.0):
        unseen = student_t(samples - 1) ** 2
        unseen /= samples + unseen
        low, high = min(low, found.value * (1.0 - unseen)), max(high, found.value + (1.0 - found.value) * unseen)
    return Measured(found.value, low, high, found.parts)


def _error_of_mean(values: np.ndarray, units: np.ndarray | None) -> tuple[float, int]:
    """Standard error of the mean of one number per sample, and the number of units."""
    apart = (
        values if units is None else np.bincount(units, values - values.mean()) * ((int(units.max()) + 1) / len(values))
    )
    return float(apart.std(ddof=1)) / math.sqrt(len(apart)), len(apart)
