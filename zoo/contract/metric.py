"""A task metric: targets and predictions in, one figure out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A figure that evaluates predictions.

    Attributes:
        name: as tasks name it, such as ``accuracy``.
        compute: function of targets and predictions, both of length n, that gives the figure: of arrays of class
            indices or of numbers, or of lists of values of the target's kind. Raises ``DataError`` where it cannot
            evaluate such targets.
        higher_is_better: its direction.
        description: definition and range in a sentence.
    """

    name: str
    compute: Callable[[Any, Any], float]
    higher_is_better: bool = True
    description: str = ""
