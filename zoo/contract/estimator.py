"""What every transferability estimator answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from zoo.transfer.statistics import Statistics

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True)
class Measured:
    """An estimator's value with its 95 % interval; the ends are None where there are too few samples to tell.

    Attributes:
        parts: numbers whose mean is the value and whose standard error is the value's: pseudo-values of the jackknife,
            or the contributions of the samples. Those of two models on the same samples and seed go in pairs, so that
            the error of a difference can be told (``zoo.transfer.intervals.difference``). Empty where there are none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    parts: tuple[float, ...] = field(default=(), repr=False, compare=False)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the interval; infinite where there is none."""
        low, high = self.low, self.high
        return (-math.inf if low is None else low, math.inf if high is None else high)


@dataclass(frozen=True)
class Estimator:
    """A number computed from frozen features and targets that predicts fine-tuned performance; higher is better.

    Attributes:
        name: what ``--estimator`` takes.
        title: the name in the literature.
        score: function of features (n x d) and targets (n class indices, n or n x r floats) that gives the number.
        target_kinds: ``class``, ``classes`` (several labels a sample, which ``score`` gets as n x r floats 0 or 1) or
            ``number``, or several of them.
        reference: paper and equation.
        range: the values that it can take, in words.
        bounds: the least and the most that it can be for class indices; no interval goes beyond. A figure from 0 to 1
            is a mean over samples.
        bounds_otherwise: for other targets, where they differ.
        chance: its value for features that say nothing, where that is known.
        from_statistics: the same number from streamed statistics alone, where they suffice; estimators that have it
            share one pass over the features.
        measure: function of features, targets and a seed that gives the number with an interval of its own making,
            where the estimator has one; the others get theirs from a delete-a-group jackknife.
        grouped: whether ``measure`` takes a fourth argument, the group of each sample (or None), and never lets a
            group stand on both sides of a split.
        held_out: function of the statistics of training samples and of those held out that gives one number for each
            of several settings; the value is the greatest mean over the folds.
        takes: what the first argument of ``score`` holds: ``features``, or the ``probabilities`` of the source
            classes that the model was trained on, n x S.
        words: the number as a sentence names it, such as ``cross-validated linear-probe {unit}``; the title where it
            is empty.
        unit: of the number for class indices; empty where it has none.
        unit_otherwise: of the number for other targets, where that is another.
    """

    name: str
    title: str
    score: Callable[[np.ndarray, np.ndarray], float]
    target_kinds: tuple[str, ...] = ("class",)
    reference: str = ""
    range: str = ""
    bounds: tuple[float, float] = UNBOUNDED
    bounds_otherwise: tuple[float, float] | None = None
    chance: float | None = None
    from_statistics: Callable[[Statistics], float] | None = None
    measure: Callable[..., Measured] | None = None
    grouped: bool = False
    held_out: Callable[[Statistics, Statistics], np.ndarray] | None = None
    takes: str = "features"
    words: str = ""
    unit: str = ""
    unit_otherwise: str = ""

    def unit_for(self, target_kind: str) -> str:
        """The unit of the number for targets of a kind (``class``, ``classes``, ``number``); empty without one."""
        return self.unit if target_kind == "class" else self.unit_otherwise or self.unit

    def bounds_for(self, target_kind: str) -> tuple[float, float]:
        """The least and the most that the number can be for targets of a kind."""
        return self.bounds if target_kind == "class" or self.bounds_otherwise is None else self.bounds_otherwise

    def in_words(self, target_kind: str) -> str:
        """The number as a sentence names it, for targets of a kind."""
        return (self.words or self.title).format(unit=self.unit_for(target_kind))
