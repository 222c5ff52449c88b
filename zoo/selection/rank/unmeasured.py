"""Ranks models without running one. Evidence comes first: no model ranks above one with stronger evidence.

Scores from different kinds of evidence are not comparable, so only candidates with the strongest kind have one; the
evidence for the others is in their reasons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Exclusion
from zoo.errors import UnsupportedModel
from zoo.selection.prior.ranking import WIDTH, expectation_in_words
from zoo.selection.prior.shipped import Facts
from zoo.selection.rank.evidence import Evidence, Knowledge, gather_knowledge
from zoo.selection.rank.published_scores import PublishedResult, separate_groups
from zoo.selection.request.candidates import takes
from zoo.sources import elsewhere

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.registry import Registry
    from zoo.tasks import Task


@dataclass(frozen=True)
class UnmeasuredRanking:
    """An answer without measurements: candidates, their cards, exclusions, and warnings about the order.

    Attributes:
        by: ``prior`` or ``reported``, see ``zoo.answers.Recommendation``.
    """

    candidates: list[Candidate]
    cards: list[ModelCard]
    excluded: list[Exclusion]
    by: str
    warnings: list[str]


def rank_cards(
    task: Task, dataset: str, cards: Sequence[ModelCard], registry: Registry, excluded: Sequence[Exclusion] = ()
) -> UnmeasuredRanking:
    """Rank models whose cards are loaded.

    Raises:
        UnsupportedModel: as ``ranked``.
    """
    known = gather_knowledge(
        task, Facts.of(cards), dataset, registry, made_for=[task.name in card.tasks for card in cards], cards=cards
    )
    return ranked(cards, known, task, excluded)


def ranked(
    cards: Sequence[ModelCard], known: Knowledge, task: Task, excluded: Sequence[Exclusion]
) -> UnmeasuredRanking:
    """The answer for models with this evidence.

    Raises:
        UnsupportedModel: there is no evidence to rank any of them by.
    """
    found = candidates(cards, known, task)
    return UnmeasuredRanking(found, [*cards], [*excluded], known.by, warnings(known, cards, task))


def candidates(cards: Sequence[ModelCard], known: Knowledge, task: Task) -> list[Candidate]:
    """The models as candidates, best first, each with the reason for its rank; of equal ones the smaller first.

    Raises:
        UnsupportedModel: there is no evidence to rank any of them by.
    """
    if known.best in {Evidence.ALONE, Evidence.NONE}:
        raise UnsupportedModel(_nothing(known.best, task), "Measure them: leave --no-measure out.")
    order = sorted(
        range(len(cards)),
        key=lambda at: (
            known.evidence[at],
            not takes(cards[at].input.get("kind"), task),
            -known.value[at],
            cards[at].parameters or math.inf,
            cards[at].id,
        ),
    )
    return [_candidate(cards[at], known, at, rank, task) for rank, at in enumerate(order, start=1)]


def warnings(known: Knowledge, cards: Sequence[ModelCard], task: Task) -> list[str]:
    """Warnings about the order of these models."""
    found = []
    if known.best >= Evidence.BASE:
        found.append(
            f"No candidate has a published score for {task.name} of its own: the order follows from weaker evidence, "
            "which the reasons name. Measure before you rely on it."
        )
    scored = [
        known.own[card.id]
        for card, kind in zip(cards, known.evidence, strict=True)
        if kind == Evidence.TASK and card.id in known.own
    ]
    groups = 1 if known.expected else separate_groups(scored)
    if groups > 1:
        found.append(
            f"The published scores come from {groups} groups of data sets that share no model: candidates of different "
            "groups were never compared, and their order is uncertain."
        )
    return found


def _nothing(best: Evidence, task: Task) -> str:
    if best is Evidence.ALONE:
        return f"No two models share a published benchmark for {task.name}, so there is nothing to rank them by."
    return f"No candidate has a published score for {task.name}, so there is nothing to rank them by."


def _candidate(card: ModelCard, known: Knowledge, at: int, rank: int, task: Task) -> Candidate:
    value, error = float(known.value[at]), WIDTH * float(known.error[at])
    scored = known.evidence[at] == known.best
    said = [f"Its weights are {where}, which zoo does not pull."] if (where := elsewhere(card.id)) else []
    return Candidate(
        rank=rank,
        id=card.id,
        score=round(value, 4) if scored else None,
        interval=(round(value - error, 4), round(value + error, 4)) if scored and math.isfinite(error) else None,
        parameters=card.parameters,
        bytes=card.bytes,
        license=card.license,
        reasons=(_reason(card, known, at, task), *said),
    )


def _reason(card: ModelCard, known: Knowledge, at: int, task: Task) -> str:
    """The reason for its rank, in a sentence."""
    kind, value, error = Evidence(int(known.evidence[at])), float(known.value[at]), float(known.error[at])
    if kind is Evidence.TASK and not known.expected:
        own = known.own[card.id]
        return (
            f"Mean z-score {value:+.2f} by published scores for {task.name}: {_sets(own)}, reported by up to "
            f"{own.models:,} models; not measured."
        )
    if kind is Evidence.TASK:
        return expectation_in_words(value, error, known.origin[at], task.name)
    missing = "No published score for this task"
    if kind is Evidence.ALONE:
        return (
            f"Its published scores for this task are on {_named(known.own[card.id])}, which no other model reports, so "
            "they cannot be compared; not measured."
        )
    if kind in {Evidence.BASE, Evidence.ALIKE}:
        return f"{missing}. {expectation_in_words(value, error, known.origin[at], task.name)}"
    if kind is Evidence.RELATED:
        result = known.related[card.id]
        others = " and ".join(result.tasks)
        return (
            f"{missing}. For {others}, with the same kind of input, its mean z-score is {value:+.2f} by published "
            f"scores: {_sets(result)}; not measured."
        )
    input_kind = card.input.get("kind")
    if takes(input_kind, task):
        return f"{missing}, and no evidence to predict one; not measured."
    return f"{missing}; it takes inputs of the kind {input_kind}, not {' or '.join(task.inputs)}."


def _sets(result: PublishedResult) -> str:
    count = len(result.data_sets)
    return f"{count} data set{'s' if count != 1 else ''}"


def _named(result: PublishedResult) -> str:
    return ", ".join(result.data_sets[:3])
