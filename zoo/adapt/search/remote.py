"""Several trials at once, on the workers of an executor; a trial whose worker dies is started again once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zoo.adapt.search.study import DEFAULT, Result, Trial
from zoo.adapt.search.trials import RemoteTrial, carry_out
from zoo.config import all_configured, configured
from zoo.engines.executor import Resources
from zoo.entities import Dataset, ModelCard, Run
from zoo.errors import UnsupportedModel, ZooError
from zoo.provenance import revision_of

if TYPE_CHECKING:
    from zoo.features import Model


@dataclass(frozen=True)
class Job:
    """What is the same for all trials.

    Attributes:
        revision: of the weights, which the worker checks.
        settings: as they were configured here, not by the environment.
    """

    model: str
    revision: str | None
    settings: Mapping[str, Any]


class Workers:
    """Workers that carry out trials of one search.

    Args:
        address: see ``zoo.engines.ray_connection.connect``.

    Raises:
        UnsupportedModel: the data set cannot be sent to them.
        ZooError: there is no cluster.
    """

    def __init__(self, address: str, card: ModelCard, dataset: Dataset) -> None:
        from zoo.engines.ray import RayExecutor

        self._executor = RayExecutor(address)
        self._job = Job(card.id, revision_of(card), all_configured())
        try:
            self._data = self._executor.share(dataset)
        except Exception as error:  # a plugin's reader may put any object into the data set
            self._executor.close()
            raise UnsupportedModel(
                f"'{dataset.name}' cannot be sent to the workers: {' '.join(str(error).split())[:200]}",
                "Search without --cluster.",
            ) from error

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._executor.close()

    def results(self, trials: Iterator[RemoteTrial]) -> Iterator[tuple[Trial, Result, Run | None]]:
        """Each trial with its result and its run, in the order in which they end.

        Raises:
            ZooError: an error of the request, see ``carry_out``.
        """
        resources = Resources(retries=1, queue=1)
        for done in self._executor.map(on_worker, trials, resources, self._job, self._data):
            if isinstance(done.result, ZooError):
                raise done.result
            lost = Result("failed", epochs=done.task.plan.epochs, reason=f"its worker failed: {done.error}")
            result, run = done.result or (lost, None)
            yield done.task.trial, result, run


def on_worker(remote: RemoteTrial, job: Job, dataset: Dataset) -> tuple[Result, Run | None] | ZooError:
    """The result of a trial and its run; an error of the request is returned, not raised."""
    from zoo.adapt.plans import adapted
    from zoo.contract.backbone import SilentProgress

    try:
        with configured(job.settings):
            model = _model(job.model, job.revision, remote.plan.device, remote.plan.task)
            return carry_out(
                remote.plan,
                lambda plan: adapted(model, dataset, plan, SilentProgress()),
                remote.ended,
                first=remote.trial.origin == DEFAULT,
            )
    except ZooError as error:
        return error


@lru_cache(maxsize=1)
def _model(model: str, revision: str | None, device: str, task: str) -> Model:
    """The model of this process; a worker runs many trials."""
    from zoo.features import load

    loaded = load(model, device=device, action="tune", task=task)
    found = revision_of(loaded.card)
    if found != revision:
        raise UnsupportedModel(
            f"A worker has revision {found or 'unknown'} of '{model}', not {revision or 'unknown'}.",
            "Install the same packages and pull the same revisions on every worker.",
        )
    return loaded
