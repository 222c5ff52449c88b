"""Task and data analysis: the task of the data set, its content, and the strategy for its number of samples."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from zoo.catalog.trainability import takes_adapters
from zoo.entities import Dataset, Entity, ModelCard
from zoo.kinds.known import kind_of
from zoo.selection.request.memory import Workload
from zoo.selection.request.strategy import Advice, advise
from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.data import Profile


@dataclass(frozen=True)
class Analysis(Entity):
    """The analysis of a data set before anything is measured.

    Attributes:
        task: name of the task.
        domain: the domain that serves it.
        guessed: whether the task was guessed from the data.
        data: name, fingerprint, samples and number of classes, as in the recommendation.
        warnings: warnings in sentences.
        profile: contents of the data: kinds of input and target, samples by class, imbalance (largest class over
            smallest), sizes of images or lengths of texts, repeated items.
        per_class: samples of the smallest, the median and the largest class; empty for numbers.
        languages: share of each language in the texts, see ``zoo.selection.request.language``.
        advice: the strategy to start with, with the reason and the data that it needs; None for targets that are
            neither classes nor numbers.
        structured: whether the targets are neither classes nor numbers.
    """

    task: str
    domain: str
    guessed: bool
    data: dict[str, Any]
    warnings: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    per_class: Mapping[str, float] = field(default_factory=dict)
    languages: Mapping[str, float] = field(default_factory=dict)
    advice: Advice | None = None
    structured: bool = False

    def start_from(self, card: ModelCard) -> Analysis:
        """The same with the advice for one model, which depends on its size and whether it can take adapters."""
        if self.structured:
            return self
        return replace(
            self,
            advice=advise(
                int(self.data["samples"]),
                int(self.data["classes"]),
                labelled=self.advice is None or self.advice.per_class > 0,
                per_class=self.per_class.get("median"),
                parameters=card.parameters,
                adaptable=takes_adapters(card),
            ),
        )

    def workload(self, device: str) -> Workload:
        """The workload of the data for memory estimates."""
        words = self.profile.get("words") or {}
        return Workload(device, words=words.get("maximum"))


_PROFILED = (
    "input_kind",
    "target_kind",
    "classes",
    "imbalance",
    "balance",
    "numbers",
    "images",
    "characters",
    "words",
    "repeated",
    "conflicting",
    "bytes",
)


def analyse(dataset: Dataset, task: str | None = None) -> tuple[Task, Analysis]:
    """The task (looked up, or guessed from the kinds of input and target) and the analysis of the data set for it.

    Raises:
        UnknownTask: no such task.
        DataError: the data set cannot serve the task, or no task fits and none was named.
    """
    from zoo.adapt.evaluating import by_answers
    from zoo.data import check, task_for
    from zoo.data.profiling import profile_dataset
    from zoo.selection.request.language import languages

    found = task_for(dataset, task)
    structured = by_answers(dataset, found)
    check(dataset, found, structured=structured)
    looked_at = profile_dataset(dataset, near=False)
    values = looked_at.to_dict()
    data = {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "samples": len(dataset),
        "classes": len(dataset.classes),
    }
    per_class, kind = _per_class(looked_at), kind_of(dataset.input_kind)
    return found, Analysis(
        found.name,
        found.domain,
        task is None,
        data,
        tuple(looked_at.warnings),
        {name: values[name] for name in _PROFILED if values[name] not in (None, {}, ())},
        per_class,
        languages(dataset.inputs) if kind.written and kind.folds_text else {},
        None
        if structured
        else advise(
            len(dataset),
            len(dataset.classes),
            labelled=dataset.targets is not None,
            per_class=per_class.get("median"),
        ),
        structured,
    )


def _per_class(profile: Profile) -> dict[str, float]:
    counts = [count for count in profile.classes.values() if count]
    if not counts:
        return {}
    return {"smallest": min(counts), "median": statistics.median(counts), "largest": max(counts)}
