"""The facts that rules may name, and how values are compared with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TEXT, LICENCE, NUMBER, DATE, FLAG, SIGNATURE = "text", "license", "number", "date", "flag", "signature"

_COMPARISON = re.compile(r"\s*(<=|>=|<|>)\s*(.+?)\s*\Z")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?\Z")


@dataclass(frozen=True)
class FactKind:
    """A fact that rules may name.

    Attributes:
        comparison: how values are compared: ``TEXT`` and ``LICENCE`` take patterns, ``NUMBER`` and ``DATE`` one
            comparison, ``FLAG`` true or false, ``SIGNATURE`` a table.
        about: what it is, after "the model's".
    """

    comparison: str
    about: str


FACTS: Mapping[str, FactKind] = {
    "license": FactKind(LICENCE, "licence"),
    "source": FactKind(TEXT, "source"),
    "author": FactKind(TEXT, "author"),
    "id": FactKind(TEXT, "id"),
    "base": FactKind(TEXT, "base models"),
    "tags": FactKind(TEXT, "tags"),
    "domain": FactKind(TEXT, "domain"),
    "architecture": FactKind(TEXT, "architecture"),
    "parameters": FactKind(NUMBER, "number of parameters"),
    "memory": FactKind(NUMBER, "memory"),
    "size": FactKind(NUMBER, "size"),
    "released": FactKind(DATE, "release date"),
    "weights": FactKind(TEXT, "format of the weights"),
    "pinned": FactKind(FLAG, "pinned revision"),
    "hashes": FactKind(FLAG, "published hashes"),
    "remote-code": FactKind(FLAG, "own code"),
    "scan": FactKind(TEXT, "scan"),
    "signature": FactKind(SIGNATURE, "signature"),
}
"""The facts by name."""


@dataclass(frozen=True)
class Comparison:
    """``>2B``, ``<=24GB``, ``>=2023-06``.

    Attributes:
        operator: one of ``<``, ``<=``, ``>``, ``>=``.
        bound: a number, or a date as text.
    """

    operator: str
    bound: int | str

    def holds(self, value: int | str) -> bool | None:
        """Whether it holds; None if a date is too coarse to decide it."""
        if isinstance(self.bound, str):
            return self._holds_for_date(str(value), self.bound)
        return self._compare(int(value), self.bound)

    def _holds_for_date(self, value: str, bound: str) -> bool | None:
        low, high = _days(value)
        first, last = _days(bound)
        if self.operator in {"<", ">="}:
            certainly, never = (high < first, low >= first)
            return self._three(certainly, never, self.operator == "<")
        certainly, never = (low > last, high <= last)
        return self._three(certainly, never, self.operator == ">")

    @staticmethod
    def _three(certainly: bool, never: bool, as_it_is: bool) -> bool | None:
        if certainly:
            return as_it_is
        return not as_it_is if never else None

    def _compare(self, value: int, bound: int) -> bool:
        if self.operator == "<":
            return value < bound
        if self.operator == "<=":
            return value <= bound
        return value > bound if self.operator == ">" else value >= bound


def comparison(text: str, kind: str) -> Comparison | None:
    """The comparison that a text is; None if it is none of this kind (``NUMBER`` or ``DATE``)."""
    from zoo.amounts import amount

    match = _COMPARISON.match(text)
    if match is None:
        return None
    if kind == DATE:
        return Comparison(match[1], match[2]) if is_date(match[2]) else None
    bound = amount(match[2])
    return None if bound is None else Comparison(match[1], bound)


def is_date(text: str) -> bool:
    """Whether a text is a year, a month or a day in ISO format."""
    from datetime import date

    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError:
        return False
    return True


def _days(text: str) -> tuple[str, str]:
    """The first and the last day of a year, month or day, as text that sorts by time."""
    return (text + "-00-00"[len(text) - 4 :], text + "-99-99"[len(text) - 4 :])
