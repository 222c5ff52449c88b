"""Turns the labels of a column into class indices or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import DataError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_MISSING = frozenset({"", "nan", "null", "n/a", "#n/a", "<na>"})
_FEW = 50
_MOST_NUMBERED_CLASSES = 10_000


@dataclass(frozen=True)
class Targets:
    """Targets of n samples: class indices with class names, numbers, or texts; ``kind`` names which of them."""

    kind: str
    values: list[int] | list[float] | list[str]
    classes: tuple[str, ...] = ()


def is_missing(value: Any) -> bool:
    """Whether a cell is empty, or says so (``NaN``, ``null``, ``NA``, ``N/A``), or is a number that is not finite."""
    if isinstance(value, str):
        stripped = value.strip()
        return stripped == "NA" or stripped.lower() in _MISSING
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def is_number(value: Any) -> bool:
    """Whether a cell is a number, or the text of one."""
    if isinstance(value, str):
        return bool(_NUMBER.match(value.strip()))
    return not isinstance(value, bool) and hasattr(value, "__float__")


def interpret(values: Sequence[Any], places: Sequence[str], column: str, wanted: str | None = None) -> Targets:
    """Classes or numbers out of labels none of which is missing.

    Words and booleans are classes. Numbers with a fraction are numbers. Whole numbers are classes where few of them
    occur (at most 50), or where they count classes (0 or 1 upward without a gap), each twice or more on average. A
    task that wants one or the other gets it.

    Args:
        values: the cells.
        places: where each stands, for messages.
        wanted: ``class``, ``number`` or ``text`` where the task says.

    Raises:
        DataError: words and numbers are mixed, or a cell is a list or an object.
    """
    numeric = [is_number(value) for value in values]
    for value, place in zip(values, places, strict=True):
        if isinstance(value, (list, dict, tuple)):
            raise DataError(f"Column '{column}' holds lists or objects ({place}), which cannot be labels.",
                            "Name a column of words or numbers with --target-column.")  # fmt: skip
    if wanted == "text":
        return Targets("text", [str(value) for value in values])
    if any(numeric) and not all(numeric):
        number, word = numeric.index(True), numeric.index(False)
        raise DataError(
            f"Column '{column}' mixes numbers and words: {places[number]} has {_shown(values[number])}, "
            f"{places[word]} has {_shown(values[word])}.",
            "Make all labels words or all numbers, or name another column with --target-column.",
        )
    if not all(numeric):
        return _classes([_word(value) for value in values])
    numbers = [float(value) for value in values]
    if wanted == "number" or not (_are_classes(numbers) or (wanted == "class" and len(set(numbers)) <= _FEW)):
        return Targets("number", numbers)
    return _classes(numbers)


def _are_classes(numbers: Sequence[float]) -> bool:
    distinct = set(numbers)
    if any(number != math.floor(number) for number in distinct) or len(numbers) < 2 * len(distinct):
        return False
    counting = min(distinct) in {0, 1} and max(distinct) - min(distinct) == len(distinct) - 1
    return len(distinct) <= _FEW or (counting and len(distinct) <= _MOST_NUMBERED_CLASSES)


def _classes(labels: Sequence[Any]) -> Targets:
    ordered = sorted(set(labels))
    index = {label: position for position, label in enumerate(ordered)}
    names = tuple(f"{label:.15g}" if isinstance(label, float) else label for label in ordered)
    return Targets("class", [index[label] for label in labels], names)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _shown(value: Any) -> str:
    text = str(value).strip()
    return f"'{text[:30]}…'" if len(text) > 30 else f"'{text}'"
