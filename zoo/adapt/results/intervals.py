"""95 % intervals of metrics, and of the difference between two models on the same samples.

Every metric is treated alike: its variance comes from the delete-a-group jackknife over the independent units of the
test part, which are samples, or groups of copies and near copies; and its bounds say on which scale the interval is
symmetric. The same formulas serve accuracies, F1, ranks, errors and scores of generated texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.transfer.intervals import jackknife_variance, score_interval, student_t

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.95
"""Probability that an interval contains the metric on infinitely many such samples."""

FEWEST_UNITS = 10
"""With fewer independent test samples an interval says next to nothing, and zoo warns."""

ROUNDING = 1e-9
"""A margin below this is that of rounding, not of samples."""

Interval = tuple[float, float]

Test = tuple[Any, Any, "Sequence[int] | None"]
"""Targets, predictions and units of a test."""


@dataclass(frozen=True)
class Difference:
    """The difference of a metric between two models on the same samples, with its 95 % interval.

    Attributes:
        value: first minus second model.
        low, high: the interval.
    """

    value: float
    low: float
    high: float


def interval(metric: Metric, targets: Any, predictions: Any, units: Sequence[int] | None = None) -> Interval:
    """The 95 % interval of a metric of n predictions, within its bounds.

    * Two finite bounds: the score interval of a proportion (Wilson, 1927) with the effective sample size, at which a
      proportion has the variance of the metric (Korn and Graubard, 1998). For an accuracy over independent samples it
      is Wilson's interval.
    * One finite bound: symmetric in the logarithm of the distance to the bound.
    * None: symmetric.

    Args:
        targets, predictions: as ``metric.compute`` takes them.
        units: n integers, equal for samples that depend on each other; None if each is independent.
    """
    return interval_of_mean(metric, [(targets, predictions, units)])


def interval_of_mean(metric: Metric, tests: Sequence[Test], between: float = 0.0) -> Interval:
    """The 95 % interval of the mean of a metric over several tests, such as the folds of a cross-validation.

    Args:
        tests: targets, predictions and units of each; a unit may occur in several tests.
        between: variance of the mean from what differs between the tests besides their samples, such as the training.
    """
    low, high = metric.bounds
    of = [_units(units, len(targets)) for targets, _, units in tests] if len(tests) == 1 else _common_units(tests)
    value = fmean(metric.compute(targets, predictions) for targets, predictions, _ in tests)
    left_out = _jackknife(
        [(metric, targets, predictions, one) for (targets, predictions, _), one in zip(tests, of, strict=True)]
    )
    if left_out is None:
        return float(low), float(high)
    means = left_out.mean(axis=1)
    count = max(int(one.max()) for one in of) + 1
    return _within(metric.bounds, value, jackknife_variance(means) + between, student_t(len(means) - 1), count)


def difference(metric: Metric, targets: Any, first: Any, second: Any, units: Sequence[int] | None = None) -> Difference:
    """The difference of a metric between two models' predictions for the same samples; paired, so that what is hard for
    both does not count. Symmetric, from the jackknife's variance.

    Args:
        units: as for ``interval``.
    """
    low, high = metric.bounds
    of = _units(units, len(targets))
    value = metric.compute(targets, first) - metric.compute(targets, second)
    left_out = _jackknife([(metric, targets, predictions, of) for predictions in (first, second)])
    if left_out is None:
        return Difference(value, low - high, high - low)
    margin = student_t(len(left_out) - 1) * sqrt(jackknife_variance(left_out[:, 0] - left_out[:, 1]))
    count = int(of.max()) + 1
    if margin <= ROUNDING * max(1.0, abs(value)) and isfinite(high - low):
        margin = (high - low) * 3 / (count + 3)  # the rule of three: equal on all units may differ on others
    return Difference(value, max(value - margin, low - high), min(value + margin, high - low))


def _units(units: Sequence[int] | None, count: int) -> np.ndarray:
    """n numbers from 0 on, equal for samples of one unit."""
    import numpy as np

    if units is None:
        return np.arange(count)
    return np.asarray(np.unique(np.asarray(units), return_inverse=True)[1]).reshape(-1)


def _common_units(tests: Sequence[Test]) -> list[np.ndarray]:
    """The units of each test, numbered from 0 on over all tests."""
    import numpy as np

    every = np.concatenate([np.asarray(units) for _, _, units in tests])
    numbers = np.unique(every, return_inverse=True)[1].reshape(-1)
    return np.split(numbers, np.cumsum([len(targets) for targets, _, _ in tests])[:-1])


def _jackknife(figures: Sequence[tuple[Metric, Any, Any, np.ndarray]]) -> np.ndarray | None:
    """Each of several figures without one group of units after the other, groups x figures.

    None if they can be computed for fewer than two groups.

    Args:
        figures: metric, targets, predictions and units (from 0 on, common to all) of each.
    """
    import numpy as np

    units = max((int(of.max()) + 1 if len(of) else 0) for *_, of in figures)
    groups = min(units, *(metric.recomputed for metric, *_ in figures))
    group_of = np.random.default_rng(0).permutation(units) % max(groups, 1)
    found = []
    for group in range(groups):
        row = []
        try:
            for metric, targets, predictions, of in figures:
                kept = np.flatnonzero(group_of[of] != group)
                row.append(metric.compute(_at(targets, kept), _at(predictions, kept)))
        except (DataError, ValueError, ArithmeticError):  # such as ranks without a sample of one class
            continue
        found.append(row)
    return np.array(found, dtype=np.float64) if len(found) >= 2 else None


def _at(values: Any, positions: np.ndarray) -> Any:
    import numpy as np

    return values[positions] if isinstance(values, np.ndarray) else [values[at] for at in positions.tolist()]


def _within(bounds: Interval, value: float, variance: float, t: float, units: int) -> Interval:
    low, high = bounds
    if isfinite(low) and isfinite(high):
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        spread = variance / (high - low) ** 2
        # The jackknife's variance of a share p of n samples is p (1 - p) / (n - 1).
        size = 1 + share * (1 - share) / spread if spread > 0 and 0 < share < 1 else float(units)
        start, end = score_interval(share, max(size, 1.0), t)
        return min(low + start * (high - low), value), max(low + end * (high - low), value)
    error = sqrt(variance)
    bound, sign = (low, 1) if isfinite(low) else (high, -1)
    if not isfinite(bound):
        return value - t * error, value + t * error
    distance = sign * (value - bound)
    if distance <= 0 or error == 0:
        return low, high
    factor = exp(min(t * error / distance, 700.0))
    ends = bound + sign * distance / factor, bound + sign * distance * factor
    return min(ends), max(ends)
