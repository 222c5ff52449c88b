"""The Pareto front of score and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.answers import Candidate


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[bool]:
    """For each candidate, whether no other has at least its score at no higher cost and is better in one of them."""
    best = float("-inf")
    front = [False] * len(costs)
    order = sorted(range(len(costs)), key=lambda at: (costs[at], -scores[at]))
    for place, at in enumerate(order):
        twin = place > 0 and (costs[order[place - 1]], scores[order[place - 1]]) == (costs[at], scores[at])
        front[at] = scores[at] > best or (twin and front[order[place - 1]])
        best = max(best, scores[at])
    return front


def with_fronts(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, each with the costs (``parameters``, ``latency``) on whose Pareto front it lies."""
    on: dict[int, list[str]] = {}
    for cost in ("parameters", "latency"):
        known = [
            (place, float(value), merit)
            for place, candidate in enumerate(ranked)
            if (value := getattr(candidate, cost)) is not None and (merit := comparison_score(candidate)) is not None
        ]
        front = pareto_front([value for _, value, _ in known], [merit for _, _, merit in known])
        for (place, _, _), best in zip(known, front, strict=True):
            if best:
                on.setdefault(place, []).append(cost)
    return [
        replace(candidate, pareto=tuple(on[place])) if place in on else candidate
        for place, candidate in enumerate(ranked)
    ]


def comparison_score(candidate: Candidate) -> float | None:
    """The predicted score of a candidate, or its score if none is predicted."""
    return candidate.score if candidate.predicted is None else candidate.predicted
