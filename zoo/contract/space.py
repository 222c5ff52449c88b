"""The settings of a strategy that are worth searching, and their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``.

    Attributes:
        log: whether equal factors are equal steps, as for learning rates.
        integer: whether only whole numbers are valid.
        relative: whether they are multiples of what the strategy uses by default for the model.
        default: what a plan's None stands for, if None is the plan's default.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    relative: bool = False
    default: float | None = None

    def inside(self, value: Any) -> Any:
        """The nearest valid value."""
        nearest = min(max(float(value), self.low), self.high)
        return round(nearest) if self.integer else nearest

    def position(self, value: Any) -> float:
        """Where a value is, from 0 (``low``) to 1 (``high``); values outside are at the nearer end."""
        scale = math.log if self.log else float
        return (scale(self.inside(value)) - scale(self.low)) / (scale(self.high) - scale(self.low))


@dataclass(frozen=True)
class Choice:
    """A few values; neighbours are more alike than others, as with ``none``, ``light``, ``strong``."""

    values: tuple[Any, ...]

    def inside(self, value: Any) -> Any:
        """The value, or the first one if it is unknown."""
        return value if value in self.values else self.values[0]

    def position(self, value: Any) -> float:
        """Where a value is, from 0 (the first) to 1 (the last); 0 for an unknown one."""
        return self.values.index(value) / max(1, len(self.values) - 1) if value in self.values else 0.0


Space = Mapping[str, Range | Choice]
"""By the name of the setting in ``zoo.entities.Plan``."""
