"""What intervals are made of: stratified groups of samples, Student's quantiles, and the delete-a-group jackknife."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.transfer.estimator import Measured

GROUPS = 10
FEWEST_SAMPLES = 8

_STUDENT_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def student_t(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with ``freedom`` >= 1 degrees of freedom, from tables; 1.96 to 2.04 beyond 30.

    Beyond the table the first term of the expansion in 1 / freedom is used (Abramowitz and Stegun, 26.7.5).
    """
    z = 1.959964
    return _STUDENT_975[freedom - 1] if freedom <= len(_STUDENT_975) else z + (z**3 + z) / (4 * freedom)


def assign_groups(strata: np.ndarray, groups: int, seed: int) -> np.ndarray:
    """A group from 0 to ``groups`` - 1 for each sample, drawn from ``seed``.

    Each stratum is shuffled and dealt out in turn, so that the sizes of the groups, and each stratum's share of every
    group, differ by at most one sample.
    """
    shuffled = np.random.default_rng(seed).permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    group = np.empty(len(strata), int)
    group[order] = np.arange(len(strata)) % groups
    return group


def jackknife(value: float, left_out: Sequence[float]) -> Measured:
    """``value`` with the interval of the delete-a-group jackknife (Kott, Journal of Official Statistics 17, 2001).

    Args:
        value: the estimate from all samples.
        left_out: the g estimates with one of g random groups left out.

    The variance of the estimate over data sets like this one is (g - 1) / g * sum (left out - their mean)^2; the
    interval is value -/+ t * its root, with g - 1 degrees of freedom. It is first order: it tells how far the value
    would move with other samples of the same kind, not how well the estimator predicts fine-tuning.
    """
    g = len(left_out)
    variance = (g - 1) / g * float(((np.array(left_out) - np.mean(left_out)) ** 2).sum())
    reach = student_t(g - 1) * math.sqrt(variance)
    return Measured(value, value - reach, value + reach)
