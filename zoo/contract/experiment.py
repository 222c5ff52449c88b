"""A data set split for one adaptation: what every strategy gets from the core."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import Backbone
    from zoo.contract.kind import Kind
    from zoo.contract.metric import Metric
    from zoo.entities import Dataset, ModelCard, Plan, Run
    from zoo.tasks import Task

STRONG_IMBALANCE = 10
"""Classes are weighted when the largest has this many times the samples of the smallest."""


@dataclass(frozen=True)
class Predictions:
    """What a model predicts for n samples.

    Attributes:
        values: n class indices, numbers, or values of the targets' kind.
        confidences: n probabilities of the predicted classes; None if the model has none.
    """

    values: Any
    confidences: Any = None


@dataclass(frozen=True)
class Experiment(ABC):
    """A data set split for one adaptation, how it is evaluated, and where the results go.

    The parts are the same for every strategy and model.

    Attributes:
        train, validation, test: positions of the samples in the data set.
        targets: n targets: class indices (int64), floats (float64), n x K numbers 0 or 1 (int64) for sets of labels, or
            a sequence of other values.
        metrics: the task's metrics that apply, the primary one first.
        kind: the kind of the targets.
        copies: number of samples that are copies of an earlier one; copies are in the same part.
        near_copies: number of further samples that are nearly the same as another one; they are in its part too.
        rivals: predictions of other models for the test samples, which the adapted one is compared with, by name.
        weighting: how classes are weighted: ``auto``, ``none`` or ``balanced``, see ``class_weights``.
    """

    task: Task
    dataset: Dataset
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    targets: Any
    metrics: tuple[Metric, ...]
    kind: Kind
    copies: int = 0
    near_copies: int = 0
    rivals: Mapping[str, Predictions] = field(default_factory=dict)
    weighting: str = "auto"

    @property
    def learned_from(self) -> tuple[int, ...]:
        """Positions of the samples that the weights depend on: those of training and of validation."""
        return (*self.train, *self.validation)

    @property
    def outputs(self) -> int:
        """Number of outputs of a head: one per class or label, or one."""
        return len(self.dataset.classes) if self.classification or self.multi_label else 1

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.kind.estimable and not self.multi_label and self.targets.dtype.kind == "i"

    @property
    def multi_label(self) -> bool:
        """Whether the targets are sets of labels, n x K."""
        return self.kind.several

    def evaluate(self, predictions: Any, positions: Sequence[int]) -> dict[str, float]:
        """Every metric of predictions for the samples at ``positions``."""
        targets = self.of(positions)
        return {metric.name: float(metric.compute(targets, predictions)) for metric in self.metrics}

    def decide(self, predictions: Any, positions: Sequence[int]) -> float:
        """The primary metric, turned so that higher is better."""
        metric = self.metrics[0]
        value = float(metric.compute(self.of(positions), predictions))
        return value if metric.higher_is_better else -value

    def of(self, positions: Sequence[int]) -> Any:
        """The targets of the samples at ``positions``."""
        return self.targets[list(positions)] if self.kind.estimable else [self.targets[at] for at in positions]

    def part(self, positions: Sequence[int]) -> Dataset:
        """The samples at ``positions``."""
        return self.dataset.subset(positions)

    def guessed(self) -> Any:
        """The kind's baseline without a model for the test samples."""
        return self.kind.baseline(self.part(self.test).inputs, self.of(self.train), self.task.name)

    def baseline(self) -> dict[str, float]:
        """Every metric of that baseline on the test samples."""
        return self.evaluate(self.guessed(), self.test)

    def class_weights(self) -> np.ndarray | None:
        """A weight for each class, or for 0 and 1, 1 on average; None for no weights.

        ``auto`` weights by the root of the rarity, where the imbalance is strong. The root is a compromise: full
        inverse frequency, as ``balanced`` always uses it, favours rare classes at the cost of accuracy. None for sets
        of labels, whose thresholds are chosen instead: weights of 0 and 1 for each label lower mAP and F1.
        """
        import numpy as np

        known = self.targets[list(self.train)]
        if self.multi_label or self.weighting == "none" or not (self.classification or is_binary(known)):
            return None
        counts = np.bincount(known.astype(np.int64), minlength=self.outputs)
        present = counts > 0
        rarity = np.where(present, 1 / np.maximum(counts, 1), 0.0)
        if self.weighting == "auto" and counts.max() < STRONG_IMBALANCE * counts[present].min():
            return None
        weights = rarity if self.weighting == "balanced" else np.sqrt(rarity)
        return weights * len(self.train) / (weights * counts).sum()

    @abstractmethod
    def gain(self, predictions: Any, other: Any) -> tuple[float, float, float]:
        """The gain of predictions for the test samples over others, in the primary metric; above 0 is better.

        Returns:
            The gain, and the lowest and highest value of its 95 % interval.
        """

    @abstractmethod
    def record(
        self,
        backbone: Backbone,
        plan: Plan,
        *,
        metrics: Mapping[str, float] | None = None,
        predictions: Predictions | None = None,
        epochs: int = 0,
        carried_out: Mapping[str, Any] | None = None,
    ) -> Run:
        """The record of the adaptation.

        Args:
            backbone: the model that was adapted.
            metrics: on the test samples; None computes the task's metrics from the predictions.
            predictions: for the test samples; without them, the metrics have no intervals.
            carried_out: what the strategy chose where the plan left it open, and how it ended; recorded with the plan,
                without options that have no effect.
        """

    @abstractmethod
    def register(self, card: ModelCard) -> None:
        """Add the card of an adapted model that is not a folder, such as one behind an API, to the registry.

        It is added at once, so that the model is not lost if testing it fails. The run names it under
        ``zoo.contract.strategy.TUNED_MODEL``, and the core adds its scores.
        """


def is_binary(targets: np.ndarray) -> bool:
    """Whether numbers are all 0 or 1, and both occur."""
    import numpy as np

    return set(np.unique(targets).tolist()) == {0.0, 1.0}
