"""Reasons in sentences: each with its figure, for and against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.entities import BenchmarkScore
from zoo.recommend.measuring import Measured
from zoo.recommend.wording import estimator_name
from zoo.tasks import Task


def reasons(
    rank: int, ordered: Sequence[Measured], tied: Sequence[bool], task: Task, scores: Sequence[BenchmarkScore]
) -> Iterator[str]:
    """Why the candidate in place ``rank`` stands there, the strongest reason first.

    Args:
        ordered: what was measured, best first.
        tied: for each of them whether it cannot be told from the best.
        scores: reported ones of this candidate.
    """
    found = ordered[rank - 1]
    yield _place(rank, ordered, tied, task)
    if found.stopped:
        yield found.stopped
    yield from _agreement(found, ordered, task)
    yield from _size(found, ordered)
    yield from _fit(found, task)
    yield from _reported(scores, task)


def reported(count: int, score: float | None) -> str:
    """The reason of a candidate that was ranked by reported scores."""
    if score is None:
        return "No benchmark score is reported that another candidate has too."
    return f"Mean z-score {score:+.2f} over {count} reported benchmark{'s' if count != 1 else ''}; not measured."


def _place(rank: int, ordered: Sequence[Measured], tied: Sequence[bool], task: Task) -> str:
    first, best = ordered[rank - 1].figures[0], ordered[0].figures[0]
    name = estimator_name(first.estimator, task.target)
    figure = f"{name} {first.value:.4g}"
    if first.low is not None and first.high is not None:
        figure += f" (95 % interval {first.low:.4g} to {first.high:.4g})"
    figure += f" on {first.samples:,} samples"
    if len(ordered) == 1:
        return f"The only candidate: {figure}."
    if rank == 1:
        others = sum(tied)
        if others:
            verdict = f"tied with {others} other{'s' if others > 1 else ''} within the error"
        elif ordered[1].samples == first.samples:
            verdict = f"{first.value - ordered[1].figures[0].value:.3g} above the next, beyond the error"
        else:
            verdict = "all others stopped before it"
        return f"Best of {len(ordered)}: {figure}, {verdict}."
    sentence = f"{figure[:1].upper()}{figure[1:]}"
    if first.samples == best.samples:
        behind = best.value - first.value
        sentence += f", {abs(behind):.3g} {'below' if behind >= 0 else 'above'} the first"
    return f"{sentence}{', a tie within the error' if tied[rank - 1] else ''}."


def _agreement(found: Measured, ordered: Sequence[Measured], task: Task) -> Iterator[str]:
    peers = [other for other in ordered if other.samples == found.samples]
    if len(peers) < 2 or len(found.figures) < 2:
        return
    places = []
    for position, figure in enumerate(found.figures[1:], start=1):
        better = sum(1 for other in peers if other.figures[position].value > figure.value)
        places.append(f"{estimator_name(figure.estimator, task.target)} puts it {_ordinal(better + 1)}")
    alike = "" if len(peers) == len(ordered) else f" measured on {found.samples:,} samples"
    sentence = f"{' and '.join(places)} of {len(peers)}{alike}."
    yield sentence[:1].upper() + sentence[1:]


def _size(found: Measured, ordered: Sequence[Measured]) -> Iterator[str]:
    own = found.card.parameters
    others = [m.card.parameters for m in ordered if m.card.parameters and m.card.id != found.card.id]
    if not own or not others:
        return
    best = ordered[0].card.parameters
    if own < min(others):
        yield f"The smallest candidate: {own / 1e6:.1f}M parameters."
    elif own > max(others):
        yield f"The largest candidate: {own / 1e6:.1f}M parameters."
    elif best and found is not ordered[0]:
        ratio = own / best
        if ratio <= 0.75 or ratio >= 1.5:
            yield f"{ratio:.2g} times the parameters of the best ({own / 1e6:.1f}M)."


def _fit(found: Measured, task: Task) -> Iterator[str]:
    card = found.card
    pretrained = f"pretrained on {', '.join(card.pretraining)}" if card.pretraining else ""
    if task.name in card.tasks:
        yield f"Made for {task.name}{', ' + pretrained if pretrained else ''}."
    elif pretrained:
        yield f"{pretrained[:1].upper()}{pretrained[1:]}; its own task is {card.tasks[0] if card.tasks else 'unknown'}."


def _reported(scores: Sequence[BenchmarkScore], task: Task) -> Iterator[str]:
    own = [score for score in scores if score.task == task.name and score.origin == "reported"]
    if own:
        score = own[0]
        yield f"Reported {score.metric} {score.value:.4g} on {score.dataset} ({score.source})."


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
