"""The devices of a training: one, or several whose processes divide each batch, see ``data_parallel``.

Every process draws the same order of the same samples, so that a batch consists of the same samples on any number of
devices. What depends on time or on metrics is decided by the first process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


class OtherProcess(BaseException):
    """Ends a process other than the first after the training; not an ``Exception``, so that nothing handles it."""


class OneDevice:
    """A training in this process alone.

    Attributes:
        rank, count: number of the process, from 0 on, and number of processes.
        halvings: how often the batch size was halved because a device ran out of memory in an earlier start.
        spent: seconds since the first start.
    """

    rank, count, halvings = 0, 1, 0
    spent = 0.0

    @property
    def first(self) -> bool:
        """Whether this process decides, shows progress and writes files."""
        return self.rank == 0

    def mine(self, items: Sequence[T]) -> Sequence[T]:
        """The items that this process has to do: each ``count``-th."""
        return items[self.rank :: self.count] if self.count > 1 else items

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module in a form whose backward pass averages gradients; all processes get the first one's weights."""
        return module

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """A block whose backward pass keeps the gradients of this process to itself."""
        return nullcontext()

    def contact(self) -> AbstractContextManager[None]:
        """A block that exchanges gradients."""
        return nullcontext()

    def once(self, function: Callable[[], T]) -> T:
        """The result of a function that only the first process calls, while the others wait as long as it takes."""
        return function()

    def agreed(self, value: T) -> T:
        """The first process's value.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; in all processes at the same point.
        """
        return value

    def same(self, value: object) -> None:
        """Make sure that a value, which is pickled, is the same in all processes."""

    def gathered(self, items: Sequence[T], count: int) -> list[T]:
        """The results of ``mine`` for ``count`` items, in the order of the items."""
        return list(items)

    def total(self, value: float) -> float:
        """The sum over the processes."""
        return value

    def polling(self) -> AbstractContextManager[None]:
        """A block in which Ctrl-C takes effect in ``agreed``."""
        return nullcontext()

    def leave(self) -> None:
        """End the training of this process; all but the first are left by ``OtherProcess``."""


ONE = OneDevice()

_current: ContextVar[OneDevice] = ContextVar("devices", default=ONE)


def current() -> OneDevice:
    """The devices of the training in this process."""
    return _current.get()


@contextmanager
def in_use(devices: OneDevice) -> Iterator[None]:
    """Make devices ``current`` inside the block."""
    mark = _current.set(devices)
    try:
        yield
    finally:
        _current.reset(mark)
