"""A request together with its task, the analysis of its data, the device and the resulting limits."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Dataset
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
    """

    request: Request
    dataset: Dataset
    task: Task
    analysis: Analysis
    device: str
    limits: Limits


def prepare(request: Request) -> PreparedRequest:
    """Read the data, find the task, and compute the limits.

    Raises:
        ZooError: the data, the task or the device is unusable.
    """
    from zoo.features.device import best_device

    dataset = request.dataset()
    task, analysis = analyse(dataset, request.task)
    device = best_device(request.device)
    return PreparedRequest(request, dataset, task, analysis, device, request.limits(analysis, device))
