"""Extraction on a Ray cluster: shards of models as tasks, whose evidence is merged here.

A worker gets ids, positions and what names the data; it reads data and models itself, with its own settings. A task
whose worker dies is started again elsewhere, and every other task's evidence stays.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.entities import ModelCard
from zoo.errors import UnsupportedModel, ZooError
from zoo.selection.measure.cluster_connection import Connection, connect
from zoo.selection.measure.cluster_worker import Job, Shard, carry_out_here, layers_here
from zoo.selection.measure.extracting import BudgetSpent, Done, Work
from zoo.selection.measure.measuring import Request, revision_of

if TYPE_CHECKING:
    from zoo.selection.measure.layer_statistics import Targets

RETRIES = 3
"""How often a task is started again when its worker dies."""

LOOK = 0.2
"""Seconds between two looks at the clock while tasks run."""

IN_FLIGHT = 2
"""Tasks for each CPU of the cluster that wait or run there; more would only fill its memory."""


class ClusterExtractor:
    """Works on a Ray cluster, in the order in which tasks finish.

    Args:
        address: see ``zoo.selection.measure.cluster_connection.connect``.
        deadline: ``time.monotonic()`` at which ``BudgetSpent`` is raised; None for never.
    """

    def __init__(self, request: Request, targets: Targets, address: str, deadline: float | None) -> None:
        self._deadline = deadline
        self._connection: Connection = connect(address)
        self._ray = self._connection.ray
        reference = _reachable(request.reference)
        self._data = None if reference else self._put(request)
        self._job = Job(
            reference,
            request.whole.fingerprint,
            request.task.name,
            request.samples,
            request.estimators,
            request.device,
            request.dtype,
            request.seed,
            targets.streamed,
        )
        gpus = 0 if request.device == "cpu" else 1
        self._remote = partial(self._ray.remote, num_cpus=1, num_gpus=gpus, max_retries=RETRIES)
        self._carry_out = self._remote()(carry_out_here)
        self._layers = self._remote()(layers_here)
        self._pending: dict[Any, Work] = {}

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; a worker loads it."""
        work = Work(card, (), ())
        self._pending[self._layers.remote(self._job, _shard(work))] = work
        [(_, found)] = self._finished()
        if isinstance(found, ZooError):
            raise found
        return tuple(found)

    def run(self, works: Sequence[Work]) -> Iterator[Done]:
        """The work done, in the order in which it is finished."""
        waiting = deque(works)
        most = max(1, int(self._ray.cluster_resources().get("CPU", 1))) * IN_FLIGHT
        try:
            while waiting or self._pending:
                while waiting and len(self._pending) < most:
                    self._submit(waiting.popleft())
                for work, found in self._finished():
                    yield Done(work, error=found) if isinstance(found, ZooError) else Done(work, *found)
        finally:
            self._cancel()

    def close(self) -> None:
        """Give up what runs, and leave the cluster; one that was started here is stopped."""
        self._cancel()
        self._connection.close()

    def _put(self, request: Request) -> Any:
        try:
            return self._ray.put(request.whole)
        except Exception as error:  # whatever a stranger's reader put into its data set
            self._connection.close()
            raise UnsupportedModel(
                f"'{request.whole.name}' cannot be sent to the workers: {' '.join(str(error).split())[:200]}",
                "Name it by a path or a packaged name that every worker can read.",
            ) from error

    def _submit(self, work: Work) -> None:
        self._pending[self._carry_out.remote(self._job, self._data, _shard(work))] = work

    def _finished(self) -> Iterator[tuple[Work, Any]]:
        """Wait until something is done; yields what came of it, errors as values."""
        while True:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise BudgetSpent
            ready, _ = self._ray.wait(list(self._pending), timeout=LOOK)
            if ready:
                break
        for task in ready:
            work = self._pending.pop(task)
            yield work, self._result(task, work)

    def _result(self, task: Any, work: Work) -> Any:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None) or error
            sentence = f"{type(cause).__name__}: {' '.join(str(cause).split())[:200]}"
            return UnsupportedModel(f"'{work.card.id}' failed on a worker: {sentence}", "Try it without --cluster.")
        except self._ray.exceptions.RayError as error:
            return UnsupportedModel(
                f"Workers died {RETRIES + 1} times over '{work.card.id}' ({type(error).__name__}).",
                "It may not fit into their memory; choose a smaller model.",
            )

    def _cancel(self) -> None:
        for task in self._pending:
            self._ray.cancel(task, force=True)
        self._pending.clear()


def _shard(work: Work) -> Shard:
    return Shard(work.card.id, revision_of(work.card), work.layers, work.positions)


def _reachable(reference: str | None) -> str | None:
    """What names the data set for a worker, wherever it was started: a path becomes absolute."""
    if reference is None:
        return None
    path = Path(reference).expanduser()
    return os.fspath(path.resolve()) if path.exists() else reference
