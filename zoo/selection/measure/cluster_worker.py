"""What a worker of a cluster does: read data and models by their names, and gather the evidence of one shard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zoo.entities import Dataset, ModelCard
from zoo.errors import DataError, UnsupportedModel, ZooError
from zoo.selection.measure.extracting import Models, Work, carry_out
from zoo.selection.measure.layer_statistics import Evidence, Targets
from zoo.selection.measure.measuring import Request, revision_of

if TYPE_CHECKING:
    from zoo.features import Model


@dataclass(frozen=True)
class Job:
    """What every task of a job is told; no content, no settings, no secrets.

    Attributes:
        reference: what names the data set; None where the data set itself comes along.
        fingerprint: of the data set, which the worker checks.
        samples, estimators, device, dtype, seed: as in ``zoo.selection.measure.measuring.Request``.
        streamed: whether sums are wanted in place of features.
    """

    reference: str | None
    fingerprint: str
    task: str
    samples: int
    estimators: tuple[str, ...]
    device: str
    dtype: str
    seed: int
    streamed: bool


@dataclass(frozen=True)
class Shard:
    """One shard of one model, by names alone.

    Attributes:
        model, revision: id, and what pins the weights, which the worker checks.
        positions: of the samples in the data set, ascending.
    """

    model: str
    revision: str | None
    layers: tuple[str, ...]
    positions: tuple[int, ...]


def carry_out_here(
    job: Job, data: Dataset | None, shard: Shard
) -> tuple[Mapping[str, Evidence], float, int] | ZooError:
    """Evidence by layer, seconds and forward passes of one shard; an error that is meant for the user as a value."""
    from zoo.contract.backbone import SilentProgress

    try:
        whole, targets = _data(job) if data is None else _prepared(job, data)
        model = _models(job.device, job.dtype).get(_card(shard.model, shard.revision))
        done = carry_out(model, whole, Work(model.card, shard.layers, shard.positions), targets, SilentProgress())
    except ZooError as error:
        return error
    return done.evidence, done.seconds, done.passes


def layers_here(job: Job, shard: Shard) -> tuple[str, ...] | ZooError:
    """All layers of a shard's model, or the error."""
    try:
        return tuple(_models(job.device, job.dtype).get(_card(shard.model, shard.revision)).layers)
    except ZooError as error:
        return error


@lru_cache(maxsize=1)
def _models(device: str, dtype: str) -> Models:
    """The models of this process; a worker carries out many tasks."""
    from zoo.features import load

    def loaded(card: ModelCard) -> Model:
        return load(card, device=device, dtype=dtype)

    return Models(loaded)


def _card(model: str, revision: str | None) -> ModelCard:
    from zoo.sources import resolve

    card = resolve(model)
    found = revision_of(card)
    if found != revision:
        raise UnsupportedModel(
            f"A worker knows revision {found or 'unknown'} of '{model}', not {revision or 'unknown'}.",
            "Install the same packages and pull the same revisions on every worker.",
        )
    return card


@lru_cache(maxsize=1)
def _data(job: Job) -> tuple[Dataset, Targets]:
    from zoo.data import read

    assert job.reference is not None
    whole = read(job.reference, task=job.task)
    if whole.fingerprint != job.fingerprint:
        raise DataError(
            f"A worker reads other data under '{whole.name}' than were read here.",
            "Put the data where every worker sees the same.",
        )
    return _prepared(job, whole)


def _prepared(job: Job, whole: Dataset) -> tuple[Dataset, Targets]:
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    task: Any = find_task(job.task, plugins().tasks)
    request = Request(task, whole, job.samples, job.estimators, job.device, job.seed, dtype=job.dtype)
    return whole, Targets.of(whole, request.order, job.estimators)
