"""Batches of examples for training on structured targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

    from zoo.contract.backbone import Learner


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
