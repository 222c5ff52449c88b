"""Converts the labels of a column to class indices or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from zoo.errors import DataError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d")
_WHOLE = re.compile(r"[+-]?\d+\Z", re.ASCII)
_MISSING = frozenset({"", "nan", "null", "n/a", "#n/a", "<na>"})
_FEW = 50
_MOST_NUMBERED_CLASSES = 10_000
_MOST_DIGITS = 15
"""Digits up to which a float represents every whole number; longer ones are names, such as user ids."""

INTERPRETED = frozenset({"class", "number", "text"})
"""The kinds of target that ``interpret`` tells apart."""


@dataclass(frozen=True)
class Targets:
    """Targets of n samples: class indices with class names, numbers, texts, or values of another kind.

    Attributes:
        kind: name of their kind.
        notes: how ambiguous labels were read, in sentences.
    """

    kind: str
    values: Sequence[Any]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_missing(value: Any) -> bool:
    """Whether a cell is empty, a mark of a missing value (``NaN``, ``null``, ``NA``, ``N/A``), or not finite."""
    if isinstance(value, str):
        stripped = value.strip()
        return stripped == "NA" or stripped.lower() in _MISSING or _is_infinite(stripped)
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def is_number(value: Any) -> bool:
    """Whether a cell is a number, or the text of one."""
    if isinstance(value, str):
        return bool(_NUMBER.match(value.strip()))
    return not isinstance(value, bool) and hasattr(value, "__float__")


def is_code(value: Any) -> bool:
    """Whether a cell of digits is a code: ``007``, or a whole number of 16 digits or more."""
    text = value.strip() if isinstance(value, str) else str(value)
    if isinstance(value, float) or not is_number(value):
        return False
    return bool(_PADDED.match(text)) or (bool(_WHOLE.match(text)) and len(text.lstrip("+-")) > _MOST_DIGITS)


def _is_infinite(text: str) -> bool:
    """Whether a text is a number that no float can hold: ``1e999``."""
    return "e" in text.lower() and bool(_NUMBER.match(text)) and math.isinf(float(text))


def interpret(values: Sequence[Any], places: Sequence[str], column: str, wanted: str | None = None) -> Targets:
    """Classes or numbers from labels, none of which is missing.

    Words and booleans are classes. Numbers with a fraction are numbers. Whole numbers are classes where few of them
    occur (at most 50), or where they count classes (0 or 1 upward without a gap), each twice or more on average. A
    column with a code, such as ``007``, contains names. A task that needs one or the other decides. Classes are named
    as their labels are written.

    Args:
        values: the cells.
        places: position of each, for messages.
        wanted: ``class``, ``number`` or ``text`` where the task says.

    Raises:
        DataError: words and numbers are mixed, or a cell is a list or an object.
    """
    for value, place in zip(values, places, strict=True):
        if isinstance(value, tuple) or not isinstance(value, Hashable):
            raise DataError(
                f"Column '{column}' contains lists or objects ({place}), which cannot be labels.",
                "Name a column of words or numbers with --target-column, or with --task a task that predicts several "
                "labels for each sample.",
            )
    if wanted == "text":
        return Targets("text", [str(value) for value in values])
    distinct = {(type(value), value): value for value in values}
    known = {key: is_number(value) for key, value in distinct.items()}
    numeric = [known[type(value), value] for value in values]
    code = next((value for value in distinct.values() if is_code(value)), None)
    if code is not None and not (wanted == "number" and all(numeric)):
        return _classes(values, (_as_names(column, code),))
    if any(numeric) and not all(numeric):
        number, word = numeric.index(True), numeric.index(False)
        raise DataError(
            f"Column '{column}' mixes numbers and words: {places[number]} has {_shown(values[number])}, "
            f"{places[word]} has {_shown(values[word])}.",
            "Make all labels words or all numbers, or name another column with --target-column.",
        )
    if not all(numeric):
        return _classes(values)
    numbers = [_float(value) for value in values]
    if infinite := [place for number, place in zip(numbers, places, strict=True) if math.isinf(number)]:
        raise DataError(f"Column '{column}' has a number that is too large ({infinite[0]}).", "Correct or remove it.")
    if wanted == "number" or not (_are_classes(numbers) or (wanted == "class" and len(set(numbers)) <= _FEW)):
        return Targets("number", numbers)
    return _classes(values)


def _are_classes(numbers: Sequence[float]) -> bool:
    distinct = set(numbers)
    if any(number != math.floor(number) for number in distinct) or len(numbers) < 2 * len(distinct):
        return False
    counting = min(distinct) in {0, 1} and max(distinct) - min(distinct) == len(distinct) - 1
    return len(distinct) <= _FEW or (counting and len(distinct) <= _MOST_NUMBERED_CLASSES)


def _classes(values: Sequence[Any], notes: tuple[str, ...] = ()) -> Targets:
    """Class indices, with the classes in numerical or else alphabetical order."""
    words = {(type(value), value): label_name(value) for value in values}
    labels = [words[type(value), value] for value in values]
    distinct = set(labels)
    ordered, amounts = in_order(distinct)
    index = {label: position for position, label in enumerate(ordered)}
    return Targets("class", [index[label] for label in labels], tuple(ordered), notes + _equal(ordered, amounts))


def in_order(names: Collection[str]) -> tuple[list[str], dict[str, Decimal]]:
    """Class names in numerical or else alphabetical order, and the value of those that are numbers."""
    amounts = {name: _amount(name) for name in names if is_number(name)}
    ordered = sorted(names)
    if len(amounts) == len(names):
        ordered.sort(key=amounts.__getitem__)
    return ordered, amounts


def label_name(value: Any) -> str:
    """A label as it is written; a whole number is written without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value == math.floor(value) and abs(value) < 10**_MOST_DIGITS else repr(float(value))
    if isinstance(value, bytes):  # some programs write texts to Parquet as bytes
        return value.decode("utf-8", "backslashreplace").strip()
    return str(value).strip()


def _amount(label: str) -> Decimal:
    try:
        return Decimal(label)
    except InvalidOperation:  # an exponent of more digits than any number has
        return Decimal("Infinity")


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _as_names(column: str, code: Any) -> str:
    return (
        f"The labels in column '{column}' are read as names, not as numbers, because {_shown(code)} is among them; "
        "a task that needs numbers (--task) reads them as such."
    )


def _equal(ordered: Sequence[str], amounts: Mapping[str, Decimal]) -> tuple[str, ...]:
    """A warning if classes are the same number, written differently."""
    for one, other in pairwise(ordered):
        if one in amounts and amounts[one] == amounts.get(other) and not amounts[one].is_infinite():
            return (f"Classes '{one}' and '{other}' are one number written in two ways; they are read as two classes.",)
    return ()


def _shown(value: Any) -> str:
    text = str(value).strip()
    return f"'{text[:30]}…'" if len(text) > 30 else f"'{text}'"
