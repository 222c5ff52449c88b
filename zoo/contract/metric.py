"""Task metrics: functions from targets and predictions to one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A metric of predictions.

    Attributes:
        name: its name in tasks, such as ``accuracy``.
        compute: function of targets and predictions, both of length n, that returns the number: of arrays of class
            indices or of numbers, or of lists of values of the target's kind. Raises ``DataError`` if it cannot
            evaluate such targets.
        higher_is_better: its direction.
        description: definition and range in a sentence.
        bounds: its lowest and highest value; no interval exceeds them.
        recomputed: how many times it is computed for its interval, see ``zoo.adapt.results.intervals``; fewer for
            metrics that take long.
    """

    name: str
    compute: Callable[[Any, Any], float]
    higher_is_better: bool = True
    description: str = ""
    bounds: tuple[float, float] = (-inf, inf)
    recomputed: int = 100
