"""Prepares the augmented samples of an epoch, in copies of the process where that is faster."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

from zoo.features.processes import Processes

if TYPE_CHECKING:
    from zoo.adapt.training.augmentation import Augmentation


class AugmentedEpoch:
    """The samples of one epoch, augmented: each depends only on the seed and its position, not on the order.

    Args:
        inputs: decoded when indexed.
        targets: of the same number; None if the samples are prepared without.
        prepare: function of an input and its target that preprocesses them.
        seed: of this epoch.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        inputs: Sequence[Any],
        targets: Sequence[Any] | None,
        prepare: Callable[[Any, Any], Any],
        seed: int,
    ) -> None:
        self._augmentation, self._inputs, self._targets = augmentation, inputs, targets
        self._prepare, self._seed = prepare, seed

    def prepared(self, positions: Sequence[int]) -> list[Any]:
        """The samples at these positions."""
        return [self._one(position) for position in positions]

    def _one(self, position: int) -> Any:
        seed = (self._seed, position)
        target = None if self._targets is None else self._targets[position]
        item, target = self._augmentation.sample(self._inputs[position], target, seed)
        return self._augmentation.after(self._prepare(item, target), seed)

    def ahead(self, spans: Sequence[Sequence[int]], copies: int) -> Iterator[list[Any]]:
        """The samples of each span in turn, prepared ahead by that many copies of the process; 0: by this one."""
        if not copies:
            yield from map(self.prepared, spans)
            return
        with closing(Processes(self, copies)) as processes, ThreadPoolExecutor(copies) as threads:
            waiting: collections.deque[Future[list[Any]]] = collections.deque()
            try:
                for span in spans:
                    waiting.append(threads.submit(processes.call, "prepared", span))
                    if len(waiting) > 2 * copies:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
