"""Reads the times of a column: numbers, and dates in ISO 8601."""

from __future__ import annotations

import math
from datetime import date, datetime, timezone
from typing import Any

from zoo.kinds.targets import is_missing


def moment_of(value: Any) -> float | None:
    """A cell as a number that orders it: a number itself, or the seconds since 1970 of a date; None if it is neither.

    Dates without a time zone are in UTC.
    """
    if is_missing(value) or isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    try:
        return moment_of(datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else "")))
    except (ValueError, OverflowError, OSError):
        return None
