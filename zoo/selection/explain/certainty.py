"""How certain a rank is, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.answers import Candidate
from zoo.selection.explain.arguments import Context, apart, latency_of
from zoo.selection.rank.wording import estimator_name, ordinal
from zoo.selection.select.confirming import AS_IT_IS

QUANTILE = 1.959964
_STEPS = 400
MOST_SAMPLES = 1_000_000
"""If more samples than this would be needed, two candidates are called indistinguishable."""


def probabilities_best(candidates: Sequence[Candidate]) -> list[float | None]:
    """Probability that each candidate's true score is the highest, from 0 to 1.

    Scores (predicted ones if there are any) are treated as independent normal variables with these 95 % intervals, by
    the longer side if the other is clipped; P(best i) is the integral of the density of i times the product of all
    others' distribution functions, by the midpoint rule. Errors of candidates on the same samples are correlated, so
    the true probabilities are further from even than these. None for candidates without an interval.
    """
    known: dict[int, tuple[float, float]] = {}
    for n, c in enumerate(candidates):
        predicted = c.predicted, _spread(c.predicted, c.predicted_interval)
        own, spread = (c.score, error_of(c)) if None in predicted else predicted
        if own is not None and spread is not None:
            known[n] = own, spread
    found: list[float | None] = [None] * len(candidates)
    if not known:
        return found
    mean, error = (np.array(column)[:, None] for column in zip(*known.values(), strict=True))
    low, high = float((mean - 6 * error).min()), float((mean + 6 * error).max())
    z = (low + (high - low) * (np.arange(_STEPS) + 0.5) / _STEPS - mean) / error
    below = np.log(np.maximum(_cumulative(z), 1e-300))
    weights = (np.exp(-0.5 * z**2 - np.log(error) + below.sum(axis=0) - below)).sum(axis=1)
    total = float(weights.sum())
    for n, weight in zip(known, weights, strict=True):
        found[n] = float(weight) / total if total else None
    return found


def in_words(candidate: Candidate, candidates: Sequence[Candidate], probability: float | None) -> str:
    """The certainty of a candidate's rank, in a sentence."""
    if candidate.confirmed is not None:
        reached = candidate.confirmed
        others = [o for o in candidates if o is not candidate and o.confirmed]
        level = [o for o in others if o.tied or candidate.tied]
        as_it_is = reached.strategy == AS_IT_IS
        by, done = ("its own predictions", "evaluated") if as_it_is else ("brief fine-tuning", "fine-tuned")
        if level:
            beside = f"tied with {_count(len(level))} within the error"
        else:
            beside = "tied with none of the others" if others else f"the only model that was {done}"
        return f"By {by}: {reached.metric} {reached.value:.4g} on {reached.samples:,} samples; {beside}."
    if probability is None:
        return "These scores have no intervals, so the certainty of this rank is unknown."
    if len(candidates) == 1:
        return "There is no other candidate."
    level = [other for other in candidates if other is not candidate and not apart(candidate, other)]
    likely = probability >= 0.005
    chance = f"{probability:.0%} likely the best of {len(candidates)}" if likely else "Unlikely to be the best"
    if not level:
        return f"{chance}; its difference from each of the others is beyond the error."
    return f"{chance}; tied with {_count(len(level))} within the error."


def would_change(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """What would move a candidate up or down, in sentences."""
    yield from _more_samples(candidate, candidates)
    for name in list(candidate.measured)[1:]:
        known = [other.measured[name] for other in candidates if name in other.measured]
        place = 1 + sum(value > candidate.measured[name] for value in known)
        if place != candidate.rank and len(known) == len(candidates):
            words = estimator_name(name, context.task.target)
            yield f"Ranked by {words} it would be {ordinal(place)}, not {ordinal(candidate.rank)}."
    yield from _trade(candidate, candidates, context)


def _more_samples(candidate: Candidate, candidates: Sequence[Candidate]) -> Iterator[str]:
    place = candidates.index(candidate)
    rival = candidates[1] if place == 0 and len(candidates) > 1 else candidates[0]
    if rival is candidate or candidate.score is None or rival.score is None or apart(candidate, rival):
        return
    errors = error_of(candidate), error_of(rival)
    gap = abs(candidate.score - rival.score)
    if not all(errors) or not candidate.samples:
        return
    combined = math.hypot(errors[0] or 0.0, errors[1] or 0.0)
    needed = candidate.samples * (QUANTILE * combined / gap) ** 2 if gap > 0 else math.inf
    name = rival.id if rival.id != candidate.id else f"{rival.id}#{rival.layer}"
    if needed <= candidate.samples:
        yield f"Little: it and {name} differ by {gap:.3g}, about what their errors allow."
    elif needed > MOST_SAMPLES:
        yield f"More samples are unlikely to: it and {name} differ by {gap:.2g}; choose by size, speed or licence."
    else:
        yield (
            f"More samples: it and {name} differ by {gap:.3g}; telling them apart would take about "
            f"{_rounded(needed):,} samples, and you have {candidate.samples:,}."
        )


def _trade(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """A sentence on a tied candidate with at most half the cost."""
    level = [other for other in candidates if other is not candidate and not apart(candidate, other)]
    if candidate.parameters:
        smaller = [o for o in level if o.parameters and o.parameters <= candidate.parameters / 2]
        if smaller:
            least = min(smaller, key=lambda other: other.parameters or 0)
            share = (least.parameters or 0) / candidate.parameters
            yield f"If size counted, {least.id} would rank above it: tied, with {share:.0%} of the parameters."
    own = latency_of(candidate, context)
    faster = [(found[0], other) for other in level if (found := latency_of(other, context))]
    if own and faster:
        best, other = min(faster, key=lambda pair: pair[0])
        if best <= own[0] / 2:
            times = f"{best:.3g} instead of {own[0]:.3g} ms per sample"
            yield f"If speed counted, {other.id} would rank above it: tied, {times}."


def error_of(candidate: Candidate) -> float | None:
    """The standard error of a candidate's score; None if it is not known."""
    return _spread(candidate.score, candidate.interval)


def _spread(value: float | None, interval: tuple[float, float] | None) -> float | None:
    """The standard error of an interval, from its longer side: the other may be clipped to the range."""
    if value is None or interval is None:
        return None
    return max((value - interval[0]) / QUANTILE, (interval[1] - value) / QUANTILE, 1e-9)


def _cumulative(z: np.ndarray) -> np.ndarray:
    """The normal distribution function, within 1e-7 (Abramowitz and Stegun, 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    upper = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) * series
    return np.where(z >= 0.0, 1.0 - upper, upper)


def _rounded(number: float) -> int:
    """Round to two significant digits."""
    digits = max(0, len(str(int(number))) - 2)
    return round(number / 10**digits) * 10**digits


def _count(number: int) -> str:
    return f"{number} other{'' if number == 1 else 's'}"
