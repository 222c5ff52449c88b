"""The interface between the fine-tuning procedure and what it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

    from zoo.adapt.saved.saving import Adapted
    from zoo.adapt.training.augmentation import Augmentation
    from zoo.adapt.training.settings import Training
    from zoo.contract.backbone import Progress
    from zoo.contract.experiment import Predictions

LEARNING_RATE = 1e-4
"""Learning rate of pretrained weights, if neither the plan nor the backbone names one."""

HEAD_FACTOR = 10.0
"""Learning rate of a new head that starts at random, as a multiple of that of the pretrained weights."""


@dataclass(frozen=True)
class Outcome:
    """The result of a training.

    Attributes:
        predictions: for the test samples.
        adapted: the model that is kept.
        carried_out: further details for the record of the run.
        strategy: strategy of the kept model, if it is not the plan's.
    """

    predictions: Predictions
    adapted: Adapted
    carried_out: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = ""


class Objective(Protocol):
    """What the fine-tuning procedure needs from an objective.

    Attributes:
        pretrained: the part of the module that was pretrained.
        parameters: approximate number of weights that will be saved.
        usual_learning_rate: of the pretrained weights, once training has been started with ``start``.
        head_factor: learning rate of a new head, as a multiple of that of the pretrained weights; likewise.
        keeps_statistics: whether batch normalisation keeps its pretrained statistics; likewise.
        augmentation: of the training samples, if any.
    """

    pretrained: nn.Module
    parameters: int
    augmentation: Augmentation | None

    @property
    def usual_learning_rate(self) -> float:
        """See the class."""
        ...

    @property
    def head_factor(self) -> float:
        """See the class."""
        ...

    @property
    def keeps_statistics(self) -> bool:
        """See the class."""
        ...

    @property
    def head_is_fitted(self) -> bool:
        """Whether the head starts as a fitted linear probe."""
        ...

    def build(self) -> nn.Module:
        """The module to train, on its device; new weights are drawn from the seed that is set."""
        ...

    def batches(self, positions: Sequence[int], *, train: bool = False) -> Any:
        """Batches of the samples at these positions; those to train on are augmented when they are shuffled."""
        ...

    def start(self, module: nn.Module, parts: tuple[Any, Any], progress: Progress) -> None:
        """Inspect or change the module before the first epoch."""
        ...

    def loss(self) -> Callable[[Any, Any], Any]:
        """The loss of a batch, from its outputs and targets."""
        ...

    def score(self, outputs: Any) -> float:
        """The primary metric on the validation samples, higher is better, from the module's outputs for them."""
        ...

    def refit(self, module: nn.Module, parts: tuple[Any, Any], training: Training, progress: Progress) -> None:
        """Fit the new head again, once training has ended; before adapters are merged or saved."""
        ...

    def finish(self, module: nn.Module, training: Training, progress: Progress) -> Outcome:
        """Test the trained module."""
        ...
