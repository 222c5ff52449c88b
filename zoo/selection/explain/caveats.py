"""What to watch out for in an answer: negative transfer, leakage, contaminated scores, stale cards; with figures."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from zoo.answers import Candidate
from zoo.entities import ModelCard
from zoo.selection.explain.arguments import Context, apart, deciding
from zoo.selection.explain.overlap import copies_warning
from zoo.selection.measure.baseline import Baseline
from zoo.selection.rank.wording import estimator_name

SMALL_SHARE = 1 / 3
"""A model with at most so many of another's parameters is a small one beside it."""

SUSPICIOUS = 1.5
"""Standard deviations that a model stands higher by its reported scores than by what was measured."""

FEWEST_SHARED = 5
"""Models that must share a benchmark before reported and measured scores are compared."""

GAP = 0.1
"""A reported accuracy on this very data set that is so much above the measured one is suspicious."""

OLD_YEARS = 5
FEWEST_TO_DISAGREE = 4
"""Candidates of which a lower half can be spoken."""

CHECKED = 10
"""Candidates that are looked at, from the first."""

_GENERIC = frozenset(
    {
        "data",
        "dataset",
        "datasets",
        "train",
        "training",
        "test",
        "val",
        "valid",
        "validation",
        "image",
        "images",
        "photos",
        "pictures",
        "text",
        "texts",
        "samples",
        "examples",
        "files",
        "labels",
        "labelled",
        "corpus",
        "csv",
        "tsv",
        "jsonl",
        "parquet",
        "sklearn",
        "tmp",
        "home",
        "audio",
        "recordings",
        "sounds",
        "speech",
        "review",
        "reviews",
        "comments",
        "tweets",
        "sentences",
        "documents",
        "molecules",
        "proteins",
        "crystals",
    }
)
"""Words that say nothing about which data set it is."""


def caveats(
    candidates: Sequence[Candidate], context: Context, baseline: Baseline | None, copies: int = 0
) -> Iterator[str]:
    """Sentences, the gravest first.

    Args:
        candidates: best first, measured or not.
        baseline: the same figure for features that nobody trained, if it was measured.
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


def disagreement(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """The first candidate stands in the lower half by every other estimator."""
    first, *others = candidates[0].measured
    if len(others) < 2 or len(candidates) < FEWEST_TO_DISAGREE:
        return
    for name in others:
        values = [c.measured[name] for c in candidates if name in c.measured]
        if sum(value > candidates[0].measured[name] for value in values) < len(values) / 2:
            return
    kind = context.task.target
    yield (
        f"{candidates[0].id} stands first by its {estimator_name(first, kind)}, and in the lower half by "
        f"{' and '.join(estimator_name(name, kind) for name in others)}: fine-tuning may start better elsewhere. "
        "See with --fit full, or fine-tune the first few: --confirm 3"
    )


def chance_level(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Candidates whose interval reaches down to always giving the most frequent answer; for a linear probe only."""
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
            f"No candidate is surely better than {words} ({chance:.3g}): the best, {best.id}, has a {name} of "
            f"{best.score:.3g}. Look at the labels, bring more samples, or consider other models."
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
        return 0.0, "always giving the mean"
    largest = max(counts, key=lambda name: counts[name])
    return counts[largest] / sum(counts.values()), f"always answering '{largest}'"


def no_better_than_raw(candidates: Sequence[Candidate], context: Context, baseline: Baseline) -> Iterator[str]:
    """Pretrained features that are not surely better than pixels or word counts."""
    best = candidates[0]
    value = best.measured.get(baseline.estimator)
    if value is None:
        return
    if baseline.estimator == deciding(best) and best.interval is not None:
        surely = best.interval[0]
    else:
        surely = value - (baseline.value - (baseline.value if baseline.low is None else baseline.low))
    if baseline.value < surely:
        return
    name = estimator_name(baseline.estimator, context.task.target)
    yield (
        f"Pretraining hardly helps here: {baseline.features} alone reach a {name} "
        f"of {baseline.value:.3g} on {baseline.samples:,} samples, {best.id} {value:.3g}. A small model trained "
        "from scratch may do as well."
    )


def small_as_good(candidates: Sequence[Candidate]) -> Iterator[str]:
    """The smallest model is level with the best, although models of three times its size took part."""
    known = [c for c in candidates if c.parameters and c.score is not None and c.interval is not None]
    if len(known) < 3:
        return
    smallest, best = min(known, key=lambda c: c.parameters or 0), candidates[0]
    larger = [c for c in known if (smallest.parameters or 0) <= SMALL_SHARE * (c.parameters or 0)]
    if not larger or best.score is None or smallest.score is None or apart(smallest, best):
        return
    largest = max(larger, key=lambda c: c.parameters or 0)
    yield (
        f"Size does not pay here: {smallest.id} with {(smallest.parameters or 0) / 1e6:,.1f}M parameters reaches "
        f"{smallest.score:.3g}, the best {best.score:.3g}, {largest.id} with {(largest.parameters or 0) / 1e6:,.1f}M "
        f"{largest.score:.3g}. Try a small model from scratch before a larger one."
    )


def leakage(card: ModelCard, context: Context) -> Iterator[str]:
    """A model that was trained on this very data set, by its name, its own account or that of its base model."""
    name = dataset_key(str(context.analysis.data.get("name", "")))
    if not name:
        return
    for model, how in (
        (card, ""),
        (context.cards.get(card.base_model or ""), f", the model that {card.id} came from,"),
    ):
        if model is None:
            continue
        found = next((trained for trained in model.pretraining if name in _joined(trained)), None)
        if found is None and name in _joined(model.name):
            found = model.name
        if found is not None:
            yield (
                f"Possible leakage: {model.id}{how} names '{found}', which may be this data set. If so, its score "
                "shows what it remembers: evaluate it on samples that were never published."
            )
            return


def dataset_key(name: str) -> str:
    """What a data set is called, without path, platform, suffix, number of samples, case and punctuation.

    Empty where nothing telling is left: ``photos/train`` could be anybody's.
    """
    tail = re.sub(r":\d+\Z", "", name.replace("\\", "/").rstrip("/"))
    tail = tail.rpartition("/")[2]
    words = [word for word in re.split(r"[^a-z0-9]+", tail.lower()) if word and word not in _GENERIC]
    key = "".join(words)
    return key if len(key) >= 5 else ""


def _joined(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def contaminated(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Models that stand far higher by what others report than by what was measured here."""
    yield from _same_data(candidates, context)
    measured = {c.id: c.score for c in reversed(candidates) if c.score is not None}
    shared: dict[tuple[str, str, str], dict[str, float]] = {}
    for id in measured:
        for score in context.scores.get(id, ()):
            if score.task == context.task.name and score.origin == "reported":
                signed = score.value if score.higher_is_better else -score.value
                shared.setdefault((score.dataset, score.metric, score.split), {})[id] = signed
    if not shared:
        return
    (dataset, metric, _), reported = max(shared.items(), key=lambda item: len(item[1]))
    if len(reported) < FEWEST_SHARED:
        return
    own = _standardised({id: measured[id] for id in reported})
    others = _standardised(reported)
    for id in sorted(reported, key=lambda id: own[id] - others[id]):
        if others[id] - own[id] >= SUSPICIOUS:
            yield (
                f"{id} reports {metric} {abs(reported[id]):.4g} on {dataset}, {others[id]:+.1f} standard deviations "
                f"from the mean of {len(reported)} candidates, and stands at {own[id]:+.1f} here: its reported score "
                "may owe something to its training data, or your data are another matter."
            )


def _same_data(candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """A reported accuracy on this very data set against the accuracy of the linear probe."""
    name = dataset_key(str(context.analysis.data.get("name", "")))
    if not name or deciding(candidates[0]) != "linear-probe":
        return
    for candidate in candidates[:CHECKED]:
        for score in context.scores.get(candidate.id, ()):
            same = score.metric == "accuracy" and name in _joined(score.dataset) and score.origin == "reported"
            if same and candidate.interval and score.value - candidate.interval[1] > GAP:
                yield (
                    f"{candidate.id} reports an accuracy of {score.value:.4g} on {score.dataset}, and a linear probe "
                    f"on its features reaches {candidate.score:.4g} here ({score.source})."
                )


def _standardised(values: Mapping[str, float]) -> dict[str, float]:
    mean, spread = statistics.fmean(values.values()), statistics.pstdev(values.values())
    return {id: (value - mean) / spread if spread > 0 else 0.0 for id, value in values.items()}


def stale(cards: Sequence[ModelCard], today: date) -> Iterator[str]:
    """Models that were released long ago, and cards that pin no revision: a sentence each."""
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
