"""A predicted score with an interval, from prior and measurement, each weighted by its certainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.contract.estimator import UNBOUNDED
from zoo.selection.prior.axis import Axis
from zoo.transfer.measure import find_estimator

if TYPE_CHECKING:
    from zoo.answers import Candidate
    from zoo.selection.measure.figures import Measured
    from zoo.selection.prior.shipped import Expectation

WIDTH = 1.959964
"""Standard errors on either side of a 95 % interval."""

FEWEST = 3
"""Minimum number of measured candidates for the others, and the prior, to change a score."""

SCEPTICISM = 4.0
"""Number of pseudo-candidates of variance one on which the prior fails to predict the scores."""

_SHRINKAGE = np.exp(-np.linspace(0.0, 40.0, 800))
"""Values of the shrinkage to average over, from 1 to almost 0, evenly spaced in the logarithm."""

_SHARES = ((np.arange(20) + 0.5) / 20)[:, None]
"""Shares of the candidates' error that are common to all, to average over."""

Scale = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Combined:
    """Predicted scores, n, and the ends of their 95 % intervals; NaN without a prediction."""

    score: np.ndarray
    low: np.ndarray
    high: np.ndarray


def combine(
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
    *,
    bounds: tuple[float, float] = UNBOUNDED,
) -> Combined | None:
    """A normal hierarchical model of candidates that were measured on the same samples.

    The true score of candidate k of K is ``a + b x[k] + d[k]``, with x the prior's prediction (minus its mean) and d
    normal with variance T. The measurement adds ``c + e[k]``: c, the samples' common effect on all candidates, has
    variance ``r V``, and e[k], their effect on this one, ``(1 - r) V``. V is the mean of the candidates' squared
    errors. The prior of a is flat; b has mean 0 and the variance ``(T + (1 - r) V) / SCEPTICISM``, and is not taken
    below 0.

    Given the shrinkage ``B = (1 - r) V / (T + (1 - r) V)``, with S the sum of x^2 plus SCEPTICISM (Lindley and Smith,
    "Bayes estimates for the linear model", Journal of the Royal Statistical Society B 34, 1972), a measured candidate
    is expected at ``m + (1 - B) (y - m)``, m = mean of y + b x, with the variance

        r V + (1 - r) V (1 - B + B / K + B x^2 / S)

    and one that was not measured at m with ``r V + (1 - r) V / B (1 - B + 1 / K + x^2 / S)`` and that of b times its
    own deviation. The common error remains in full: the candidates' mean has it too, so shrinking towards the mean
    reduces only individual errors; and the mean has an error itself (B / K).

    The spread of few candidates is poorly known. So B is not estimated but averaged over, with a uniform prior on 0 to
    1 (Daniels, "A prior for the variance in hierarchical models", Canadian Journal of Statistics 27, 1999) and has the
    likelihood ``(B / (1 - r) V)^((K - 1) / 2) exp(-B Q / 2 (1 - r) V)``, Q the squares that the regression leaves; its
    variance widens the interval of a candidate off the mean (Morris, "Parametric empirical Bayes inference", Journal of
    the American Statistical Association 78, 1983). r is averaged over likewise,
    from 0 to 1: if candidates are closer than their errors allow, the errors must be common. It is not computed from
        the candidates' outputs per sample, because these are not saved, and the same figures must yield the same
        prediction.

    All this is done on a scale with equal errors, see ``_scale``. All candidates are shrunk by the same error V:
    individual errors, estimated from a few groups of samples, must not reverse the order. The interval is scaled by the
    candidate's own error on either side, so that with B = 0 it is that of the measured score.

    Args:
        values, low, high: n measured scores and the ends of their 95 % intervals, NaN where nothing was measured or
            if there is none.
        mean, deviation: n, the prior's predictions, in any unit, and their standard errors; zeros without a prior.
        bounds: minimum and maximum of a score.

    Returns:
        None if fewer than three candidates were measured, or none has an interval.
    """
    known = ~np.isnan(values)
    place, score_at = _scale(bounds)
    values, low, high = place(values), place(low), place(high)
    below, above = _sides(values, low, high, place(np.array(bounds)))
    own = (below + above) / 2
    if known.sum() < FEWEST or np.isnan(own[known]).all():
        return None
    y = values[known]
    error = max(float(np.nanmean(own[known] ** 2)), 1e-12)
    x = mean - mean[known].mean()
    size = float(x[known] @ x[known]) + SCEPTICISM
    slope = max(0.0, float(x[known] @ (y - y.mean())) / size)
    expected = y.mean() + slope * x
    left = y - expected[known]
    squares = float((y - y.mean()) @ left)
    shares, alone, weight = _plausible(len(y), squares, error)
    shrinkage = float((weight * _SHRINKAGE).sum())
    score, variance = expected.copy(), np.empty(len(values))
    score[known] += (1.0 - shrinkage) * left
    always, off = 1.0 - _SHRINKAGE + _SHRINKAGE / len(y), weight * _SHRINKAGE * alone
    variance[known] = (weight * (shares * error + alone * always)).sum() + off.sum() * x[known] ** 2 / size
    variance[known] += float((weight * (_SHRINKAGE - shrinkage) ** 2).sum()) * left**2
    between = float((weight * alone / _SHRINKAGE).sum())
    level = (weight * (shares * error - alone)).sum() + between * (1.0 + 1.0 / len(y))
    variance[~known] = level + (between / size * x**2 + (slope * deviation) ** 2)[~known]
    reach = WIDTH * np.sqrt(variance / error)
    usual = np.where(np.isnan(own), np.sqrt(error), [below, above])
    return Combined(*(score_at(ends) for ends in (score, score - reach * usual[0], score + reach * usual[1])))


def _scale(bounds: tuple[float, float]) -> tuple[Scale, Scale]:
    """Functions from scores to a scale with equal errors, and back, within the bounds.

    Shares of samples use the arcsine of their square root, whose error is constant (Efron and Morris, "Data
    analysis using Stein's estimator", Journal of the American Statistical Association 70, 1975); scores of at most one
    (R^2) use the axis of the prior, with errors relative to the distance from one; others are unchanged.
    """
    if bounds == (0.0, 1.0):
        return (
            lambda scores: np.arcsin(np.sqrt(np.clip(scores, 0.0, 1.0))),
            lambda places: np.sin(np.clip(places, 0.0, np.pi / 2)) ** 2,
        )
    axis = Axis(bounds[1] == 1.0)
    return axis.place, lambda places: np.clip(axis.score(places), *bounds)


def _sides(values: np.ndarray, low: np.ndarray, high: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors below and above, n each; a side that is clipped to the range is taken from the other."""
    below, above = (values - low) / WIDTH, (high - values) / WIDTH
    return (
        np.where(low <= bounds[0], np.fmax(below, above), below),
        np.where(high >= bounds[1], np.fmax(below, above), above),
    )


def _plausible(count: int, squares: float, error: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Common shares of the error, s x 1, the individual error for each, s x 1, and the posterior weights of each share
    with every value of the shrinkage, s x m.
    """
    alone = (1.0 - _SHARES) * error
    log = 0.5 * (count - 1) * np.log(_SHRINKAGE / alone) - 0.5 * squares * _SHRINKAGE / alone
    weight = np.exp(log - log.max()) * _SHRINKAGE  # uniform in the shrinkage, whose values are uniform in the logarithm
    return _SHARES, alone, weight / weight.sum()


def predict_scores(
    ordered: Sequence[Measured], expected: Expectation | None, target_kind: str
) -> tuple[list[Measured], Combined | None]:
    """Candidates by their predicted scores, those measured on all samples first, and the predictions in that order.

    One that stopped early has no prediction (NaN): it was worse than those on which the prediction is based.

    Args:
        ordered: as ``zoo.selection.rank.ranking.best_first`` returns them.
        expected: of their models, in the same order.
        target_kind: kind of target, as estimators name it.
    """
    figures = [found.figures[0] for found in ordered]
    most = max((figure.samples for figure in figures), default=0)
    full = np.array([found.finalist and found.samples == most for found in ordered])
    nothing = np.zeros(len(ordered))
    found = combine(
        np.where(full, [figure.value for figure in figures], np.nan),
        np.array([np.nan if figure.low is None else figure.low for figure in figures]),
        np.array([np.nan if figure.high is None else figure.high for figure in figures]),
        nothing if expected is None else expected.mean,
        nothing if expected is None else expected.deviation,
        bounds=find_estimator(figures[0].estimator).bounds_for(target_kind) if figures else UNBOUNDED,
    )
    if found is None:
        return list(ordered), None
    order = np.array(sorted(range(len(ordered)), key=lambda at: (not full[at], -found.score[at] if full[at] else at)))
    score, low, high = (np.where(full, ends, np.nan)[order] for ends in (found.score, found.low, found.high))
    return [ordered[at] for at in order], Combined(score, low, high)


def with_predictions(ranked: Sequence[Candidate], combined: Combined | None) -> list[Candidate]:
    """The candidates with their predicted scores, if they have one."""
    if combined is None:
        return list(ranked)
    return [
        candidate
        if np.isnan(score)
        else replace(
            candidate, predicted=round(float(score), 6), predicted_interval=(round(float(lo), 6), round(float(hi), 6))
        )
        for candidate, score, lo, hi in zip(ranked, combined.score, combined.low, combined.high, strict=True)
    ]
