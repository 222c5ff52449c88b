"""What every transferability estimator answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Estimator:
    """A number computed from frozen features and targets that predicts fine-tuned performance; higher is better.

    Attributes:
        name: what ``--estimator`` takes.
        title: the name in the literature.
        score: function of features (n x d) and targets (n class indices, or n floats) that gives the number.
        target_kinds: ``class``, ``number`` or both.
        reference: paper and equation.
        range: the values that it can take, in words.
        chance: its value for features that say nothing, where that is known.
    """

    name: str
    title: str
    score: Callable[[np.ndarray, np.ndarray], float]
    target_kinds: tuple[str, ...] = ("class",)
    reference: str = ""
    range: str = ""
    chance: float | None = None
