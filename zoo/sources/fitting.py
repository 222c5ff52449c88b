"""Makes what a platform lists fit into a registry, whatever the platform: one bad entry must not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.entities import BenchmarkScore, ModelCard, Problem
from zoo.errors import InvalidInput

SHOWN = 80
"""Characters of an id that a problem shows."""


@dataclass(frozen=True)
class Fit:
    """What can be kept of a page.

    Attributes:
        items: cards and scores, in their order.
        cut: cards that lost something.
        left_out: cards and scores that cannot be kept at all; scores of such a card are not counted.
        problems: one for each of both.
    """

    items: tuple[ModelCard | BenchmarkScore, ...]
    cut: int = 0
    left_out: int = 0
    problems: tuple[Problem, ...] = ()


def fit(items: Sequence[ModelCard | BenchmarkScore]) -> Fit:
    """The items with every card cut to what a registry can hold, and without those that cannot be cut."""
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
                problems.append(Problem(_shown(item.model), f"a score cannot be kept: {error.message}"))
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
