"""A predicted score with an interval, from what was known beforehand and what was measured, each by its certainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.recommend.prior.axis import Axis

if TYPE_CHECKING:
    from zoo.answers import Candidate
    from zoo.recommend.measuring import Measured
    from zoo.recommend.prior.shipped import Expectation

WIDTH = 1.959964
"""Standard errors on either side of a 95 % interval."""

FEWEST = 3
"""Candidates that must be measured before the rest of them, and what was known beforehand, change a figure."""

STANDARD_ERROR = 0.02
"""Of a measured score without an interval."""

SCEPTICISM = 4.0
"""Made-up candidates of variance one on which what was known beforehand told nothing of the scores."""


@dataclass(frozen=True)
class Combined:
    """Predicted scores, n, and the ends of their 95 % intervals."""

    score: np.ndarray
    low: np.ndarray
    high: np.ndarray


def combine(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> Combined | None:
    """Empirical Bayes: every true score is normal around ``a + b * mean``, every measured one around the true one.

    ``a`` and ``b`` (at least 0) come from the measured candidates by least squares with ``SCEPTICISM`` against b, the
    variance between candidates by the method of moments (Efron and Morris, JASA 1973). The error is one for all, the
    mean of their variances: they were measured on the same samples, and an error that is itself estimated from a few
    folds must not decide how far a candidate is moved towards the others. Without a prior, the order stays as measured.

    Args:
        values, low, high: n measured scores and the ends of their 95 % intervals, NaN where nothing was measured.
        mean, deviation: n, what was expected, in any unit, and its standard errors; zeros where nothing was.

    Returns:
        None where fewer than three candidates were measured.
    """
    known = ~np.isnan(values)
    if known.sum() < FEWEST:
        return None
    y = values[known]
    # The lower end alone: the upper one may be cut at the highest possible score.
    own = np.where(np.isnan(low), STANDARD_ERROR, (values - low) / WIDTH)[known]
    error = max(float(np.sqrt(np.mean(own**2))), 1e-6)
    x = mean[known] - mean[known].mean()
    slope = max(0.0, float(x @ (y - y.mean()) / (x @ x + SCEPTICISM)))
    expected = y.mean() + slope * (mean - mean[known].mean())
    left = y - expected[known]
    between = max(float(left @ left / (known.sum() - 1) - error**2), 1e-8)
    precision = np.zeros(len(values))
    precision[known] = 1.0 / error**2
    variance = between + np.where(known, 0.0, (slope * deviation) ** 2)
    placed = np.zeros(len(values))
    placed[known] = y
    total = precision + 1.0 / variance
    middle, spread = (precision * placed + expected / variance) / total, WIDTH / np.sqrt(total)
    most = 1.0 if Axis.of(values).logarithmic else np.inf
    return Combined(np.minimum(middle, most), middle - spread, np.minimum(middle + spread, most))


def settle(ordered: Sequence[Measured], expected: Expectation | None) -> tuple[list[Measured], Combined | None]:
    """Candidates by their predicted scores, those measured on all samples first, and the predictions in that order.

    Args:
        ordered: as ``zoo.recommend.ranking.standing`` gives them.
        expected: of their models, in the same order.
    """
    figures = [found.figures[0] for found in ordered]
    most = max((figure.samples for figure in figures), default=0)
    full = np.array([found.finalist and found.samples == most for found in ordered])
    nothing = np.zeros(len(ordered))
    combined = combine(
        np.where(full, [figure.value for figure in figures], np.nan),
        np.array([np.nan if figure.low is None else figure.low for figure in figures]),
        np.array([np.nan if figure.high is None else figure.high for figure in figures]),
        nothing if expected is None else expected.mean,
        nothing if expected is None else expected.deviation,
    )
    if combined is None:
        return list(ordered), None
    order = np.array(
        sorted(range(len(ordered)), key=lambda at: (not full[at], -combined.score[at] if full[at] else at))
    )
    return [ordered[at] for at in order], Combined(combined.score[order], combined.low[order], combined.high[order])


def with_predictions(ranked: Sequence[Candidate], combined: Combined | None) -> list[Candidate]:
    """The candidates with their predicted scores; those that stopped early are predicted from their like."""
    if combined is None:
        return list(ranked)
    return [
        replace(
            candidate, predicted=round(float(score), 6), predicted_interval=(round(float(lo), 6), round(float(hi), 6))
        )
        for candidate, score, lo, hi in zip(ranked, combined.score, combined.low, combined.high, strict=True)
    ]
