"""Arguments for a candidate and against it, each with its figure and the figure's source."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.answers import Argument, Candidate, figure_text, interval_text
from zoo.catalog.license_families import family
from zoo.entities import BenchmarkScore, ModelCard, Run
from zoo.selection.rank.wording import capital, estimator_name, ordinal
from zoo.selection.request.latency import reported as reported_latency
from zoo.selection.request.memory import to_tune
from zoo.selection.request.task import Analysis
from zoo.selection.select.confirming import AS_IT_IS
from zoo.tasks import Task

SMALL, LARGE = 0.5, 2.0
"""Share of the median from which a candidate is called small and fast, or large and slow."""

FAR = 0.4
"""Minimum domain shift of distant data: with the packaged ImageNet models, photographs have 0.24, images of clothes
0.44, and digits of 8 x 8 pixels 0.6."""

_PICKLES = (".bin", ".pt", ".pth", ".ckpt")

For = tuple[bool, Argument]
"""Whether it is in favour of the candidate, and the argument."""


@dataclass(frozen=True)
class Context:
    """Facts besides the measurements of the candidates.

    Attributes:
        cards: by id.
        scores: reported scores by model id.
        runs: past runs for the same task by model id.
        device, memory: where models run, and its memory in bytes.
    """

    task: Task
    analysis: Analysis
    cards: Mapping[str, ModelCard]
    scores: Mapping[str, Sequence[BenchmarkScore]] = field(default_factory=dict)
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    device: str = "cpu"
    memory: int | None = None


def arguments(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[For]:
    """All arguments about one of the candidates, the strongest first."""
    card = context.cards[candidate.id]
    yield from _ranking(candidate, candidates, context)
    yield from _other_estimators(candidate, candidates, context)
    own = candidate.confirmed.run if candidate.confirmed else ""
    yield from _runs([run for run in context.runs.get(candidate.id, ()) if run.id != own], context)
    yield from _fit(card, context)
    yield from _shift(candidate, candidates)
    yield from _language(card, context)
    yield from _reported(candidate, candidates, context)
    yield from _size(candidate, candidates)
    yield from _latency(candidate, candidates, context)
    yield from _memory(card, context)
    yield from _license(card)


def background(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[str]:
    """Background facts of a candidate, in sentences: its size, its own task, and published scores."""
    card = context.cards[candidate.id]
    found = (*_size(candidate, candidates), *_fit(card, context), *_reported(candidate, candidates, context))
    return (argument.sentence for _, argument in found)


def deciding(candidate: Candidate) -> str:
    """The estimator that decides the ranking; empty if nothing was measured."""
    return next(iter(candidate.measured), "")


def apart(one: Candidate, other: Candidate) -> bool:
    """Whether two scores differ by more than their errors.

    Each candidate was compared with the first in pairs, on the same samples; others differ if their intervals do not
    overlap.
    """
    if 1 in {one.rank, other.rank} and one.measured:
        return not (one.tied or other.tied)
    if one.interval is None or other.interval is None:
        return True
    return one.interval[0] > other.interval[1] or other.interval[0] > one.interval[1]


def measured_on(candidate: Candidate) -> str:
    """The source of a measured figure, in words."""
    return f"measured here on {candidate.samples:,} samples, layer {candidate.layer}"


def _ranking(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[For]:
    if candidate.confirmed is not None and not candidate.measured:
        found = candidate.confirmed
        how = (
            "as it is" if found.strategy == AS_IT_IS else f"after {found.epochs} epochs of {found.strategy} fine-tuning"
        )
        over = "" if found.baseline is None else f", against a baseline of {found.baseline:.4g}"
        sentence = f"Rank {candidate.rank} of {len(candidates)}: {found.metric} {found.value:.4g} {how}{over}."
        source = f"run {found.run}" if found.run else f"measured here on {found.samples:,} held-out samples"
        yield candidate.rank == 1 or candidate.tied, Argument(sentence, found.value, source)
        return
    if candidate.score is None:
        yield False, Argument(candidate.reasons[0], None, "registry")  # the evidence that ranks it
        return
    best = candidates[0]
    if not candidate.measured:
        place = "Best" if candidate is best else f"Rank {candidate.rank}"
        if candidate.interval is not None:
            by = "published results and past runs"
            figure = f"{candidate.score:+.2f} standard deviations from the average model"
        else:
            by, figure = "reported scores", f"mean z-score {candidate.score:+.2f}"
        sentence = f"{place} of {len(candidates)} by {by}: {figure}."
        yield candidate.score >= 0, Argument(sentence, candidate.score, f"{by}, not measured")
        return
    name = estimator_name(deciding(candidate), context.task.target)
    figure = f"{name} {figure_text(candidate.score)}"
    if candidate.interval:
        figure += f" (95 % interval {interval_text(candidate.interval)})"
    source = measured_on(candidate)
    if candidate is best:
        won = f"Fine-tuned here: {best.confirmed.metric} {best.confirmed.value:.4g}, " if best.confirmed else ""
        yield True, Argument(f"{won or f'Best of {len(candidates)}: '}{figure}.", candidate.score, source)
        return
    if candidate.stopped:
        yield candidate.tied, Argument(f"{candidate.stopped} {capital(figure)}.", candidate.score, source)
        return
    behind = (best.score or 0.0) - candidate.score
    if candidate.confirmed is not None:
        reached = candidate.confirmed
        sentence = f"Fine-tuned here: {reached.metric} {reached.value:.4g}, {figure}."
        yield candidate.tied, Argument(sentence, reached.value, f"run {reached.run}")
    elif behind < 0:
        yield True, Argument(f"{-behind:.3g} above the first by this measure: {figure}.", candidate.score, source)
    elif not apart(candidate, best):
        sentence = f"{f'{behind:.3g} below' if behind else 'Equal to'} the best, within the error: {figure}."
        yield True, Argument(sentence, candidate.score, source)
    else:
        error = ", beyond the error" if best.interval and candidate.interval else ""
        yield False, Argument(f"{behind:.3g} below the best{error}: {figure}.", candidate.score, source)


def _other_estimators(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[For]:
    if len(candidates) < 3:
        return
    for name in list(candidate.measured)[1:]:
        value = candidate.measured[name]
        known = [other.measured[name] for other in candidates if name in other.measured]
        place = 1 + sum(other > value for other in known)
        if len(known) >= 3 and (place <= len(known) / 3 or place > len(known) * 2 / 3):
            sentence = (
                f"{estimator_name(name, context.task.target)} {value:.4g} puts it {ordinal(place)} of {len(known)}."
            )
            yield place <= len(known) / 3, Argument(capital(sentence), value, measured_on(candidate))


def _runs(runs: Sequence[Run], context: Context) -> Iterator[For]:
    metric = context.task.metric
    known = [run for run in runs if metric.name in run.metrics]
    if not known:
        return
    latest = known[0]
    value, baseline = latest.metrics[metric.name], latest.baseline.get(metric.name)
    gain = None if baseline is None else (value - baseline) * (1 if metric.higher_is_better else -1)
    over = "" if baseline is None else f", against a baseline of {baseline:.4g}"
    sentence = f"Adapted before ({latest.strategy}, {latest.dataset}): {metric.name} {value:.4g}{over}."
    yield gain is None or gain > 0, Argument(sentence, value, f"run {latest.id}")


def _fit(card: ModelCard, context: Context) -> Iterator[For]:
    pretrained = f"pretrained on {', '.join(card.pretraining[:4])}" if card.pretraining else ""
    if context.task.name in card.tasks:
        comma = f", {pretrained}" if pretrained else ""
        yield True, Argument(f"Made for {context.task.name}{comma}.", None, "model card")
    elif card.tasks:
        comma = f", {pretrained}" if pretrained else ""
        yield False, Argument(f"Its own task is {card.tasks[0]}{comma}.", None, "model card")


def _shift(candidate: Candidate, candidates: Sequence[Candidate]) -> Iterator[For]:
    known = [other.shift for other in candidates if other.shift is not None]
    if candidate.shift is None:
        return
    sentence = f"Activations differ from those on its pretraining data by {candidate.shift:.2g} standard deviations"
    more = f", the median of the candidates is {statistics.median(known):.2g}" if len(known) > 1 else ""
    source = "measured here on 64 samples, by the statistics of batch normalisation"
    yield candidate.shift < FAR, Argument(f"{sentence}{more}.", candidate.shift, source)


def _language(card: ModelCard, context: Context) -> Iterator[For]:
    if not context.analysis.languages or not card.languages:
        return
    code, share = next(iter(context.analysis.languages.items()))
    known = {language.lower().partition("-")[0] for language in card.languages}
    if code in known:
        yield True, Argument(f"Knows {code}, the language of {share:.0%} of the texts.", share, "model card")
    else:
        speaks = ", ".join(card.languages[:4])
        sentence = f"Made for {speaks}; {share:.0%} of the texts are in {code}."
        yield False, Argument(sentence, share, "model card, and py3langid on the texts")


def _reported(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[For]:
    own = [s for s in context.scores.get(candidate.id, ()) if s.task == context.task.name and s.origin == "reported"]
    if not own:
        return
    shared = [(score, _others(score, candidates, context)) for score in own]
    score, others = max(shared, key=lambda pair: len(pair[1]))
    figure = f"Published {score.dataset} {score.metric} {score.value:.4g}"
    if len(others) < 2:
        yield True, Argument(f"{figure}.", score.value, score.source)
        return
    better = sum(o > score.value if score.higher_is_better else o < score.value for o in others)
    sentence = f"{figure}, {ordinal(better + 1)} among the {len(others)} candidates that report it."
    yield better < len(others) / 2, Argument(sentence, score.value, score.source)


def _others(score: BenchmarkScore, candidates: Sequence[Candidate], context: Context) -> list[float]:
    """The scores of all candidates on one benchmark, one per model."""
    key = (score.task, score.dataset, score.metric, score.split)
    found = {}
    for id in dict.fromkeys(candidate.id for candidate in candidates):
        for other in context.scores.get(id, ()):
            if (other.task, other.dataset, other.metric, other.split) == key and other.origin == "reported":
                found[id] = other.value
    return list(found.values())


def _size(candidate: Candidate, candidates: Sequence[Candidate]) -> Iterator[For]:
    sizes = {c.id: c.parameters for c in candidates if c.parameters}
    own = sizes.get(candidate.id)
    if own is None or len(sizes) < 2:
        return
    words = f"{own / 1e6:,.1f}M parameters"
    typical = statistics.median(sizes.values())
    if own == min(sizes.values()) < max(sizes.values()):
        yield True, Argument(f"The smallest candidate: {words}.", float(own), "model card")
    elif own == max(sizes.values()) > min(sizes.values()):
        yield False, Argument(f"The largest candidate: {words}.", float(own), "model card")
    elif own <= SMALL * typical or own >= LARGE * typical:
        yield own < typical, Argument(f"{words}, {own / typical:.2g} times the median.", float(own), "model card")


def _latency(candidate: Candidate, candidates: Sequence[Candidate], context: Context) -> Iterator[For]:
    times = {c.id: latency_of(c, context) for c in candidates}
    known = {id: found[0] for id, found in times.items() if found}
    own = times[candidate.id]
    if own is None or len(known) < 2:
        return
    milliseconds, source = own
    typical = statistics.median(known.values())
    if milliseconds <= SMALL * typical or milliseconds >= LARGE * typical or milliseconds == min(known.values()):
        word = "Fast" if milliseconds <= typical else "Slow"
        sentence = f"{word}: {milliseconds:.3g} ms per sample, the median is {typical:.3g}."
        yield milliseconds <= typical, Argument(sentence, milliseconds, source)


def latency_of(candidate: Candidate, context: Context) -> tuple[float, str] | None:
    """Milliseconds per sample with their source: measured here, else reported; None if neither."""
    if candidate.latency is not None:
        return candidate.latency, candidate.latency_source
    found = reported_latency(context.cards[candidate.id], context.device)
    return (found.milliseconds, f"reported, {found.machine} ({found.source})") if found else None


def _memory(card: ModelCard, context: Context) -> Iterator[For]:
    needed = to_tune(card, "full", context.analysis.workload(context.device))
    if needed is not None and context.memory is not None and needed > context.memory:
        sentence = (
            f"Full fine-tuning takes about {needed / 1e9:.1f} GB in batches of 32; {context.device} has "
            f"{context.memory / 1e9:.1f} GB."
        )
        yield False, Argument(sentence, float(needed), "estimate, see zoo.selection.request.memory")


def _license(card: ModelCard) -> Iterator[For]:
    kind = family(card.license)
    if kind in {"permissive", "public-domain"}:
        yield True, Argument(f"Licence {card.license}, {kind}.", None, "model card")
    elif kind:
        yield False, Argument(f"Licence {card.license}, {kind}.", None, "model card")
    else:
        known = f"Licence '{card.license}': read it before use." if card.license else "Its licence is unknown."
        yield False, Argument(known, None, "model card")
    if card.gated:
        yield False, Argument("Gated: its terms must be accepted before the download.", None, "model card")
    pickled = [file.path for file in card.files if file.path.endswith(_PICKLES)]
    if pickled and not any(file.path.endswith(".safetensors") for file in card.files):
        yield False, Argument(f"The weights are a pickle ({pickled[0]}), not safetensors.", None, "model card")
