"""Hyperparameters and outcome of a training."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.errors import ZooError

RANK = 8
"""Rank of LoRA's matrices, unless they would have too large a share of a small model's weights."""


class OutOfMemory(ZooError):
    """The device has too little memory for this batch size."""


@dataclass(frozen=True)
class Settings:
    """Training hyperparameters.

    Attributes:
        learning_rate: learning rate of the pretrained weights.
        head_learning_rate: learning rate of the new head.
        patience: epochs without improvement on the validation split before training stops.
        layer_decay: factor of the learning rate from each block to the one before it, away from the head.
        accumulate: batches per optimiser step (gradient accumulation).
        keep_statistics: whether batch normalisation keeps its pretrained statistics where its weights are trained, too.
        evaluate_start: whether the initial weights compete as epoch 0, if the head is initialised from a probe.
        deadline: ``time.perf_counter()`` before which training and the later passes have to end; None for no limit.
        reserve: the later passes over other samples, as a multiple of a pass over the validation samples.
    """

    epochs: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float = 0.01
    patience: int = 3
    seed: int = 0
    layer_decay: float = 1.0
    accumulate: int = 1
    evaluate_start: bool = False
    deadline: float | None = None
    reserve: float = 0.0
    keep_statistics: bool = False


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch; ``score`` is the primary validation metric, higher is better; epoch 0 is the start."""

    number: int
    training_loss: float
    validation_loss: float
    score: float

    @property
    def rank(self) -> tuple[float, float]:
        """By which epochs are compared; higher is better."""
        return self.score, -self.validation_loss


@dataclass(frozen=True)
class Training:
    """The outcome of a training.

    Attributes:
        best: the epoch whose weights the module now has.
        stopped: why it ended: ``epochs`` (all done), ``patience``, ``budget``, ``interrupted`` or
            ``diverged``.
    """

    epochs: tuple[Epoch, ...]
    best: Epoch
    stopped: str
