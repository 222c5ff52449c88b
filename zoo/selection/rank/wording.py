"""Wording of estimators, by their own descriptions, and of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.kinds.known import estimated_as
from zoo.transfer.measure import known_estimators


def estimator_name(name: str, target_kind: str) -> str:
    """The name of an estimator's number in a sentence: ``cross-validated linear-probe accuracy``.

    Args:
        target_kind: kind of the targets; an accuracy for classes may be an R² for numbers.
    """
    found = known_estimators().get(name)
    return found.in_words(estimated_as(target_kind)) if found else name


def estimator_title(name: str) -> str:
    """The name of an estimator in the literature; the name itself if no plugin has it."""
    found = known_estimators().get(name)
    return found.title if found else name


def described(names: Sequence[str], target_kind: str) -> dict[str, dict[str, str]]:
    """Description of each estimator's number, by name: ``words``, ``unit``, ``range``, ``title`` and ``reference``."""
    known, target_kind = known_estimators(), estimated_as(target_kind)
    return {
        name: {
            "title": known[name].title,
            "words": known[name].in_words(target_kind),
            "unit": known[name].unit_for(target_kind),
            "range": known[name].range,
            "reference": known[name].reference,
        }
        for name in names
        if name in known
    }


def legend(described: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line per estimator: its number, unit and range."""
    lines = []
    for name, about in described.items():
        words, unit = about["words"], about["unit"]
        said = words if not unit or unit in words else f"{words}, in {unit}"
        lines.append(f"{name}: {said}{'; ' + about['range'] if about['range'] else ''}.")
    return lines


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
