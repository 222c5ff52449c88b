"""Numbers with units: ``86M``, ``1.5B``, ``500MB``, ``24GB`` in powers of 1000, ``24GiB`` in powers of 1024."""

from __future__ import annotations

import math
import re

_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "b": 3, "t": 4}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgbt]?)(i?b)?\s*\Z", re.IGNORECASE)


def amount(text: str) -> int | None:
    """The number, or None if the text is not a valid amount or is too large."""
    match = _AMOUNT.match(text)
    if not match:
        return None
    number, unit, suffix = match.groups()
    base = 1024 if suffix and suffix.lower() == "ib" else 1000
    value = float(number) * base ** _UNITS[unit.lower()]
    return round(value) if math.isfinite(value) else None


def seconds(text: str) -> float | None:
    """The seconds in a time such as ``120``, ``120s``, ``2m`` or ``1h``; None if the text is not a valid time."""
    text = text.strip().lower()
    scale = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    try:
        return float(text[:-1]) * scale if scale else float(text)
    except ValueError:
        return None
