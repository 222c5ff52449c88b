"""Lets a caller look at each epoch of a training, and end it early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from zoo.adapt.training.settings import Epoch
from zoo.errors import ZooError

Watch = Callable[[Epoch], bool]

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


class Pruned(ZooError):
    """A training was ended by its watch, and has no result."""

    def __init__(self, message: str = "The training was ended early.", hint: str = "") -> None:
        super().__init__(message, hint)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Call ``watch`` after each epoch of every training in the block; if it returns True, ``Pruned`` is raised."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def is_hopeless(epoch: Epoch) -> bool:
    """Whether the training is watched, and should end after this epoch."""
    watch = _WATCH.get()
    return watch is not None and watch(epoch)
