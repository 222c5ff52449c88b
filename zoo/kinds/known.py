"""The kinds of structured targets: how an answer becomes one, and what knowing nothing would answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.kinds.metrics import Metric
    from zoo.tasks import Task


TRIED = 2


@dataclass(frozen=True)
class TargetKind:
    """A kind of structured target.

    Attributes:
        name: as data sets and tasks name it.
        guess: function of n inputs, of the targets that are known, and of the task's name, that gives n answers
            without a model.
        answer: function of an input and of what ``zoo_predict`` gives for it, that gives a target.
        in_time: whether samples follow each other in time, so that the last ones are held out.
        by_loss: whether epochs are told apart by the validation loss alone, where answers take too long for each.
        judged_by: function that gives what the metrics depend on beside targets and answers, for the records.
    """

    name: str
    guess: Callable[[Sequence[Any], Sequence[Any], str], Sequence[Any]]
    answer: Callable[[Any, Any], Any]
    in_time: bool = False
    by_loss: bool = False
    judged_by: Callable[[], Mapping[str, str]] = dict


def kinds() -> Mapping[str, TargetKind]:
    """Every kind by name."""
    return {room.KIND.name: room.KIND for room in _rooms() if hasattr(room, "KIND")}


def structured_metrics() -> tuple[Metric, ...]:
    """The metrics of all kinds."""
    return tuple(metric for room in _rooms() for metric in room.METRICS)


def _rooms() -> tuple[Any, ...]:
    """The modules of kinds and of metrics; captions have metrics of their own and are texts."""
    from zoo.adapt.structured import (
        boxes,
        captions,
        forces,
        grids,
        masks,
        pictures,
        recordings,
        residues,
        series,
        spans,
        structures,
    )
    from zoo.kinds import answer_metrics as answers
    from zoo.kinds import text_metrics as texts

    rooms = (answers, boxes, captions, forces, grids, masks, pictures, recordings, residues, series, spans, structures)
    return (*rooms, texts)


def metrics_for(task: Task, targets: Sequence[Any]) -> tuple[Metric, ...]:
    """The task's metrics that are here and can judge such targets, the one that decides first.

    Raises:
        DataError: there is none.
        ZooError: a model that somebody named to judge by cannot be had.
    """
    from zoo.adapt import experiment
    from zoo.adapt import metric_models as judges
    from zoo.adapt.structured import recordings

    judges.check(recordings.JUDGES.get(task.name, ()))
    # Metrics are asked whether they can judge; what they are given is theirs to look at. Recordings and
    # pictures are judged by models, so that a few of them have to do.
    tried = targets[:TRIED] if task.target in {"audio", "image"} else targets
    found: tuple[Metric, ...] = experiment.metrics_for(task, tried)  # type: ignore[arg-type]
    return found
