"""Ranks measured candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from zoo.answers import Candidate
from zoo.errors import InvalidInput, suggest
from zoo.selection.measure.figures import Measured
from zoo.selection.rank.position import reasons
from zoo.tasks import Task
from zoo.transfer.intervals import difference


def estimators_for(target_kind: str, names: Sequence[str]) -> tuple[str, ...]:
    """The estimators called ``names``, each once, in order.

    Raises:
        InvalidInput: one is unknown, or cannot be computed from targets of this kind.
    """
    from zoo.contract.estimator import Estimator
    from zoo.plugins import plugins

    known = {estimator.name: estimator for estimator in plugins().items("zoo_estimators", Estimator)}
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"Estimators: {', '.join(sorted(known))}."
            raise InvalidInput(f"There is no estimator called '{name}'.", hint)
    usable = [name for name in dict.fromkeys(names) if target_kind in known[name].target_kinds]
    if not usable:
        raise InvalidInput(
            f"None of {', '.join(names)} can be computed from targets of kind '{target_kind}'.",
            "Choose with --estimator.",
        )
    return tuple(usable)


def best_first(measured: Sequence[Measured]) -> list[Measured]:
    """The candidates, best first.

    Those that could still win are compared on the most samples that all of them were measured on; stopped ones follow,
    those with more samples first. Ties go to the smaller model.
    """
    finalists = [found for found in measured if found.finalist]
    common = min((found.samples for found in finalists), default=0)

    def key(found: Measured) -> tuple[Any, ...]:
        samples = common if found.finalist else found.samples
        value = found.value_on(samples) or found.value_on(found.samples)
        assert value is not None  # the value on its last samples is known
        size = found.card.parameters or math.inf
        return not found.finalist, 0 if found.finalist else -samples, -value.value, size, found.card.id, found.layer

    return sorted(measured, key=key)


def ties(ordered: Sequence[Measured]) -> list[bool]:
    """For each candidate whether it is tied with the first: zero is in the 95 % interval of their difference.

    The two are compared in pairs on the most samples that both were measured on if the parts of both are known, else by
    their intervals. Without known errors, only equal figures are tied.
    """
    best = ordered[0]
    found = [False]
    for other in ordered[1:]:
        samples = min(best.samples, other.samples)
        one, two = best.value_on(samples), other.value_on(samples)
        gap = difference(one, two) if one and two else None
        equal = best.samples == other.samples and best.figures[0].value == other.figures[0].value
        found.append(equal if gap is None else gap.interval()[0] <= 0)
    return found


def measured_candidates(ordered: Sequence[Measured], task: Task) -> list[Candidate]:
    """Candidates from the measurements, best first, with their reasons."""
    tied = ties(ordered)
    ranked = []
    for rank, found in enumerate(ordered, start=1):
        first = found.figures[0]
        ranked.append(
            Candidate(
                rank=rank,
                id=found.card.id,
                score=first.value,
                interval=None if first.low is None or first.high is None else (first.low, first.high),
                parameters=found.card.parameters,
                bytes=found.card.bytes,
                license=found.card.license,
                measured={figure.estimator: figure.value for figure in found.figures},
                reasons=tuple(reasons(rank, ordered, tied, task)),
                seconds=round(found.seconds, 3),
                samples=first.samples,
                layer=first.layer,
                reused=found.reused,
                curve=found.curve,
                tied=tied[rank - 1],
                stopped=found.stopped,
            )
        )
    return ranked
