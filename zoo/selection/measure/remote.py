"""Extraction by an executor: shards of models are tasks for workers, whose statistics are merged here.

A worker gets ids and positions, and the data set once; it loads models itself, with its own settings except for those
that were configured here, such as ``max_cost``. A task whose worker dies is started again elsewhere, and the statistics
of every other task stay.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.config import all_configured, configured
from zoo.contract.reader import ReadOptions
from zoo.engines.executor import Executor, Resources, WorkerDied, WorkerError
from zoo.entities import Dataset, ModelCard
from zoo.errors import DataError, UnsupportedModel, ZooError
from zoo.provenance import revision_of
from zoo.selection.measure.extracting import BudgetSpent, Models, ShardResult, ShardTask, extract_shard
from zoo.selection.measure.layer_statistics import Targets
from zoo.selection.measure.plan import MeasurementPlan

if TYPE_CHECKING:
    from zoo.features import Model


@dataclass(frozen=True)
class Job:
    """What is the same for all tasks: no content, no secrets.

    Attributes:
        reference: name or path of the data set for a worker that reads it itself; None if the data set is sent.
        fingerprint: of the data set, which the worker checks.
        task, samples, estimators, device, dtype, seed, read: as in ``zoo.selection.measure.plan.MeasurementPlan``.
        settings: as they were configured here, not by the environment.
    """

    reference: str | None
    fingerprint: str
    task: str
    samples: int
    estimators: tuple[str, ...]
    device: str
    dtype: str
    seed: int
    read: ReadOptions
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class RemoteShard:
    """One shard of one model, by name.

    Attributes:
        model, revision: id, and pinned revision of the weights, which the worker checks.
        positions: of the samples in the data set, ascending.
    """

    model: str
    revision: str | None
    layers: tuple[str, ...]
    positions: tuple[int, ...]

    @classmethod
    def of(cls, task: ShardTask) -> RemoteShard:
        """The same shard, with the model's id and revision in place of its card."""
        return cls(task.card.id, revision_of(task.card), task.layers, task.positions)


class RemoteExtractor:
    """Extracts by an executor, in the order in which tasks end.

    Args:
        deadline: ``time.monotonic()`` at which ``BudgetSpent`` is raised; None for never.

    Raises:
        UnsupportedModel: the data set cannot be sent, and has no name by which a worker could read it.
    """

    def __init__(self, plan: MeasurementPlan, targets: Targets, executor: Executor, deadline: float | None) -> None:
        self._executor, self._deadline = executor, deadline
        self._resources = Resources(gpus=0 if plan.device == "cpu" else 1)
        shared, reference = self._shared(plan, targets)
        job = Job(
            reference,
            plan.dataset.fingerprint,
            plan.task.name,
            plan.samples,
            plan.estimators,
            plan.device,
            plan.dtype,
            plan.seed,
            plan.read,
            all_configured(),
        )
        self._given = (job, shared)

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; a worker loads it."""
        [(_, found)] = self._map(layers_on_worker, [ShardTask(card, (), ())])
        if isinstance(found, ZooError):
            raise found
        return tuple(found)

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """The results, in the order in which the tasks end."""
        for task, found in self._map(extract_on_worker, tasks):
            yield ShardResult(task, error=found) if isinstance(found, ZooError) else ShardResult(task, *found)

    def close(self) -> None:
        """Disconnect from the workers."""
        self._executor.close()

    def _map(self, function: Any, tasks: Sequence[ShardTask]) -> Iterator[tuple[ShardTask, Any]]:
        """Each task with the result of the function, or with the error for the user."""
        by_shard = {RemoteShard.of(task): task for task in tasks}
        for done in self._executor.map(function, by_shard, self._resources, *self._given, check=self._check):
            task = by_shard[done.task]
            yield task, done.result if done.error is None else self._explained(task.card, done.error)

    def _explained(self, card: ModelCard, error: WorkerError) -> ZooError:
        if isinstance(error, WorkerDied):
            return UnsupportedModel(
                f"Workers died {self._resources.retries + 1} times on '{card.id}' ({error}).",
                "It may not fit into their memory; choose a smaller model.",
            )
        return UnsupportedModel(f"'{card.id}' failed on a worker: {error}", "Try it without --cluster.")

    def _check(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise BudgetSpent

    def _shared(self, plan: MeasurementPlan, targets: Targets) -> tuple[Any, str | None]:
        """The data set with its targets, as the executor shares it; or its name, if it cannot be pickled."""
        try:
            return self._executor.share((plan.dataset, targets)), None
        except Exception as error:  # a plugin's reader may put any object into the data set
            if plan.reference is not None:
                return None, _absolute(plan.reference)
            self._executor.close()
            raise UnsupportedModel(
                f"'{plan.dataset.name}' cannot be sent to the workers: {' '.join(str(error).split())[:200]}",
                "Name it by a path or a packaged name that every worker can read.",
            ) from error


def extract_on_worker(shard: RemoteShard, job: Job, data: tuple[Dataset, Targets] | None) -> tuple[Any, ...] | ZooError:
    """The fields of a ``ShardResult`` besides its task; an error for the user is returned, not raised."""
    from zoo.contract.backbone import SilentProgress

    try:
        with configured(job.settings):
            dataset, targets = _read(job) if data is None else data
            model = _models(job.device, job.dtype, job.task).get(_card(shard.model, shard.revision))
            task = ShardTask(model.card, shard.layers, shard.positions)
            found = extract_shard(model, dataset, task, targets, SilentProgress())
    except ZooError as error:
        return error
    return found.statistics, found.seconds, found.passes, found.versions


def layers_on_worker(shard: RemoteShard, job: Job, data: Any) -> tuple[str, ...] | ZooError:
    """All layers of a shard's model, or the error."""
    try:
        with configured(job.settings):
            return tuple(_models(job.device, job.dtype, job.task).get(_card(shard.model, shard.revision)).layers)
    except ZooError as error:
        return error


@lru_cache(maxsize=1)
def _models(device: str, dtype: str, task: str) -> Models:
    """The models of this process; a worker runs many tasks."""
    from zoo.features import load

    def loaded(card: ModelCard) -> Model:
        return load(card, device=device, dtype=dtype, action="recommend", task=task)

    return Models(loaded)


def _card(model: str, revision: str | None) -> ModelCard:
    from zoo.sources import resolve

    card = resolve(model)
    found = revision_of(card)
    if found != revision:
        raise UnsupportedModel(
            f"A worker has revision {found or 'unknown'} of '{model}', not {revision or 'unknown'}.",
            "Install the same packages and pull the same revisions on every worker.",
        )
    return card


_latest: dict[str, Any] = {}
"""The last job of this process, with its data: a worker runs many tasks of one job."""


def _read(job: Job) -> tuple[Dataset, Targets]:
    from zoo.data import read_with
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    if _latest.get("job") != job:
        assert job.reference is not None
        dataset = read_with(job.reference, job.read)
        if dataset.fingerprint != job.fingerprint:
            raise DataError(
                f"The data that a worker reads from '{dataset.name}' differ from those of this process.",
                "Put the data where every worker can read them.",
            )
        task = find_task(job.task, plugins().tasks)
        plan = MeasurementPlan(task, dataset, job.samples, job.estimators, job.device, job.seed, dtype=job.dtype)
        _latest.update(job=job, data=(dataset, Targets.of(dataset, plan.order, job.estimators, plan.units)))
    found: tuple[Dataset, Targets] = _latest["data"]
    return found


def _absolute(reference: str) -> str:
    """The name of the data set for workers in any folder: a path becomes absolute."""
    path = Path(reference).expanduser()
    return os.fspath(path.resolve()) if path.exists() else reference
