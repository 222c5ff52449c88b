"""Judges a model's own structured answers, beside those of knowing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.data.languages import is_language
from zoo.errors import DataError
from zoo.kinds.class_names import ClassNames
from zoo.kinds.known import kinds, metrics_for
from zoo.kinds.text_metrics import TRANSLATION

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset
    from zoo.features import Model
    from zoo.tasks import Task

CHUNK = 32
"""Samples that are decoded and answered at a time."""


def is_structured(dataset: Dataset, task: Task | None = None) -> bool:
    """Whether the data's targets are of such a kind, and the task asks for the same."""
    return dataset.target_kind in kinds() and (task is None or task.target == dataset.target_kind)


def judge(model: Model, dataset: Dataset, task: Task, progress: Progress) -> tuple[dict[str, float], dict[str, float]]:
    """Every metric of the task for the model's answers, and for those of knowing nothing.

    Raises:
        UnsupportedModel: the model has no answers of its own for the task.
        DataError: none of the task's metrics can judge the targets, or the model knows none of their classes.
    """
    kind = kinds()[dataset.target_kind]
    targets: Sequence[Any] = known_targets(dataset)
    kind.judged_by()  # where what judges is missing, its own words say so
    metrics = metrics_for(task, targets)
    names = ClassNames(kind.name, dataset.classes)
    answers: list[Any] = []
    with progress.step(f"Asking {model.card.id}", len(dataset)) as step:
        for start in range(0, len(dataset), CHUNK):
            inputs = [dataset.inputs[index] for index in range(start, min(start + CHUNK, len(dataset)))]
            found = model.predict(inputs, task.name, labels=told(dataset, task))
            answers += [kind.answer(item, names.matched(answer)) for item, answer in zip(inputs, found, strict=True)]
            step.advance(len(inputs))
    names.check(model.card.id, dataset.name)
    guessed = kind.guess(dataset.inputs, targets, task.name)
    judged = {metric.name: float(metric.compute(targets, answers)) for metric in metrics}
    return judged, {m.name: float(m.compute(targets, guessed)) for m in metrics}


def told(dataset: Dataset, task: Task) -> tuple[str, ...]:
    """What a model is told beside its inputs: the classes; of a translation the languages, where they are known."""
    if task.name != TRANSLATION:
        return dataset.classes
    columns = (dataset.columns.get("input", ""), dataset.columns.get("target", ""))
    return dataset.languages or (columns if all(map(is_language, columns)) else ())


def known_targets(dataset: Dataset) -> Sequence[Any]:
    """The targets; raises ``DataError`` where there are none."""
    if dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' has no targets, so that nothing can be judged by it.",
            "Name their column with --target-column.",
        )
    return dataset.targets
