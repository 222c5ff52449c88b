"""Measure candidates one after the other, put them in order, and say why."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Exclusion
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, UnsupportedModel, ZooError, suggest
from zoo.recommend import explanation
from zoo.recommend.measuring import Measured, Request, measure, remembered
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.protocols import Progress


def estimators_for(target_kind: str, names: Sequence[str]) -> tuple[str, ...]:
    """The estimators called ``names``, each once, in order.

    Raises:
        InvalidInput: one is unknown, or cannot judge targets of this kind.
    """
    from zoo.plugins import plugins
    from zoo.transfer.estimator import Estimator

    known = {estimator.name: estimator for estimator in plugins().items("zoo_estimators", Estimator)}
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"Estimators: {', '.join(sorted(known))}."
            raise InvalidInput(f"There is no estimator called '{name}'.", hint)
    usable = [name for name in dict.fromkeys(names) if target_kind in known[name].target_kinds]
    if not usable:
        raise InvalidInput(
            f"None of {', '.join(names)} can judge targets of kind '{target_kind}'.", "Choose with --estimator."
        )
    return tuple(usable)


def measure_all(
    cards: Sequence[ModelCard], request: Request, budget: float | None, progress: Progress
) -> tuple[list[Measured], list[Exclusion]]:
    """Measure every card, smallest first, until the budget (seconds) is spent; a model that fails costs only itself.

    Raises:
        ZooError: no candidate is left, or none could be measured.
    """
    if not cards:
        raise InvalidInput("No candidate is within the limits.", "Relax --license, --max-size or --max-parameters.")
    ordered = sorted(cards, key=lambda card: (card.parameters or math.inf, card.id))
    started = time.perf_counter()
    measured: list[Measured] = []
    failed: list[Exclusion] = []
    failures: list[ZooError] = []
    with progress.step("Measuring", len(ordered)) as step:
        for card in ordered:
            try:
                figures = remembered(card, request)
                if figures is None and budget is not None and time.perf_counter() - started > budget:
                    failed.append(Exclusion(card.id, f"not measured: the budget of {budget:g} s was spent"))
                    continue
                measured.append(figures or measure(card, request, progress))
            except ZooError as error:
                failed.append(Exclusion(card.id, f"could not be measured: {error}"))
                failures.append(error)
            finally:
                step.advance()
    if not measured:
        if failures:
            raise failures[0]
        raise InvalidInput("The budget was spent before one candidate was measured.", "Give a larger --budget.")
    return measured, failed


def by_measurement(measured: Sequence[Measured], task: Task, excluded: Sequence[Exclusion]) -> list[Candidate]:
    """Candidates by the first estimator's value, best first; equal values go to the smaller model."""
    from zoo.registry import open_registry

    registry = open_registry()
    ordered = sorted(measured, key=lambda m: (-m.figures[0].value, m.card.parameters or math.inf, m.card.id))
    ranked = []
    for rank, found in enumerate(ordered, start=1):
        first = found.figures[0]
        reasons = explanation.reasons(found, rank, ordered, task, registry.scores(found.card.id))
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
                reasons=tuple(reasons),
                seconds=round(found.seconds, 3),
                samples=first.samples,
                layer=first.layer,
                reused=found.reused,
            )
        )
    return ranked


def by_reports(cards: Sequence[ModelCard]) -> list[Candidate]:
    """Candidates by their reported scores alone: the mean z-score over the benchmarks that at least two of them share.

    Models without such a score come last, smallest first, with no score.
    """
    from zoo.registry import open_registry

    registry = open_registry()
    table: dict[tuple[str, str, str], dict[str, float]] = {}
    for card in cards:
        for score in registry.scores(card.id):
            signed = score.value if score.higher_is_better else -score.value
            table.setdefault((score.task, score.dataset, score.metric), {})[card.id] = signed
    standard: dict[str, list[float]] = {}
    for values in table.values():
        mean = sum(values.values()) / len(values)
        spread = math.sqrt(sum((value - mean) ** 2 for value in values.values()) / len(values))
        if len(values) > 1 and spread > 0:
            for model, value in values.items():
                standard.setdefault(model, []).append((value - mean) / spread)
    if not standard:
        raise UnsupportedModel(
            "No two candidates share a reported benchmark, so that there is nothing to rank them by.",
            "Measure them: leave --no-measure out.",
        )
    scores = {model: sum(values) / len(values) for model, values in standard.items()}
    ordered = sorted(cards, key=lambda card: (-scores.get(card.id, -math.inf), card.parameters or math.inf, card.id))
    return [
        Candidate(
            rank=rank,
            id=card.id,
            score=scores.get(card.id),
            parameters=card.parameters,
            bytes=card.bytes,
            license=card.license,
            reasons=(explanation.reported(len(standard.get(card.id, [])), scores.get(card.id)),),
        )
        for rank, card in enumerate(ordered, start=1)
    ]
