"""Tasks and domains: inputs, targets and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zoo.errors import UnknownTask, suggest
from zoo.tasks.naming import Architecture, FolderFormat, Head


@dataclass(frozen=True)
class TaskMetric:
    """A metric by name, and its direction."""

    name: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Task:
    """One kind of problem.

    Attributes:
        name: a Hugging Face pipeline tag where one exists, else a name in the same style.
        domain: the domain that serves it.
        title: human-readable title.
        inputs: kinds of input, such as ``image`` or ``text``.
        target: kind of target, such as ``class`` or ``boxes``.
        metrics: how models are evaluated; the first one ranks them.
        head: the default head put on a backbone: ``linear``, ``token-linear``, ``span``, ``detection``,
            ``mask``, ``sequence``, ``generator`` or ``none``.
        use_case: whether it is one of zoo's sixteen use cases, which come first where a task is guessed from the data.
        read_as: kinds of input and target as which a table for it is read, if samples are made of such pairs.
    """

    name: str
    domain: str
    title: str
    inputs: tuple[str, ...]
    target: str
    metrics: tuple[TaskMetric, ...]
    head: str
    use_case: bool = False
    read_as: tuple[str, str] | None = None

    @property
    def metric(self) -> TaskMetric:
        """The metric that ranks models."""
        return self.metrics[0]

    def to_dict(self) -> dict[str, Any]:
        """The task as plain JSON values."""
        return {
            "name": self.name,
            "domain": self.domain,
            "title": self.title,
            "inputs": list(self.inputs),
            "target": self.target,
            "metrics": [{"name": m.name, "higher_is_better": m.higher_is_better} for m in self.metrics],
            "head": self.head,
        }


def higher(*names: str) -> tuple[TaskMetric, ...]:
    """Metrics for which higher is better."""
    return tuple(TaskMetric(name) for name in names)


def lower(*names: str) -> tuple[TaskMetric, ...]:
    """Metrics for which lower is better."""
    return tuple(TaskMetric(name, higher_is_better=False) for name in names)


CLASSIFICATION = higher("accuracy", "macro_f1", "matthews_correlation")
"""The metrics of most classification tasks."""

MULTI_LABEL = higher("mean_average_precision", "micro_f1", "macro_f1", "subset_accuracy")
"""The metrics of tasks that predict a set of labels for each sample."""


@dataclass(frozen=True)
class Domain:
    """A field of models: the tasks that it serves, and how its published models are recognised.

    Attributes:
        input: kind of input of its models, if their task belongs to another domain.
        default_task: the task of its models without a head; empty if they have none.
        other_tasks: tasks that the Hugging Face Hub lists for models of this domain and that are not served.
        architectures: what ``model_type`` in a ``config.json`` says of a model.
        heads: what the name of a model's class says of its task.
        libraries: libraries that load models of this domain, as the Hub names them.
        weights: names of weights files that its libraries read, besides the usual ones.
        formats: formats of models that are whole folders.
    """

    name: str
    description: str
    tasks: tuple[Task, ...] = ()
    input: str = ""
    default_task: str = ""
    other_tasks: frozenset[str] = frozenset()
    architectures: tuple[Architecture, ...] = ()
    heads: tuple[Head, ...] = ()
    libraries: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()
    formats: tuple[FolderFormat, ...] = ()

    def with_those_of(self, other: Domain) -> Domain:
        """This domain, extended by another plugin."""
        return replace(
            self,
            tasks=tuple(dict.fromkeys((*self.tasks, *other.tasks))),
            other_tasks=self.other_tasks | other.other_tasks,
            architectures=(*self.architectures, *other.architectures),
            heads=(*self.heads, *other.heads),
            libraries=self.libraries | other.libraries,
            weights=self.weights | other.weights,
            formats=(*self.formats, *other.formats),
        )


def find_task(name: str, known: Mapping[str, Task]) -> Task:
    """The task called ``name``.

    Raises:
        UnknownTask: with the nearest names.
    """
    try:
        return known[name]
    except KeyError:
        hint = suggest(name, known) or f"Tasks: {', '.join(sorted(known))}."
        raise UnknownTask(f"There is no task called '{name}'.", hint) from None
