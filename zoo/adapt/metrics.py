"""Task metrics: targets and predictions in, one figure out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Metric:
    """A figure that judges predictions.

    Attributes:
        name: as tasks name it, such as ``accuracy``.
        compute: function of targets and predictions, both of length n, that gives the figure.
        higher_is_better: its direction.
        description: definition and range in a sentence.
    """

    name: str
    compute: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool = True
    description: str = ""
