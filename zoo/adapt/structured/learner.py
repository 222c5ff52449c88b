"""What a backbone brings for training on structured targets, and the batches that the core's loop takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


class Learner(Protocol):
    """A model made ready for a task whose answers are no class and no number.

    A backbone gives one by ``learner(task, classes)``, where ``classes`` are the names of what is told apart: tags,
    kinds of objects, or the characters of a text.

    Attributes:
        module: a ``torch.nn.Module`` that maps a collated batch of examples to their losses, batch x 1.
        pretrained: the part of it that was trained before.
        classes: the classes in the order of the outputs.
    """

    module: nn.Module
    pretrained: nn.Module
    classes: tuple[str, ...]

    def example(self, item: Any, target: Any) -> Any:
        """One input with its target, made ready for ``collate``."""
        ...

    def collate(self, examples: Sequence[Any]) -> Any:
        """Examples as one batch."""
        ...

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """Answers, one for each input, as ``zoo_predict`` gives them."""
        ...


class ExampleBatches:
    """Examples in batches on a device, each batch with zeros in place of the targets, which it holds itself."""

    def __init__(self, learner: Learner, inputs: Sequence[Any], targets: Sequence[Any], size: int, device: str) -> None:
        from zoo.adapt.batches import Prepared

        self._learner, self._inputs = learner, inputs
        self._examples = Prepared(lambda at: learner.example(inputs[at], targets[at]))
        self.batch_size, self.device = size, device

    def __len__(self) -> int:
        """Batches an epoch."""
        return (len(self._inputs) + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in the order of the samples."""
        yield from self._of(list(range(len(self._inputs))))

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in random order; a single sample left over is dropped, since batch normalisation needs two."""
        order = generator.permutation(len(self._inputs)).tolist()
        if self.batch_size > 1 and len(order) > 1 and len(order) % self.batch_size == 1:
            order.pop()
        yield from self._of(order)

    def _of(self, order: list[int]) -> Iterator[tuple[Any, torch.Tensor]]:
        import torch

        from zoo.adapt.batches import to_device

        for start in range(0, len(order), self.batch_size):
            positions = order[start : start + self.batch_size]
            examples = [self._examples[at] for at in positions]
            yield to_device(self._learner.collate(examples), self.device), torch.zeros(len(positions))
