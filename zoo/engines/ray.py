"""Tasks on a Ray cluster."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from zoo.engines.executor import Completed, Resources, Result, Task, TaskFailed, WorkerDied
from zoo.engines.ray_connection import connect

POLL = 0.2
"""Seconds between two checks while tasks run."""


class RayExecutor:
    """Runs tasks on a Ray cluster.

    Args:
        address: see ``zoo.engines.ray_connection.connect``.

    Raises:
        ZooError: as ``connect``.
    """

    def __init__(self, address: str) -> None:
        self._connection = connect(address)
        self._ray = self._connection.ray

    def share(self, value: Any) -> Any:
        """Put a value into the cluster's object store."""
        return self._ray.put(value)

    def map(
        self,
        function: Callable[..., Result],
        tasks: Iterable[Task],
        resources: Resources,
        *shared: Any,
        check: Callable[[], None] | None = None,
    ) -> Iterator[Completed[Task, Result]]:
        """Run ``function(task, *shared)`` for each task, see ``zoo.engines.executor.Executor.map``."""
        options = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "max_retries": resources.retries}
        remote = self._ray.remote(**options)(function)
        cores = self._ray.cluster_resources().get("CPU", 1)
        limit = max(1, int(cores / (resources.cpus or 1))) * resources.queue
        waiting, running = iter(tasks), dict[Any, Task]()
        try:
            while True:
                for task in itertools.islice(waiting, limit - len(running)):
                    running[remote.remote(task, *shared)] = task
                if not running:
                    return
                for reference in self._ended(list(running), check):
                    yield self._completed(running.pop(reference), reference)
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here is stopped."""
        self._connection.close()

    def _ended(self, running: list[Any], check: Callable[[], None] | None) -> list[Any]:
        """Wait until a task has ended."""
        while True:
            if check is not None:
                check()
            ended: list[Any]
            ended, _ = self._ray.wait(running, timeout=POLL)
            if ended:
                return ended

    def _completed(self, task: Task, reference: Any) -> Completed[Task, Any]:
        try:
            return Completed(task, self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None) or error
            sentence = f"{type(cause).__name__}: {' '.join(str(cause).split())[:200]}"
            return Completed(task, error=TaskFailed(sentence))
        except self._ray.exceptions.RayError as error:
            return Completed(task, error=WorkerDied(type(error).__name__))
