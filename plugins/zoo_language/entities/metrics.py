"""Metrics of named entities: a tag for each word, compared entity by entity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError

OUTSIDE = "O"


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities of a sentence as (type, first word, word after the last), in order.

    Tags are ``B-`` and ``I-`` with a type, or ``O``. As in CoNLL's script, an ``I-`` that does not continue an entity
    of its type starts one; ``E-``, ``S-``, ``L-`` and ``U-`` of the other schemes are read too.
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
    """Micro F1 of entities, correct if type and both ends are (Tjong Kim Sang and De Meulder, 2003); 0 to 1."""
    right = known = found = 0
    for true_tags, predicted in _pairs("entity_f1", targets, predictions):
        expected, given = set(entities(true_tags)), set(entities(predicted))
        right, known, found = right + len(expected & given), known + len(expected), found + len(given)
    return 2 * right / (known + found) if known + found else 1.0


def token_accuracy(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Fraction of the words with the correct tag; 0 to 1."""
    pairs = [
        (expected, given)
        for true_tags, predicted in _pairs("token_accuracy", targets, predictions)
        for expected, given in zip(true_tags, predicted, strict=True)
    ]
    return sum(expected == given for expected, given in pairs) / len(pairs)


METRICS = (
    Metric(
        "entity_f1", entity_f1, True, "Micro F1 of whole entities with their types, as in CoNLL; 0 to 1.", bounds=(0, 1)
    ),
    Metric(
        "token_accuracy", token_accuracy, True, "Fraction of the words with the correct tag; 0 to 1.", bounds=(0, 1)
    ),
)


def _pairs(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Any, Any]]:
    pairs = list(zip(targets, predictions, strict=True))
    if not pairs or not all(isinstance(tags, (tuple, list)) for pair in pairs for tags in pair):
        raise DataError(f"'{name}' needs a tag for each word.")
    if any(len(known) != len(found) for known, found in pairs):
        raise DataError(f"'{name}' needs a tag for each word, but some are missing or extra.")
    return pairs
