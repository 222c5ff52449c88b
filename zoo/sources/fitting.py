"""Truncates listed cards to the limits of a registry, so that one bad entry does not stop a sync."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.entities import BenchmarkScore, ModelCard, Problem
from zoo.errors import InvalidInput

SHOWN = 80
"""Maximum characters of an id in a problem."""


@dataclass(frozen=True)
class Fit:
    """The items of a page that can be stored.

    Attributes:
        items: cards and scores, in their order.
        cut: number of cards that were truncated.
        left_out: number of cards and scores that cannot be stored; scores of such a card are not counted.
        problems: one for each of these cards and scores.
    """

    items: tuple[ModelCard | BenchmarkScore, ...]
    cut: int = 0
    left_out: int = 0
    problems: tuple[Problem, ...] = ()


def fit(items: Sequence[ModelCard | BenchmarkScore]) -> Fit:
    """The items with every card truncated to the registry's limits, without those that cannot be truncated."""
    from zoo.registry.writing import encoding, validation

    cards = [item for item in items if isinstance(item, ModelCard)]
    try:
        if cards:
            validation.all_storable(cards, encoding.columns_of(cards))
        cards_fit = True
    except (InvalidInput, TypeError, AttributeError):
        cards_fit = False
    kept: list[ModelCard | BenchmarkScore] = []
    problems: list[Problem] = []
    gone: set[str] = set()
    cut = left_out = 0
    for item in items:
        try:
            if isinstance(item, BenchmarkScore):
                if item.model not in gone:
                    kept.append(validation.checked(item))
                continue
            if not cards_fit:
                validation.storable(item)
            kept.append(item)
        except InvalidInput as error:
            if isinstance(item, BenchmarkScore):
                left_out += 1
                problems.append(Problem(_shown(item.model), f"a score cannot be stored: {error.message}"))
                continue
            try:
                kept.append(validation.fitted(item))
                cut += 1
            except InvalidInput:
                gone.add(item.id)
                left_out += 1
            problems.append(Problem(_shown(item.id), error.message))
    return Fit(tuple(kept), cut, left_out, tuple(problems))


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:SHOWN]
