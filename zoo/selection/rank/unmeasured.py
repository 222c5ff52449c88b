"""Ranks models without running one. Evidence comes first: no model stands above one of which more is known.

Scores of different kinds of evidence are not on one scale, so that only candidates with the best kind of evidence that
there is carry a score; what is known of the others is in their reasons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from zoo.answers import Candidate, Exclusion
from zoo.errors import UnsupportedModel
from zoo.selection.prior.own import with_history
from zoo.selection.prior.ranking import WIDTH, expectation_in_words, own_history
from zoo.selection.prior.shipped import Facts, content, expect_of
from zoo.selection.rank.published_scores import Standing, related_standings, separate_groups, standings
from zoo.selection.request.candidates import takes
from zoo.sources import elsewhere

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.registry import Registry
    from zoo.tasks import Task

MANY = 10
"""Models that must report a benchmark before a place among them counts for more than what models alike reached."""

_RESULTS, _INFERRED = frozenset({"results", "own"}), frozenset({"alike", "none"})
"""Origins of an expectation: of the model's own results on the task, and of nothing of its own."""


class Evidence(IntEnum):
    """What is known of a model for a task, the strongest first."""

    TASK = 0
    """Results on the task itself: published, or runs in the registry."""
    ALONE = 1
    """A published score on the task itself, but no other model reports that benchmark."""
    BASE = 2
    """Results on the task of the model that it was made from."""
    RELATED = 3
    """A published score on another task with the same input."""
    ALIKE = 4
    """Nothing of its own: made for the task, and models with such names, sizes and training have results."""
    NONE = 5


@dataclass(frozen=True)
class Knowledge:
    """What is known of models, n of each.

    Attributes:
        evidence: ``Evidence`` of each.
        value: what orders models with the same kind of evidence, higher is better.
        error: standard error of ``value``, NaN where there is none.
        origin: what ``value`` is from, see ``zoo.selection.prior.shipped.Expectation``; ``scores`` for z-scores.
        own, related: standings by published scores on the task, and on related ones, by id.
        expected: whether the task has a prior: published results or runs to expect something from.
    """

    evidence: np.ndarray
    value: np.ndarray
    error: np.ndarray
    origin: Sequence[str]
    own: Mapping[str, Standing]
    related: Mapping[str, Standing]
    expected: bool

    def at(self, places: Sequence[int], others: Sequence[str] = ()) -> Knowledge:
        """The same for some of the models, and after them for others, by id, of which related scores are known."""
        return Knowledge(
            np.append(self.evidence[places], [Evidence.RELATED] * len(others)),
            np.append(self.value[places], [self.related[id].value for id in others]),
            np.append(self.error[places], [math.nan] * len(others)),
            [*(self.origin[place] for place in places), *["none"] * len(others)],
            self.own,
            self.related,
            self.expected,
        )

    @property
    def best(self) -> Evidence:
        """The strongest evidence that there is for any of them."""
        return Evidence(int(self.evidence.min(initial=Evidence.NONE)))

    @property
    def by(self) -> str:
        """``prior`` or ``reported``, see ``zoo.answers.Recommendation``."""
        return "prior" if self.expected else "reported"


def know(
    task: Task,
    facts: Facts,
    dataset: str,
    registry: Registry,
    *,
    made_for: Sequence[bool],
    with_related: bool = True,
    cards: Sequence[ModelCard] | None = None,
) -> Knowledge:
    """What is known of models for a task.

    Args:
        facts: of the n models.
        dataset: name of the data set; the registry's runs on it count.
        made_for: whether each of them is made for the task.
        with_related: whether scores on related tasks are looked up too, which takes a while.
        cards: of the models, where they are at hand.
    """
    from zoo.plugins import plugins

    n = len(facts.ids)
    shipped = expect_of(facts, task.name)
    history = own_history(task.name, cards)
    expected = shipped if history is None else with_history(shipped, facts.ids, dataset, history)
    value = np.zeros(n) if expected is None else expected.mean.copy()
    error = np.full(n, np.nan) if expected is None else expected.deviation.copy()
    origin = ["none"] * n if expected is None else [*expected.origin]
    own = standings(registry, (task.name,))
    related = related_standings(registry, task, plugins().tasks) if with_related else {}
    evidence = np.where(np.array(made_for, dtype=bool) & (shipped is not None), Evidence.ALIKE, Evidence.NONE)
    known = {at for at, id in enumerate(facts.ids) if id in own or id in related}
    known.update(at for at, name in enumerate(origin) if name not in _INFERRED)
    scale = None if shipped is None else _scale(own, task.name)
    for at in known:
        score, other = own.get(facts.ids[at]), related.get(facts.ids[at])
        if origin[at] in _RESULTS:
            evidence[at] = Evidence.TASK
        elif score is not None and score.value is not None and shipped is None:
            evidence[at], value[at], origin[at] = Evidence.TASK, score.value, "scores"
        elif score is not None and score.value is not None and scale is not None and score.models >= MANY:
            evidence[at], value[at], origin[at] = Evidence.TASK, scale[0] * score.value + scale[1], "scores"
            error[at] = max(error[at], scale[2])
        elif score is not None:
            evidence[at] = Evidence.ALONE if shipped is None else Evidence.TASK
        elif origin[at] == "base":
            evidence[at] = Evidence.BASE
        elif other is not None:
            evidence[at], value[at], error[at] = Evidence.RELATED, other.value, math.nan
    return Knowledge(evidence, value, error, origin, own, related, expected is not None)


def _scale(own: Mapping[str, Standing], task: str) -> tuple[float, float, float] | None:
    """Slope, intercept and error that turn a z-score into an expectation, by the models that have both; None if few."""
    both = [
        (own[id].value, mean)
        for id, (mean, _) in content()["tasks"][task]["known"].items()
        if id in own and own[id].value is not None
    ]
    if len(both) < MANY:
        return None
    z, means = np.array(both, dtype=float).T
    if np.ptp(z) == 0.0:
        return None
    slope, intercept = np.polyfit(z, means, 1)
    return float(slope), float(intercept), float(np.std(means - slope * z - intercept))


def in_order(known: Knowledge) -> np.ndarray:
    """Places of the models, the best evidence and within it the best value first."""
    return np.lexsort((-known.value, known.evidence))


@dataclass(frozen=True)
class Ranked:
    """An answer without measurements: candidates, their cards, those left out, and what to know of the order.

    Attributes:
        by: ``prior`` or ``reported``, see ``zoo.answers.Recommendation``.
    """

    candidates: list[Candidate]
    cards: list[ModelCard]
    excluded: list[Exclusion]
    by: str
    cautions: list[str]


def rank_cards(
    task: Task, dataset: str, cards: Sequence[ModelCard], registry: Registry, excluded: Sequence[Exclusion] = ()
) -> Ranked:
    """Rank models whose cards are at hand.

    Raises:
        UnsupportedModel: as ``ranked``.
    """
    known = know(
        task, Facts.of(cards), dataset, registry, made_for=[task.name in card.tasks for card in cards], cards=cards
    )
    return ranked(cards, known, task, excluded)


def ranked(cards: Sequence[ModelCard], known: Knowledge, task: Task, excluded: Sequence[Exclusion]) -> Ranked:
    """The answer for models of which this is known.

    Raises:
        UnsupportedModel: nothing is known of any of them that they could be ranked by.
    """
    found = candidates(cards, known, task)
    return Ranked(found, [*cards], [*excluded], known.by, cautions(known, cards, task))


def candidates(cards: Sequence[ModelCard], known: Knowledge, task: Task) -> list[Candidate]:
    """The models as candidates, best first, each with what its place is from; the smaller one first among equals.

    Raises:
        UnsupportedModel: nothing is known of any of them that they could be ranked by.
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


def cautions(known: Knowledge, cards: Sequence[ModelCard], task: Task) -> list[str]:
    """What to know of an order of these models, in sentences."""
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
    """What its place is from, in a sentence."""
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
            "there is nothing to compare them with; not measured."
        )
    if kind in {Evidence.BASE, Evidence.ALIKE}:
        return f"{missing}. {expectation_in_words(value, error, known.origin[at], task.name)}"
    if kind is Evidence.RELATED:
        standing = known.related[card.id]
        others = " and ".join(standing.tasks)
        return (
            f"{missing}. For {others}, with the same kind of input, its mean z-score is {value:+.2f} by published "
            f"scores: {_sets(standing)}; not measured."
        )
    input_kind = card.input.get("kind")
    if takes(input_kind, task):
        return f"{missing}, and nothing to infer one from; not measured."
    return f"{missing}; it takes inputs of the kind {input_kind}, not {' or '.join(task.inputs)}."


def _sets(standing: Standing) -> str:
    count = len(standing.data_sets)
    return f"{count} data set{'s' if count != 1 else ''}"


def _named(standing: Standing) -> str:
    return ", ".join(standing.data_sets[:3])
