"""Cuts a data set into batches and prepares them on background threads that stay ahead of the forward pass."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from zoo.entities import Dataset
from zoo.errors import DataError, ZooError
from zoo.protocols import Backbone

WINDOW = 16
"""Samples of different length are sorted within this many batches, so that few prepared samples wait in memory."""


class Preparation:
    """Turns positions of a data set into collated batches.

    Threads and not processes: decoding, resizing and tokenising release the interpreter's lock, batches need no
    copying between processes, and an interrupted run leaves nothing behind.

    Args:
        threads: how many batches are prepared at the same time.
        ahead: how many batches may wait, ready, for the forward pass.
    """

    def __init__(self, backbone: Backbone, dataset: Dataset, threads: int, ahead: int) -> None:
        self._backbone, self._dataset, self._ahead = backbone, dataset, ahead
        self._length: Callable[[Any], int] | None = getattr(backbone, "length", None)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-prepare")

    def batch(self, positions: Sequence[int]) -> Any:
        """One collated batch.

        Raises:
            DataError: a sample cannot be decoded or preprocessed; names it.
        """
        return self._backbone.collate(self._items(positions))

    def batches(self, positions: Sequence[int], size: int) -> Iterator[tuple[Sequence[int], Any]]:
        """Collated batches with their positions.

        A backbone with ``length(item)`` gets samples of similar length together, which saves padding; any other gets
        them in the order of the data set.
        """
        chunks = [positions[start : start + size] for start in range(0, len(positions), size)]
        if self._length is None:
            yield from self._overlapped(chunks, self.batch, self._ahead)
            return
        prepared = self._overlapped(chunks, self._items, WINDOW)
        for _ in range(0, len(chunks), WINDOW):
            window = [
                pair for _, part in zip(range(WINDOW), prepared, strict=False) for pair in zip(*part, strict=True)
            ]
            yield from self._sorted(window, size, self._length)

    def close(self) -> None:
        """Drop what waits and end the threads; what is being prepared is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _items(self, positions: Sequence[int]) -> list[Any]:
        return [self._item(position) for position in positions]

    def _item(self, position: int) -> Any:
        try:
            return self._backbone.preprocess(self._dataset.inputs[position])
        except (ZooError, MemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(
                f"Sample {position} of '{self._dataset.name}' cannot be prepared for '{self._backbone.card.id}': "
                f"{reason.rstrip('.')}.",
                "Mend it, or take it out of the data set.",
            ) from error

    def _sorted(
        self, window: list[tuple[int, Any]], size: int, length: Callable[[Any], int]
    ) -> Iterator[tuple[Sequence[int], Any]]:
        # Longest first: where memory is short, that shows at once. The sort is stable, so the data alone decides.
        window.sort(key=lambda pair: -length(pair[1]))
        for start in range(0, len(window), size):
            positions, items = zip(*window[start : start + size], strict=True)
            yield positions, self._backbone.collate(items)

    def _overlapped(
        self, chunks: Sequence[Sequence[int]], work: Callable[[Sequence[int]], Any], ahead: int
    ) -> Iterator[tuple[Sequence[int], Any]]:
        waiting: collections.deque[tuple[Sequence[int], Future[Any]]] = collections.deque()
        for chunk in chunks:
            waiting.append((chunk, self._pool.submit(work, chunk)))
            if len(waiting) > ahead:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
