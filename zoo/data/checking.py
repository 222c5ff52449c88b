"""Checks whether a data set suits a task, and says what is wrong if it does not."""

from __future__ import annotations

from zoo.entities import Dataset
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo.tasks import Task, find_task


def check(dataset: Dataset, task: Task, structured: bool = False) -> None:
    """Check that models can be ranked and tuned for ``task`` on this data set.

    Args:
        structured: whether to accept targets other than classes and numbers too (spans, boxes, texts...).

    Raises:
        DataError: it is empty, of another kind of input or target, unlabelled, of one class only, or a class has fewer
            than the two samples that splitting needs.
    """
    if not len(dataset):
        raise DataError(f"'{dataset.name}' has no samples.")
    if dataset.input_kind not in task.inputs:
        raise DataError(
            f"'{dataset.name}' contains {kind_of(dataset.input_kind).nouns}, but {task.name} takes "
            f"{' with '.join(kind_of(kind).nouns for kind in task.inputs)}.",
            _fitting(dataset),
        )
    if structured:
        return
    needed = kind_of(task.target)
    if not needed.estimable:
        raise DataError(
            f"{task.name} is evaluated against {needed.per_sample} of each sample, which "
            f"'{dataset.name}' does not have.",
            "Name their column with --target-column, or see which files hold them: docs/targets.md. "
            f"{_fitting(dataset)}".strip(),
        )
    if dataset.targets is None or dataset.target_kind == "none":
        raise _unlabelled(dataset, f"{task.name} needs {needed.per_sample}")
    if dataset.target_kind != task.target:
        raise DataError(
            f"The labels of '{dataset.name}'{_column(dataset)} are "
            f"{kind_of(dataset.target_kind).nouns}, and {task.name} needs {needed.per_sample}.",
            f"Name another column with --target-column. {_fitting(dataset)}".strip(),
        )
    needed.check(dataset)


def _unlabelled(dataset: Dataset, needed: str) -> DataError:
    return DataError(
        f"'{dataset.name}' has no labels, and {needed}.",
        "Name the column of the labels with --target-column, or sort the files into class folders.",
    )


def task_for(dataset: Dataset, name: str | None = None) -> Task:
    """The task called ``name``; without a name, the first task whose kinds of input and target match the data set.

    Raises:
        UnknownTask: there is none of that name; with the nearest.
        DataError: no task was named, and none matches.
    """
    from zoo.plugins import plugins

    known = plugins().tasks
    if name:
        return find_task(name, known)
    if dataset.targets is None or dataset.target_kind == "none":
        raise _unlabelled(dataset, "models are ranked and adapted by a class or a number for each sample")
    fitting = fitting_tasks(dataset)
    if not fitting:
        raise DataError(
            f"No task is known for {dataset.input_kind} inputs with targets of kind '{dataset.target_kind}'.",
            "Name one with --task.",
        )
    return known[fitting[0]]


def fitting_tasks(dataset: Dataset) -> list[str]:
    """Names of the tasks whose kinds of input and target match the data set; ``check`` says whether one can use it."""
    from zoo.plugins import plugins

    return [
        task.name
        for task in plugins().tasks.values()
        if task.inputs == (dataset.input_kind,) and task.target == dataset.target_kind
    ]


def _fitting(dataset: Dataset) -> str:
    """The tasks that this data set suits, in a sentence."""
    names = fitting_tasks(dataset)
    return f"It suits {' or '.join(names)}." if names else ""


def _column(dataset: Dataset) -> str:
    return f" in column '{dataset.columns['target']}'" if "target" in dataset.columns else ""
