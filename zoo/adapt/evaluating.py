"""Evaluates a model's own answers, and those of a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.adapt.task_metrics import metrics_for
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


def evaluate_answers(
    model: LoadedModel, dataset: Dataset, task: Task, progress: Progress
) -> tuple[dict[str, float], dict[str, float]]:
    """Every metric of the task for the model's answers, and for those of the baseline.

    Raises:
        UnsupportedModel: the model has no answers of its own for the task.
        DataError: the data do not have what the task predicts, none of the task's metrics can evaluate the targets, or
            the model knows none of their classes.
    """
    if (own := kind_of(task.target).evaluate(model, dataset, task, progress)) is not None:
        return own
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
    with progress.step(f"Running {model.card.id}", len(dataset)) as step:
        for start in range(0, len(dataset), CHUNK):
            inputs = [dataset.inputs[index] for index in range(start, min(start + CHUNK, len(dataset)))]
            found = model.predict(inputs, task.name, labels=dataset.classes or dataset.languages)
            answers += [
                kind.comparable(item, names.matched(answer), dataset.classes)
                for item, answer in zip(inputs, found, strict=True)
            ]
            step.advance(len(inputs))
    names.check(model.card.id, dataset.name)
    predictions = kind.array(answers) if kind.estimable else answers
    guessed = kind.baseline(dataset.inputs, known, task.name)
    return (
        {metric.name: float(metric.compute(targets, predictions)) for metric in metrics},
        {metric.name: float(metric.compute(targets, guessed)) for metric in metrics},
    )


def known_targets(dataset: Dataset) -> Sequence[Any]:
    """The targets; raises ``DataError`` if there are none."""
    if dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' has no targets to evaluate answers against.",
            "Name their column with --target-column.",
        )
    return dataset.targets
