"""Named entities as targets: a tag for each word, judged entity by entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

OUTSIDE = "O"


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities of a sentence as (type, first word, word after the last), in order.

    Tags are ``B-`` and ``I-`` with a type, or ``O``. As CoNLL's script has it, an ``I-`` that continues nothing of its
    type begins an entity; ``E-``, ``S-``, ``L-`` and ``U-`` of the other schemes are read too.
    """
    found: list[tuple[str, int, int]] = []
    start, kind = 0, ""
    for position, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, name = tag.partition("-")
        begins = prefix in {"B", "S", "U"} or (prefix in {"I", "E", "L"} and name != kind)
        if kind and (begins or prefix == OUTSIDE):
            found.append((kind, start, position))
            kind = ""
        if begins:
            start, kind = position, name
        if kind and prefix in {"S", "U", "E", "L"}:
            found.append((kind, start, position + 1))
            kind = ""
    return found


def entity_f1(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Micro F1 of entities, right where type and both ends are (Tjong Kim Sang and De Meulder, 2003); 0 to 1."""
    right = known = found = 0
    for truth, guess in _pairs("entity_f1", targets, predictions):
        expected, given = set(entities(truth)), set(entities(guess))
        right, known, found = right + len(expected & given), known + len(expected), found + len(given)
    return 2 * right / (known + found) if known + found else 1.0


def token_accuracy(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Share of the words whose tag is right; 0 to 1."""
    pairs = [
        (expected, given)
        for truth, guess in _pairs("token_accuracy", targets, predictions)
        for expected, given in zip(truth, guess, strict=True)
    ]
    return sum(expected == given for expected, given in pairs) / len(pairs)


METRICS = (
    Metric("entity_f1", entity_f1, True, "Micro F1 of whole entities with their types, as CoNLL has it; 0 to 1."),
    Metric("token_accuracy", token_accuracy, True, "Share of the words whose tag is right; 0 to 1."),
)


def word_places(text: str) -> list[tuple[int, int]]:
    """Where each word of a text begins and ends, in characters; words are what white space divides."""
    places, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def named_entities(text: str, tags: Sequence[str], scores: Sequence[float]) -> list[dict[str, Any]]:
    """Entities for people: label, words, first and last character, and the mean score of the words."""
    places = word_places(text)
    return [
        {
            "label": kind,
            "word": text[places[first][0] : places[last - 1][1]],
            "start": places[first][0],
            "end": places[last - 1][1],
            "score": sum(scores[first:last]) / (last - first),
        }
        for kind, first, last in entities(tags)
    ]


def tags_of(text: str, found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The tag of each word, ``B-`` and ``I-``, for entities by their characters."""
    tags = []
    for start, end in word_places(text):
        over = next((entity for entity in found if entity["start"] < end and start < entity["end"]), None)
        prefix = "" if over is None else ("B-" if over["start"] >= start else "I-")
        tags.append(OUTSIDE if over is None else f"{prefix}{over['label']}")
    return tuple(tags)


def _pairs(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Any, Any]]:
    pairs = list(zip(targets, predictions, strict=True))
    if not pairs or not all(isinstance(tags, (tuple, list)) for pair in pairs for tags in pair):
        raise DataError(f"'{name}' compares tags, one for each word.")
    if any(len(truth) != len(found) for truth, found in pairs):
        raise DataError(f"'{name}' needs a tag for each word, and some are missing or too many.")
    return pairs


KIND = TargetKind(
    "spans",
    lambda inputs, known, task: [(OUTSIDE,) * len(inputs[index].split()) for index in range(len(inputs))],
    tags_of,
)
