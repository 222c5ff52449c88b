"""Evaluates a model's own answers, and those of a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.adapt.results.intervals import Interval
from zoo.adapt.results.outcomes import intervals, outcomes
from zoo.adapt.task_metrics import metrics_for
from zoo.data import units
from zoo.entities import Outcomes
from zoo.errors import DataError
from zoo.kinds.class_names import ClassNames
from zoo.kinds.known import kind_of, kinds

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel, Progress
    from zoo.entities import Dataset
    from zoo.tasks import Task

CHUNK = 32
"""Samples decoded and predicted at a time."""


def by_answers(dataset: Dataset, task: Task | None = None) -> bool:
    """Whether models are evaluated and trained with structured answers, such as boxes, not a class or a number."""
    kind = kinds().get(dataset.target_kind)
    if kind is None or kind.estimable or dataset.targets is None:
        return False
    return task is None or task.target == dataset.target_kind


@dataclass(frozen=True)
class Answered:
    """The results of a model's own answers.

    Attributes:
        metrics, baseline: every metric of the task, for the model and for the baseline.
        intervals: 95 % intervals of the metrics; empty for kinds that evaluate all samples together.
        outcomes: the answers by sample, for classes, numbers and texts.
        units: number of samples that do not depend on each other; None if it is unknown.
    """

    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    outcomes: Outcomes | None = None
    units: int | None = None


def evaluate_answers(model: LoadedModel, dataset: Dataset, task: Task, progress: Progress) -> Answered:
    """Every metric of the task for the model's answers, and for those of the baseline.

    Raises:
        UnsupportedModel: the model has no answers of its own for the task.
        DataError: the data do not have what the task predicts, none of the task's metrics can evaluate the targets, or
            the model knows none of their classes.
    """
    if (own := kind_of(task.target).evaluate(model, dataset, task, progress)) is not None:
        return Answered(*own)
    if dataset.targets is None or task.target != dataset.target_kind:
        raise DataError(
            f"'{dataset.name}' cannot be used to evaluate {task.name}: it does not have "
            f"{kind_of(task.target).per_sample}.",
            "Name the column of the labels with --target-column.",
        )
    kind = kind_of(dataset.target_kind)
    known = known_targets(dataset)
    targets = kind.array(known) if kind.estimable else known
    kind.evaluated_with(task.name)  # report a missing metric model before the work
    metrics = metrics_for(task, targets[: kind.most_evaluated])
    names = ClassNames(kind, dataset.classes)
    answers: list[Any] = []
    confidences: list[float | None] = []
    with progress.step(f"Running {model.card.id}", len(dataset)) as step:
        for start in range(0, len(dataset), CHUNK):
            inputs = [dataset.inputs[index] for index in range(start, min(start + CHUNK, len(dataset)))]
            found = model.predict(inputs, task.name, labels=dataset.classes or dataset.languages)
            confidences += map(kind.confidence, found)
            answers += [
                kind.comparable(item, names.matched(answer), dataset.classes)
                for item, answer in zip(inputs, found, strict=True)
            ]
            step.advance(len(inputs))
    names.check(model.card.id, dataset.name)
    predictions = kind.array(answers) if kind.estimable else answers
    guessed = kind.baseline(dataset.inputs, known, task.name)
    of = units(dataset)
    sure = [one for one in confidences if one is not None]
    return Answered(
        {metric.name: float(metric.compute(targets, predictions)) for metric in metrics},
        {metric.name: float(metric.compute(targets, guessed)) for metric in metrics},
        intervals(metrics, targets, predictions, None if of is None else of.tolist()),
        outcomes(
            dataset,
            range(len(dataset)),
            targets,
            predictions,
            confidences=sure if len(sure) == len(answers) else None,
            units=None if of is None else of.tolist(),
        ),
        len(dataset) if of is None else len(set(of.tolist())),
    )


def known_targets(dataset: Dataset) -> Sequence[Any]:
    """The targets; raises ``DataError`` if there are none."""
    if dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' has no targets to evaluate answers against.",
            "Name their column with --target-column.",
        )
    return dataset.targets
