"""Transferability estimators, and the statistics that they may be computed from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

UNBOUNDED = (-math.inf, math.inf)


class Spectrum(NamedTuple):
    """Eigenvalues of the centred scatter above rounding error, ascending, and their eigenvectors (d x rank)."""

    values: np.ndarray
    vectors: np.ndarray


class Responses(NamedTuple):
    """Targets as r regression targets: one indicator per class that occurs, or the numbers and labels themselves.

    Attributes:
        mean: mean of each, r.
        squares: sum of squares about the mean, r.
        cross: centred cross products with the features, r x d.
    """

    mean: np.ndarray
    squares: np.ndarray
    cross: np.ndarray


class Moments(NamedTuple):
    """Second moments of all K indicators, or r outputs, and the features about a given point.

    Attributes:
        squares: sum of squares of each indicator or output.
        cross: its cross products with the features, K x d or r x d.
        scatter: of the features, d x d.
    """

    squares: np.ndarray
    cross: np.ndarray
    scatter: np.ndarray


@runtime_checkable
class Statistics(Protocol):
    """Sufficient statistics of n samples of features and targets, in float64, as an estimator reads them.

    ``zoo.transfer.Statistics`` streams them.
    """

    @property
    def classes(self) -> int | None:
        """Number of classes K; None for targets that are numbers or several labels per sample."""
        ...

    @property
    def n(self) -> int:
        """Number of samples."""
        ...

    @property
    def dimension(self) -> int:
        """Number of dimensions d of the features."""
        ...

    @property
    def full_dimension(self) -> int:
        """Number of dimensions before a rotation dropped those without variance; ``dimension`` if none did."""
        ...

    @property
    def counts(self) -> np.ndarray:
        """Samples of each class, K; one figure for numbers."""
        ...

    @property
    def mean(self) -> np.ndarray:
        """Mean feature vector, d."""
        ...

    @property
    def scatter(self) -> np.ndarray:
        """Sum of (x - mean)(x - mean)', d x d."""
        ...

    @property
    def spectrum(self) -> Spectrum:
        """Eigendecomposition of the scatter, computed once."""
        ...

    @property
    def fourth_moment(self) -> float:
        """Sum of ||x - mean||^4."""
        ...

    @property
    def class_centres(self) -> np.ndarray:
        """Means of the classes that occur, minus the mean of all, K' x d."""
        ...

    @property
    def class_spread(self) -> np.ndarray:
        """Sum of ||x - mean of its class||^2 for each class that occurs, K'; for numbers about the mean of all, 1."""
        ...

    @property
    def target_mean(self) -> np.ndarray:
        """Share of each class, K; or mean of each output, r."""
        ...

    @property
    def cross(self) -> np.ndarray:
        """Cross products of indicators or outputs with the features, both about their means, K x d or r x d."""
        ...

    @property
    def responses(self) -> Responses:
        """The targets as regression targets, centred; classes without a sample are left out."""
        ...

    def about(self, centre: np.ndarray, target_centre: np.ndarray) -> Moments:
        """Second moments about a point other than the mean: ``centre`` (d) and ``target_centre`` (K or r)."""
        ...


@dataclass(frozen=True)
class Measured:
    """An estimator's value with its 95 % interval; the ends are None if there are too few samples for one.

    Attributes:
        parts: numbers whose mean is the value and whose standard error is the value's: pseudo-values of the jackknife,
            or the contributions of the samples. Those of two models on the same samples and seed are paired, to compute
            the error of a difference (``zoo.transfer.intervals.difference``). Empty if there are none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    parts: tuple[float, ...] = field(default=(), repr=False, compare=False)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the interval; infinite if there is none."""
        low, high = self.low, self.high
        return (-math.inf if low is None else low, math.inf if high is None else high)


@dataclass(frozen=True)
class Estimator:
    """A number computed from frozen features and targets that predicts fine-tuned performance; higher is better.

    Attributes:
        name: what ``--estimator`` takes.
        title: the name in the literature.
        score: function of features (n x d) and targets (n class indices, n or n x r floats) that returns the number.
        target_kinds: ``class``, ``classes`` (several labels per sample, which ``score`` gets as n x r floats 0 or 1) or
            ``number``, or several of them.
        reference: paper and equation.
        range: its possible values, in words.
        bounds: lower and upper bound for class indices; intervals stay within them. A figure from 0 to 1 is a mean over
            samples.
        bounds_otherwise: bounds for other targets, if they differ.
        chance: its value for uninformative features, if known.
        from_statistics: the same number from streamed statistics only, if they suffice; estimators that have it share
            one pass over the features.
        measure: function of features, targets and a seed that returns the number with the estimator's own interval;
            without it, the interval comes from a delete-a-group jackknife.
        grouped: whether ``measure`` takes a fourth argument, the group of each sample (or None), and keeps each group
            on one side of a split.
        held_out: function of the statistics of training samples and of those held out that returns one number for each
            of several settings; the value is the highest mean over the folds.
        takes: the first argument of ``score``: ``features``, or the ``probabilities`` of the source
            classes that the model was trained on, n x S.
        words: the number's name within a sentence, such as ``cross-validated linear-probe {unit}``; the title if it is
            empty.
        unit: unit of the number for class indices; empty if it has none.
        unit_otherwise: unit for other targets, if it differs.
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
        """Lower and upper bound of the number for targets of a kind."""
        return self.bounds if target_kind == "class" or self.bounds_otherwise is None else self.bounds_otherwise

    def in_words(self, target_kind: str) -> str:
        """The number's name within a sentence, for targets of a kind."""
        return (self.words or self.title).format(unit=self.unit_for(target_kind))
