"""What a task and a domain are: what goes in, what is predicted, how it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
        title: the words people use for it.
        inputs: kinds of input: ``image``, ``text``, ``prompt``, ``question``, ``image-question``, ``audio``,
            ``molecule``, ``protein``, ``protein-structure``, ``crystal``, ``grid``, ``time-series``.
        target: kind of target: ``class``, ``classes``, ``number``, ``boxes``, ``mask``, ``spans``, ``answers``,
            ``text``, ``residues``, ``forces``, ``structure``, ``grid``, ``series``, ``vector``, ``generated-image`` or
            ``generated-audio``.
        metrics: how models are evaluated; the first one decides.
        head: the default head put on a backbone: ``linear``, ``token-linear``, ``span``, ``detection``,
            ``mask``, ``sequence``, ``generator`` or ``none``.
        use_case: one of the sixteen use cases that zoo is measured by.
        read_as: kinds of input and target that a table for it is read as, where samples are made of such pairs.
    """

    name: str
    domain: str
    title: str
    inputs: tuple[str, ...]
    target: str
    metrics: tuple[TaskMetric, ...]
    head: str
    use_case: bool = True
    read_as: tuple[str, str] | None = None

    @property
    def metric(self) -> TaskMetric:
        """The metric that decides."""
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


@dataclass(frozen=True)
class Domain:
    """A field of models and the tasks that it serves."""

    name: str
    description: str
    tasks: tuple[Task, ...] = field(default=())
