"""Runs one function over many tasks on workers: the interface of every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Resources:
    """What one task needs.

    Attributes:
        cpus, gpus: how many it occupies while it runs.
        retries: how often it is restarted when its worker dies.
        queue: tasks that are sent for each that can run at once; 1 if a task should know the results before it.
    """

    cpus: float = 1
    gpus: float = 0
    retries: int = 3
    queue: int = 2


class WorkerError(Exception):
    """A task without a result."""


class TaskFailed(WorkerError):
    """The function raised; the message has the exception's type and message."""


class WorkerDied(WorkerError):
    """The worker died each time that the task was started; the message is the engine's."""


@dataclass(frozen=True)
class Completed(Generic[Task, Result]):
    """A task that has ended, with its result or with the error."""

    task: Task
    result: Result | None = None
    error: WorkerError | None = None


class Executor(Protocol):
    """Spreads tasks over workers."""

    def share(self, value: Any) -> Any:
        """Send a value to the workers once; pass what is returned to ``map`` in ``shared``.

        Raises:
            Exception: the value cannot be pickled.
        """
        ...

    def map(
        self,
        function: Callable[..., Result],
        tasks: Iterable[Task],
        resources: Resources,
        *shared: Any,
        check: Callable[[], None] | None = None,
    ) -> Iterator[Completed[Task, Result]]:
        """Run ``function(task, *shared)`` for each task; tasks are yielded in order of completion.

        A task whose worker dies is started again elsewhere. Tasks that still run are cancelled when the iterator is
        closed.

        Args:
            function: importable by the workers.
            check: called several times a second while tasks run; what it raises ends the iterator.
        """
        ...

    def close(self) -> None:
        """Disconnect from the workers."""
        ...
