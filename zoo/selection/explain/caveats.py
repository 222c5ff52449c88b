"""What to watch out for in an answer: negative transfer, leakage, contaminated scores, stale cards; with figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from zoo.answers import Candidate
from zoo.entities import ModelCard
from zoo.selection.explain.arguments import Context, apart, deciding
from zoo.selection.explain.leakage import CHECKED, contaminated, leakage
from zoo.selection.measure.baseline import Baseline
from zoo.selection.rank.wording import estimator_name
from zoo.selection.request.task import Analysis

SMALL_SHARE = 1 / 3
"""Maximum share of the parameters of a larger model for a model to count as small."""

OLD_YEARS = 5
FEWEST_TO_DISAGREE = 4
"""Minimum number of candidates for a lower half."""


def caveats(
    candidates: Sequence[Candidate], context: Context, baseline: Baseline | None, copies: int = 0
) -> Iterator[str]:
    """Warnings in sentences, the most serious first.

    Args:
        candidates: best first, measured or not.
        baseline: the same measurement for raw features without a model, if it was made.
        copies: how many of the measured samples are copies of others.
    """
    yield from copies_warning(copies, context.analysis)
    if candidates and candidates[0].measured:
        yield from chance_level(candidates, context)
        if baseline is not None:
            yield from no_better_than_raw(candidates, context, baseline)
        yield from small_as_good(candidates)
    for candidate in candidates[:CHECKED]:
        yield from leakage(context.cards[candidate.id], context)
    if candidates and candidates[0].measured:
        yield from contaminated(candidates, context)
        yield from disagreement(candidates, context)
    first = dict.fromkeys(candidate.id for candidate in candidates[:3])
    yield from stale([context.cards[id] for id in first], date.today())


def copies_warning(copies: int, analysis: Analysis) -> Iterator[str]:
    """The number of copies among the measured samples, if the profile, which compares undecoded files, found fewer."""
    if copies > analysis.profile.get("repeated", 0):
        yield (
            f"{copies:,} of the measured samples are copies of others in different files or spellings, or nearly the "
            "same; they are held out together."
        )


def disagreement(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """The first candidate is in the lower half by every other estimator."""
    first, *others = candidates[0].measured
    if len(others) < 2 or len(candidates) < FEWEST_TO_DISAGREE:
        return
    for name in others:
        values = [c.measured[name] for c in candidates if name in c.measured]
        if sum(value > candidates[0].measured[name] for value in values) < len(values) / 2:
            return
    kind = context.task.target
    yield (
        f"{candidates[0].id} is first by its {estimator_name(first, kind)}, and in the lower half by "
        f"{' and '.join(estimator_name(name, kind) for name in others)}: fine-tuning may favour another. "
        "Check with --strategy full, or fine-tune the first few: --confirm 3"
    )


def chance_level(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Candidates whose interval includes the accuracy of the majority class; for a linear probe only."""
    if deciding(candidates[0]) != "linear-probe":
        return
    chance, words = _chance(context)
    at_chance = [c for c in candidates if c.interval is not None and c.interval[0] <= chance]
    if not at_chance:
        return
    best = candidates[0]
    name = estimator_name("linear-probe", context.task.target)
    if best in at_chance:
        yield (
            f"No candidate is clearly better than {words} ({chance:.3g}): the best, {best.id}, has a {name} of "
            f"{best.score:.3g}. Check the labels, add samples, or consider other models."
        )
    else:
        worst = at_chance[0]
        yield (
            f"Negative transfer is likely with {_count(len(at_chance), 'candidate')}, {worst.id} the first: its {name} "
            f"of {worst.score:.3g} is not above {words} ({chance:.3g})."
        )


def _chance(context: Context) -> tuple[float, str]:
    counts: Mapping[str, int] = context.analysis.profile.get("classes") or {}
    if not counts:
        return 0.0, "always predicting the mean"
    largest = max(counts, key=lambda name: counts[name])
    return counts[largest] / sum(counts.values()), f"always predicting '{largest}'"


def no_better_than_raw(candidates: Sequence[Candidate], context: Context, baseline: Baseline) -> Iterator[str]:
    """Pretrained features that are not clearly better than pixels or word counts."""
    best = candidates[0]
    value = best.measured.get(baseline.estimator)
    if value is None:
        return
    if baseline.estimator == deciding(best) and best.interval is not None:
        at_least = best.interval[0]
    else:
        at_least = value - (baseline.value - (baseline.value if baseline.low is None else baseline.low))
    if baseline.value < at_least:
        return
    name = estimator_name(baseline.estimator, context.task.target)
    yield (
        f"Pretraining makes almost no difference here: {baseline.features} alone reach a {name} "
        f"of {baseline.value:.3g} on {baseline.samples:,} samples, {best.id} {value:.3g}. A small model trained "
        "from scratch may do as well."
    )


def small_as_good(candidates: Sequence[Candidate]) -> Iterator[str]:
    """The smallest model is tied with the best, although models of three times its size were measured."""
    known = [c for c in candidates if c.parameters and c.score is not None and c.interval is not None]
    if len(known) < 3:
        return
    smallest, best = min(known, key=lambda c: c.parameters or 0), candidates[0]
    larger = [c for c in known if (smallest.parameters or 0) <= SMALL_SHARE * (c.parameters or 0)]
    if not larger or best.score is None or smallest.score is None or apart(smallest, best):
        return
    largest = max(larger, key=lambda c: c.parameters or 0)
    small, large = (f"{(c.parameters or 0) / 1e6:,.1f}M" for c in (smallest, largest))
    yield (
        f"Larger models are not better here: {smallest.id} with {small} parameters reaches {smallest.score:.3g}, the "
        f"best {best.score:.3g}, {largest.id} with {large} {largest.score:.3g}. Try a small model from scratch before "
        "a larger one."
    )


def stale(cards: Sequence[ModelCard], today: date) -> Iterator[str]:
    """Models that were released long ago, and cards without a pinned revision: one sentence per kind."""
    years = {card.id: int(card.released[:4]) for card in cards if card.released and card.released[:4].isdigit()}
    old = [card for card in cards if today.year - years.get(card.id, today.year) > OLD_YEARS]
    if old:
        named = [f"{card.id} ({card.released})" for card in old]
        yield (
            f"{_listed(named)} {'is' if len(old) == 1 else 'are'} more than {OLD_YEARS} years old; newer models may do "
            f"better: zoo search --domain {old[0].domain} --sort released"
        )
    loose = [card.id for card in cards if card.revision is None and not any(file.sha256 for file in card.files)]
    if loose:
        subject, verb, files = ("The card of", "pins", "its") if len(loose) == 1 else ("The cards of", "pin", "their")
        yield f"{subject} {_listed(loose)} {verb} no revision and no hash: {files} files can change."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
