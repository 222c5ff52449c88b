"""The rank of a candidate among those measured, in sentences, each with its figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zoo.answers import figure_text, interval_text
from zoo.selection.measure.figures import Measured
from zoo.selection.rank.wording import capital, estimator_name, ordinal
from zoo.tasks import Task


def reasons(rank: int, ordered: Sequence[Measured], tied: Sequence[bool], task: Task) -> Iterator[str]:
    """Why a candidate has its rank, from the measurements; the strongest reason first.

    Other arguments for and against it are in ``zoo.selection.explain.arguments``.

    Args:
        ordered: the measurements, best first.
        tied: for each of them whether it is tied with the best.
    """
    found = ordered[rank - 1]
    yield _place(rank, ordered, tied, task)
    if found.stopped:
        yield found.stopped
    yield from _agreement(found, ordered, task)


def _place(rank: int, ordered: Sequence[Measured], tied: Sequence[bool], task: Task) -> str:
    found = ordered[rank - 1]
    first, best = found.figures[0], ordered[0].figures[0]
    name = estimator_name(first.estimator, task.target)
    figure = f"{name} {figure_text(first.value)}"
    if first.low is not None and first.high is not None:
        figure += f" (95 % interval {interval_text((first.low, first.high))})"
    figure += f" on {first.samples:,} samples"
    if len(ordered) == 1:
        return f"The only candidate: {figure}."
    if rank == 1:
        others = sum(tied)
        if others:
            verdict = f"tied with {others} other{'s' if others > 1 else ''} within the error"
        elif ordered[1].samples == first.samples:
            known = first.low is not None and ordered[1].figures[0].low is not None
            error = "beyond the error" if known else "by an unknown error"
            verdict = f"{first.value - ordered[1].figures[0].value:.3g} above the next, {error}"
        else:
            verdict = "all others stopped before it"
        if any(other.figures[0].value > first.value for other in ordered if other.samples == found.samples):
            return f"First of {len(ordered)} by the predicted score: {figure}, {verdict}."
        return f"Best of {len(ordered)}: {figure}, {verdict}."
    sentence = capital(figure)
    if first.samples == best.samples:
        behind = best.value - first.value
        apart = f"{abs(behind):.3g} {'below' if behind >= 0 else 'above'}" if behind else "equal to"
        sentence += f", {apart} the first"
    return f"{sentence}{', a tie within the error' if tied[rank - 1] else ''}."


def _agreement(found: Measured, ordered: Sequence[Measured], task: Task) -> Iterator[str]:
    peers = [other for other in ordered if other.samples == found.samples]
    if len(peers) < 2 or len(found.figures) < 2:
        return
    places = []
    for position, figure in enumerate(found.figures[1:], start=1):
        better = sum(1 for other in peers if other.figures[position].value > figure.value)
        places.append(f"{estimator_name(figure.estimator, task.target)} puts it {ordinal(better + 1)}")
    alike = "" if len(peers) == len(ordered) else f" measured on {found.samples:,} samples"
    sentence = f"{' and '.join(places)} of {len(peers)}{alike}."
    yield capital(sentence)
