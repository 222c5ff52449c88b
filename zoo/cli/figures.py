"""Figures as people read them: counts, bytes, seconds, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def human_count(value: int | None) -> str:
    """A count as people write it: 86.6M, 1.2B, 950."""
    return "-" if value is None else _scaled(float(value), 1000, ("", "k", "M", "B", "T"))


def human_bytes(value: int | None) -> str:
    """A size in decimal units: 19.0 MB."""
    return "-" if value is None else _scaled(float(value), 1000, (" B", " kB", " MB", " GB", " TB"))


def human_seconds(value: float | None) -> str:
    """A time: 0.4 s, 12.3 s, 2 min 5 s."""
    if value is None:
        return "-"
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def human_score(value: float | None) -> str:
    """A figure with four significant digits."""
    from zoo.answers import figure_text

    return "-" if value is None else figure_text(value)


def _scaled(value: float, base: int, units: Sequence[str]) -> str:
    for unit in units[:-1]:
        if abs(value) < base:
            return f"{value:.0f}{unit}" if unit.strip() in {"", "B"} and unit == units[0] else f"{value:.1f}{unit}"
        value /= base
    return f"{value:.1f}{units[-1]}"


def pairs(values: Mapping[str, Any]) -> str:
    """A mapping in one line: name value, name value."""
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({pairs(value)})"
    return human_score(value) if isinstance(value, float) else str(value)
