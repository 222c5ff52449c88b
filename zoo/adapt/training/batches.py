"""Batches of samples, preprocessed by the backbone, and of similar length if that saves padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.adapt.devices.sharing import ONE, OneDevice
from zoo.adapt.training.ahead import AugmentedEpoch
from zoo.contract.backbone import HasLength
from zoo.features.processes import worthwhile

if TYPE_CHECKING:
    from zoo.adapt.training.augmentation import Augmentation
    from zoo.contract.backbone import Backbone, Learner

SORTED_TOGETHER = 16
"""Number of batches that are sorted by length together in training: little padding, still random."""

KEPT_BYTES = 256 << 20
"""Bytes of preprocessed samples to keep from one epoch to the next."""

SEEDS = 2**63
"""Number of seeds of an epoch's augmentation, which the generator of the order draws."""

UNKNOWN_BYTES = 1 << 20
"""Bytes counted for an object of unknown size, such as a graph."""

Shared = Iterator[tuple[Any, torch.Tensor, float]]
"""Parts of batches, each with its targets and its share of the batch's loss."""


class Batches:
    """Samples of a data set with their targets, in batches on a device.

    Args:
        inputs: decoded when indexed.
        targets: as the loss takes them: int64 class indices, or float32 numbers.
        augmentation: changes the inputs of ``shuffled``, if any; each is then decoded again.
        weights: by which the loss weights the classes; None for a plain mean over the samples.
    """

    def __init__(
        self,
        backbone: Backbone,
        inputs: Sequence[Any],
        targets: np.ndarray,
        batch_size: int,
        device: str,
        *,
        augmentation: Augmentation | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        self.backbone, self.inputs, self.targets = backbone, inputs, torch.as_tensor(targets)
        self.batch_size, self.device = batch_size, device
        self._augmentation = augmentation
        self._weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float64)
        self._prepared = Prepared(lambda position: backbone.preprocess(inputs[position]))
        self._length = backbone.length if isinstance(backbone, HasLength) else None

    def __len__(self) -> int:
        """Batches per epoch, at most."""
        return (len(self.inputs) + self.batch_size - 1) // self.batch_size

    @property
    def steps(self) -> int:
        """Batches of ``shuffled``."""
        return _steps(len(self.inputs), self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in the order of the samples."""
        return self.in_order(ONE)

    def in_order(self, devices: OneDevice) -> Iterator[tuple[Any, torch.Tensor]]:
        """Those of the batches in the order of the samples that this process evaluates."""
        for start in devices.mine(range(0, len(self.inputs), self.batch_size)):
            positions = range(start, min(start + self.batch_size, len(self.inputs)))
            yield self._batch([self._prepared[p] for p in positions], list(positions))

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in random order; a single sample left over is dropped, since batch normalisation needs two."""
        return ((batch, targets) for batch, targets, _ in self.shared(generator, ONE))

    def shared(self, generator: np.random.Generator, devices: OneDevice) -> Shared:
        """This process's part of each batch of ``shuffled``.

        The shares of a batch add up to 1. A process without samples gets one of another's, with the share 0.
        """
        order = generator.permutation(len(self.inputs)).tolist()
        span = self.batch_size * (SORTED_TOGETHER if self._length else 1)
        spans = [order[start : start + span] for start in range(0, len(order), span)]
        # All samples that are sorted together have to be prepared; else those of this process alone.
        needed = spans if self._length else [_part(positions, devices)[0] for positions in spans]
        for positions, known, items in zip(spans, needed, self._for_training(needed, generator), strict=True):
            prepared = dict(zip(known, items, strict=True))
            places = list(positions)
            if self._length:
                lengths = {place: self._length(item) for place, item in prepared.items()}
                places.sort(key=lengths.__getitem__)
            groups = [places[at : at + self.batch_size] for at in range(0, len(places), self.batch_size)]
            for group in generator.permutation(len(groups)).tolist():
                if len(groups[group]) > 1 or self.batch_size == 1 or len(order) == 1:
                    chosen, empty = _part(groups[group], devices)
                    share = 0.0 if empty else self._mass(chosen) / self._mass(groups[group])
                    yield *self._batch([prepared[place] for place in chosen], chosen), share

    def _mass(self, positions: list[int]) -> float:
        """The weight of samples in a mean over them."""
        return len(positions) if self._weights is None else float(self._weights[self.targets[positions]].sum())

    def _for_training(self, spans: list[list[int]], generator: np.random.Generator) -> Iterator[list[Any]]:
        """Preprocessed inputs of an epoch, augmented if wanted."""
        if self._augmentation is None:
            return ([self._prepared[position] for position in positions] for positions in spans)
        epoch = AugmentedEpoch(
            self._augmentation,
            self.inputs,
            None,
            lambda item, _: self.backbone.preprocess(item),
            int(generator.integers(SEEDS)),
        )
        return epoch.ahead(spans, worthwhile(self.device, len(self.inputs), self.backbone))

    def _batch(self, items: list[Any], positions: list[int]) -> tuple[Any, torch.Tensor]:
        return to_device(self.backbone.collate(items), self.device), self.targets[positions].to(self.device)


def _steps(samples: int, size: int) -> int:
    """Batches in random order, without a single sample left over."""
    left_over = samples % size == 1 and samples > 1 and size > 1
    return (samples + size - 1) // size - left_over


def _part(positions: Sequence[int], devices: OneDevice) -> tuple[list[int], bool]:
    """The positions of this process; the first of all with True, if it has none."""
    mine = list(devices.mine(positions))
    return (mine, False) if mine else (list(positions[:1]), True)


class Prepared:
    """Results of a function by position, up to ``KEPT_BYTES`` of them kept for the next epoch."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._make = make
        self._kept: dict[int, Any] = {}
        self._room = KEPT_BYTES

    def __getitem__(self, position: int) -> Any:
        if position in self._kept:
            return self._kept[position]
        made = self._make(position)
        size = _bytes(made)
        if size <= self._room:
            self._room -= size
            self._kept[position] = made
        return made


def _bytes(item: Any) -> int:
    """Approximate memory that a preprocessed sample takes."""
    if isinstance(item, (torch.Tensor, np.ndarray)):
        return item.nbytes
    if isinstance(item, Mapping):
        return sum(map(_bytes, item.values()))
    if isinstance(item, (list, tuple)):
        return 8 * len(item) + sum(_bytes(part) for part in item if not isinstance(part, int))
    return 8 if item is None or isinstance(item, (int, float)) else UNKNOWN_BYTES


def to_device(batch: Any, device: str) -> Any:
    """The same batch with every tensor in it on ``device``; arrays become tensors."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, np.ndarray):
        return torch.as_tensor(batch).to(device)
    if isinstance(batch, Mapping):
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


class ExampleBatches:
    """Examples in batches on a device, each with zeros as targets, because the examples contain their own.

    Args:
        augmentation: changes the samples of ``shuffled``, if any; each is then decoded again.
    """

    def __init__(
        self,
        learner: Learner,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        size: int,
        device: str,
        *,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._learner, self._inputs, self._targets, self._augmentation = learner, inputs, targets, augmentation
        self._examples = Prepared(lambda at: learner.example(inputs[at], targets[at]))
        self.batch_size, self.device = size, device

    def __len__(self) -> int:
        """Batches per epoch."""
        return (len(self._inputs) + self.batch_size - 1) // self.batch_size

    @property
    def steps(self) -> int:
        """Batches of ``shuffled``."""
        return _steps(len(self._inputs), self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in the order of the samples."""
        return self.in_order(ONE)

    def in_order(self, devices: OneDevice) -> Iterator[tuple[Any, torch.Tensor]]:
        """Those of the batches in the order of the samples that this process evaluates."""
        spans = list(devices.mine(self._spans(list(range(len(self._inputs))))))
        yield from self._of(spans, ([self._examples[at] for at in positions] for positions in spans))

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[Any, torch.Tensor]]:
        """Batches in random order; a single sample left over is dropped, since batch normalisation needs two."""
        return ((batch, targets) for batch, targets, _ in self.shared(generator, ONE))

    def shared(self, generator: np.random.Generator, devices: OneDevice) -> Shared:
        """This process's part of each batch of ``shuffled``, see ``Batches.shared``."""
        order = generator.permutation(len(self._inputs)).tolist()
        if self.batch_size > 1 and len(order) > 1 and len(order) % self.batch_size == 1:
            order.pop()
        whole = self._spans(order)
        parts = [_part(positions, devices) for positions in whole]
        spans = [positions for positions, _ in parts]
        if self._augmentation is None:
            examples: Iterable[list[Any]] = ([self._examples[at] for at in positions] for positions in spans)
        else:
            seed = int(generator.integers(SEEDS))
            epoch = AugmentedEpoch(self._augmentation, self._inputs, self._targets, self._learner.example, seed)
            examples = epoch.ahead(spans, worthwhile(self.device, len(order), self._learner))
        for batch, (mine, empty), every in zip(self._of(spans, examples), parts, whole, strict=True):
            yield *batch, 0.0 if empty else len(mine) / len(every)

    def _spans(self, order: list[int]) -> list[list[int]]:
        """The positions of each batch."""
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

    def _of(self, spans: list[list[int]], examples: Iterable[list[Any]]) -> Iterator[tuple[Any, torch.Tensor]]:
        for positions, found in zip(spans, examples, strict=True):
            yield to_device(self._learner.collate(found), self.device), torch.zeros(len(positions))
