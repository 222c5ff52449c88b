"""Named entities by their characters in a text, and by the tags of its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zoo_language.entities.metrics import OUTSIDE, entities


@dataclass(frozen=True)
class NamedEntity:
    """One entity.

    Attributes:
        label: its type: ``PER``.
        word: its words, as they are in the text.
        start, end: its first character, and the one after its last.
        score: its probability, if the model returns one.
    """

    label: str
    word: str
    start: int
    end: int
    score: float | None = None

    def renamed(self, label: str) -> NamedEntity:
        """The same entity with another type."""
        return replace(self, label=label)


@dataclass(frozen=True)
class NamedEntities(Sequence[NamedEntity]):
    """The entities of one text, in its order.

    Attributes:
        found: each entity.
    """

    found: tuple[NamedEntity, ...]

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __iter__(self) -> Iterator[NamedEntity]:
        return iter(self.found)


def word_places(text: str) -> list[tuple[int, int]]:
    """Start and end of each word of a text, in characters; white space separates words."""
    places, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def named_entities(text: str, tags: Sequence[str], scores: Sequence[float]) -> NamedEntities:
    """The entities of tagged words, each with the mean score of its words."""
    places = word_places(text)
    return NamedEntities(
        tuple(
            NamedEntity(
                label,
                text[places[first][0] : places[last - 1][1]],
                places[first][0],
                places[last - 1][1],
                sum(scores[first:last]) / (last - first),
            )
            for label, first, last in entities(tags)
        )
    )


def tags_of(text: str, found: Sequence[NamedEntity]) -> tuple[str, ...]:
    """The tag of each word, ``B-`` and ``I-``, for entities by their characters."""
    tags = []
    for start, end in word_places(text):
        over = next((entity for entity in found if entity.start < end and start < entity.end), None)
        prefix = "" if over is None else ("B-" if over.start >= start else "I-")
        tags.append(OUTSIDE if over is None else f"{prefix}{over.label}")
    return tuple(tags)
