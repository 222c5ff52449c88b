"""Collects the evidence about models before any is run, and its strength."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from zoo.selection.prior.own import with_history
from zoo.selection.prior.ranking import own_history
from zoo.selection.prior.shipped import Facts, content, expect_of
from zoo.selection.rank.published_scores import PublishedResult, published_results, related_results

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.registry import Registry
    from zoo.tasks import Task

MANY = 10
"""Minimum number of models with a benchmark for a rank among them to outweigh results of similar models."""

_RESULTS, _INFERRED = frozenset({"results", "own"}), frozenset({"alike", "none"})
"""Origins of a prediction: the model's own results on the task, or none of its own."""


class Evidence(IntEnum):
    """Kinds of evidence about a model for a task, the strongest first."""

    TASK = 0
    """Results on the task itself: published, or runs in the registry."""
    ALONE = 1
    """A published score on the task itself, but no other model reports that benchmark."""
    BASE = 2
    """Results of its base model on the task."""
    RELATED = 3
    """A published score on another task with the same input."""
    ALIKE = 4
    """No results of its own: made for the task, and models with similar names, sizes and training have results."""
    NONE = 5


@dataclass(frozen=True)
class Knowledge:
    """Evidence about n models.

    Attributes:
        evidence: ``Evidence`` of each.
        value: orders models with the same kind of evidence, higher is better.
        error: standard error of ``value``, NaN if there is none.
        origin: source of ``value``, see ``zoo.selection.prior.shipped.Expectation``; ``scores`` for z-scores.
        own, related: published results on the task, and on related ones, by id.
        expected: whether the task has a prior, from published results or runs.
    """

    evidence: np.ndarray
    value: np.ndarray
    error: np.ndarray
    origin: Sequence[str]
    own: Mapping[str, PublishedResult]
    related: Mapping[str, PublishedResult]
    expected: bool

    def at(self, places: Sequence[int], others: Sequence[str] = ()) -> Knowledge:
        """The same for some of the models, followed by others, by id, with related scores."""
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
        """The strongest evidence for any of them."""
        return Evidence(int(self.evidence.min(initial=Evidence.NONE)))

    @property
    def by(self) -> str:
        """``prior`` or ``reported``, see ``zoo.answers.Recommendation``."""
        return "prior" if self.expected else "reported"


def gather_knowledge(
    task: Task,
    facts: Facts,
    dataset: str,
    registry: Registry,
    *,
    made_for: Sequence[bool],
    with_related: bool = True,
    cards: Sequence[ModelCard] | None = None,
) -> Knowledge:
    """Collect the evidence about models for a task.

    Args:
        facts: of the n models.
        dataset: name of the data set; the registry's runs on it are used.
        made_for: whether each of them is made for the task.
        with_related: whether scores on related tasks are looked up too, which is slower.
        cards: of the models, if they are loaded.
    """
    from zoo.plugins import plugins

    n = len(facts.ids)
    shipped = expect_of(facts, task.name)
    history = own_history(task.name, cards)
    expected = shipped if history is None else with_history(shipped, facts.ids, dataset, history)
    value = np.zeros(n) if expected is None else expected.mean.copy()
    error = np.full(n, np.nan) if expected is None else expected.deviation.copy()
    origin = ["none"] * n if expected is None else [*expected.origin]
    own = published_results(registry, (task.name,))
    related = related_results(registry, task, plugins().tasks) if with_related else {}
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


def _scale(own: Mapping[str, PublishedResult], task: str) -> tuple[float, float, float] | None:
    """Slope, intercept and error of predictions on z-scores, from the models that have both; None if few do."""
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
