"""Splits a data set into batches and prepares them in background threads, ahead of the forward pass."""

from __future__ import annotations

import collections
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from zoo.contract.backbone import Backbone, HasLength, PreparesTogether
from zoo.entities import Dataset, Subset
from zoo.errors import DataError, ZooError
from zoo.features.processes import Processes

CHUNK = 64
"""Number of items of different length that are preprocessed together."""

FEW = 8
"""Items to preprocess between two checks for a forward pass that is waiting to be queued."""

PATIENCE = 0.01
"""Maximum seconds to wait for that."""

T = TypeVar("T")


class Remaining(Subset):
    """The items of a data set that are not computed yet; messages name them by their position in the whole data set."""


def place_of(dataset: Dataset, position: int) -> int:
    """The position of a sample in the data set that the user passed."""
    inputs = dataset.inputs
    return int(inputs.indices[position]) if isinstance(inputs, Remaining) else position


@dataclass
class Limits:
    """Limits on the size of a batch.

    Attributes:
        samples: maximum number of samples.
        cost: maximum number of samples times the length of the longest, where samples have a length: padded tokens.
            None means unlimited.
    """

    samples: int
    cost: int | None = None

    def lower(self, cost: int) -> None:
        """Limit the cost of a batch further."""
        self.cost = cost if self.cost is None else min(self.cost, cost)

    def cut(self, lengths: Sequence[int]) -> int:
        """Number of samples from the front, the longest first, that make a batch; at least one."""
        fitting = self.samples if self.cost is None else min(self.samples, self.cost // max(1, lengths[0]))
        return max(1, min(fitting, len(lengths)))


@dataclass(frozen=True)
class Batch:
    """A collated batch, the positions of its samples, and its cost: see ``Limits``."""

    positions: Sequence[int]
    collated: Any
    cost: int


class Preparation:
    """Turns positions of a data set into collated batches.

    Threads and not processes on the CPU: decoding, resizing and tokenising release the interpreter's lock, batches need
    no copying between processes, and an interrupted run leaves nothing behind. CUDA devices need more, see
    ``zoo.features.processes``.

    Samples of similar length share a batch where the backbone ``HasLength``, which saves padding.

    Args:
        threads: number of batches prepared at the same time.
        ahead: number of prepared batches that may wait for the forward pass.
        pinned: for CUDA devices: keep batches in pinned memory, from which the device copies while it computes, and
            pause while a forward pass is queued: see ``paused``.
        processes: copies of this process that do the work for the threads; 0 for none.
    """

    def __init__(
        self,
        backbone: Backbone,
        dataset: Dataset,
        threads: int,
        ahead: int,
        *,
        pinned: bool = False,
        processes: int = 0,
    ) -> None:
        self._backbone, self._dataset, self._ahead, self._pinned = backbone, dataset, ahead, pinned
        self._length = backbone.length if isinstance(backbone, HasLength) else None
        self._together = backbone.preprocess_all if isinstance(backbone, PreparesTogether) else None
        self._turn = threading.Event()
        self._turn.set()
        self._chunk = CHUNK * 4 if processes else CHUNK
        self._processes: Processes | None = None
        if processes:
            # Before the threads, because a copy would wait for any lock that a thread holds. A copy has no copies.
            self._processes = Processes(self, processes)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-prepare")

    def batch(self, positions: Sequence[int]) -> Batch:
        """One collated batch of samples, of any cost.

        Raises:
            DataError: a sample cannot be decoded or preprocessed; names it.
        """
        return self._collated(positions, self._items(positions))

    def batches(self, blocks: Sequence[Sequence[int]], limits: Limits) -> Iterator[Batch]:
        """Collated batches of one block of positions after the other; no batch holds samples of two blocks.

        Batches that are prepared after the limits were lowered keep to the new ones.
        """
        if self._length is None:
            chunks = (chunk for block in blocks for chunk in _cut(block, limits))
            yield from self._overlapped(chunks, lambda chunk: self._placed(self._apart("batch", chunk)), self._ahead)
            return
        size = self._chunk
        pieces = ([block[at : at + size] for at in range(0, len(block), size)] for block in blocks)
        # While one block is computed, the next one is prepared.
        ahead = max((len(block) for block in blocks), default=0) // size + 1
        work = functools.partial(self._apart, "pairs")
        prepared = self._overlapped((piece for part in pieces for piece in part), work, ahead)
        sorted_blocks = (self._by_length(prepared, len(block)) for block in blocks)
        groups = (group for block in sorted_blocks for group in self._grouped(block, limits))
        yield from self._overlapped(groups, lambda group: self._placed(self._collated(*group)), self._ahead)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the calling thread queue a forward pass on the device, undisturbed.

        Queueing takes hundreds of short calls, each of which releases the interpreter's lock and would wait for it
        behind every preparing thread. The others pause at their next few items, but only briefly: a pass that waits for
        the device leaves them the time.
        """
        if not self._pinned:
            yield
            return
        self._turn.clear()
        try:
            yield
        finally:
            self._turn.set()

    def close(self) -> None:
        """Drop waiting batches and end the threads; batches in preparation are finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._processes is not None:
            self._processes.close()

    def pairs(self, positions: Sequence[int]) -> list[tuple[int, Any]]:
        """Positions with their preprocessed items."""
        return list(zip(positions, self._items(positions), strict=True))

    def _apart(self, method: str, positions: Sequence[int]) -> Any:
        if self._processes is not None:
            return self._processes.call(method, positions)
        return getattr(self, method)(positions)

    def _placed(self, batch: Batch) -> Batch:
        return Batch(batch.positions, _in_pinned(batch.collated), batch.cost) if self._pinned else batch

    def _items(self, positions: Sequence[int]) -> list[Any]:
        if not self._pinned or self._processes is not None:
            return self._prepared(positions)
        items = []
        for start in range(0, len(positions), FEW):
            self._turn.wait(PATIENCE)
            items += self._prepared(positions[start : start + FEW])
        return items

    def _prepared(self, positions: Sequence[int]) -> list[Any]:
        if self._together is not None:
            try:
                return self._together([self._dataset.inputs[position] for position in positions])
            except (ZooError, MemoryError):
                raise
            except Exception:
                pass
        return [self._item(position) for position in positions]

    def _item(self, position: int) -> Any:
        try:
            return self._backbone.preprocess(self._dataset.inputs[position])
        except (ZooError, MemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(
                f"Sample {place_of(self._dataset, position)} of '{self._dataset.name}' cannot be prepared for "
                f"'{self._backbone.card.id}': {reason.rstrip('.')}.",
                "Fix it, or remove it from the data set.",
            ) from error

    def _by_length(self, prepared: Iterator[list[tuple[int, Any]]], count: int) -> list[tuple[int, int, Any]]:
        """A block's positions, lengths and items, the longest first, so that a lack of memory shows at once."""
        assert self._length is not None
        block: list[tuple[int, int, Any]] = []
        while len(block) < count:
            block += [(position, self._length(item), item) for position, item in next(prepared)]
        # The sort is stable, so the data alone decides.
        return sorted(block, key=lambda sample: -sample[1])

    def _grouped(self, block: list[tuple[int, int, Any]], limits: Limits) -> Iterator[tuple[list[int], list[Any]]]:
        start = 0
        lengths = [length for _, length, _ in block]
        while start < len(block):
            stop = start + limits.cut(lengths[start : start + limits.samples])
            yield [position for position, _, _ in block[start:stop]], [item for _, _, item in block[start:stop]]
            start = stop

    def _collated(self, positions: Sequence[int], items: Sequence[Any]) -> Batch:
        longest = max(map(self._length, items)) if self._length else 1
        return Batch(positions, self._backbone.collate(items), len(positions) * max(1, longest))

    def _overlapped(self, parts: Iterable[Any], work: Callable[[Any], T], ahead: int) -> Iterator[T]:
        waiting: collections.deque[Future[T]] = collections.deque()
        for part in parts:
            waiting.append(self._pool.submit(work, part))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _in_pinned(batch: Any) -> Any:
    """The batch with its tensors in pinned memory; anything else as it is."""
    if isinstance(batch, dict):
        return {name: _in_pinned(value) for name, value in batch.items()}
    return batch.pin_memory() if hasattr(batch, "pin_memory") else batch


def _cut(block: Sequence[int], limits: Limits) -> Iterator[Sequence[int]]:
    start = 0
    while start < len(block):
        stop = start + limits.cut([1] * min(limits.samples, len(block) - start))
        yield block[start:stop]
        start = stop
