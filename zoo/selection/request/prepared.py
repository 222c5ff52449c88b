"""A request together with its task, the analysis of its data, the device and the resulting limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo.contract.source import PinnedModel
from zoo.entities import Dataset
from zoo.plugins.aliases import aliases_of_task
from zoo.selection.request.constraints import Limits
from zoo.selection.request.request import Request
from zoo.selection.request.task import Analysis, analyse
from zoo.tasks import Task


@dataclass(frozen=True)
class PreparedRequest:
    """A request whose data are read and analysed.

    Attributes:
        device: where models run.
        limits: limits on the models.
        standards: the models of the task that ids stand for, by these, such as ``std:text-classification``.
    """

    request: Request
    dataset: Dataset
    task: Task
    analysis: Analysis
    device: str
    limits: Limits
    standards: Mapping[str, PinnedModel] = field(default_factory=dict)


def prepare(request: Request) -> PreparedRequest:
    """Read the data, find the task, and compute the limits.

    Raises:
        ZooError: the data, the task or the device is unusable.
    """
    from zoo.features.device import best_device

    dataset = request.dataset()
    task, analysis = analyse(dataset, request.task)
    device = best_device(request.device)
    limits = request.limits(analysis, device)
    return PreparedRequest(request, dataset, task, analysis, device, limits, aliases_of_task(task.name))
