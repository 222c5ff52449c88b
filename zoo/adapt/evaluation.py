"""Evaluates a model's own answers on a labelled data set, without training anything."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.adapt.evaluating import evaluate_answers
from zoo.adapt.reading import read_for_evaluation
from zoo.entities import Dataset, Entity, Outcomes, Problem
from zoo.errors import DataError, InvalidInput
from zoo.keywords import explains_keywords
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.contract.reader import ReadOptions
    from zoo.features import Model
    from zoo.tasks import Task


@dataclass(frozen=True)
class Evaluation(Entity):
    """The metrics of a model's own answers.

    Attributes:
        data: fingerprint of the data set.
        samples: how many were scored.
        metrics: metric name to value.
        baseline: the same metrics of the most frequent class, of the mean, or of chance.
        skipped: items that could not be used, with the reason.
        left_out: samples that were not scored because ``zoo tune`` trained the model on them; None if that is not
            known.
        warnings: what to watch out for, in sentences.
        notes: how the data were read, in sentences.
        intervals: metric name to the lowest and highest value of its 95 % interval.
        independent: samples that do not depend on each other; copies and groups count once. None if unknown.
        with_training: metrics on all samples, those of the training included; empty unless they were asked for.
        outcomes: the answers by sample, for classes, numbers and texts.
    """

    model: str
    task: str
    dataset: str
    data: str
    samples: int
    metrics: Mapping[str, float]
    baseline: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    device: str = "cpu"
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Problem, ...] = ()
    left_out: int | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    independent: int | None = None
    with_training: Mapping[str, float] = field(default_factory=dict)
    outcomes: Outcomes | None = None


@explains_keywords
def evaluate(
    model: str | Model,
    data: str | Dataset,
    *,
    task: str | None = None,
    device: str | None = None,
    include_training: bool = False,
    report: str | None = None,
    progress: Progress | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    on_problem: str = "skip",
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
) -> Evaluation:
    """The task's metrics for a model's own answers, and for the baseline.

    The kind of the task's target says how answers are compared with targets; retrieval, for example, compares all
    images with all texts. Samples that ``zoo tune`` trained the model on are left out.

    Args:
        model: model id, or a loaded model.
        data: a data set, or a reference to one.
        task: task name; the first of the model's that the data fit if it is None.
        device: where to run; None takes the best available.
        include_training: whether to report the metrics on all samples too, those included on which ``zoo tune`` trained
            the model.
        report: file for the results as a self-contained HTML page.
        input_column, target_column, on_problem, read: as in ``zoo.read``.
        options: as in ``zoo.read``; settings of metrics and of the model too, by name, such as ``asr_model``.

    Raises:
        InvalidInput: an option does not apply to the task.
        UnsupportedModel: the model has no answers of its own for the task.
        DataError: the data do not fit the task, their classes are not those that the model knows, or it was trained on
            all of them.
    """
    from zoo import pages
    from zoo.config import configured
    from zoo.contract.backbone import SilentProgress
    from zoo.data.arguments import read_options
    from zoo.plugins.options import settings_of

    given = read_options("evaluate", data, read, input_column, target_column, on_problem, task, options)
    settings = settings_of("evaluate", options, "" if isinstance(model, str) else model.card.id)
    if report:
        pages.check(report)
    with configured(settings):
        return _evaluate(
            model,
            data,
            given,
            settings=settings,
            device=device,
            include=include_training,
            report=report,
            progress=progress or SilentProgress(),
        )


def _evaluate(
    model: str | Model,
    data: str | Dataset,
    given: ReadOptions,
    *,
    settings: Mapping[str, Any],
    device: str | None,
    include: bool,
    report: str | None,
    progress: Progress,
) -> Evaluation:
    from zoo.adapt.results.page import write_evaluation
    from zoo.data import notes_on
    from zoo.features import model_for
    from zoo.plugins.options import check_fit
    from zoo.provenance import figure_versions

    task = given.task
    if task is None and isinstance(model, str):
        model = model_for(model, "evaluate", device, progress)
    dataset = read_for_evaluation(data, model, given) if isinstance(data, str) else data
    loaded = model_for(model, "evaluate", device, progress, task)
    found = _task(loaded, dataset, task)
    kinds = {*found.inputs, found.target}
    check_fit(settings, kinds, found.name, f"'{loaded.card.id}' is used here for {found.name}", model=True)
    whole = dataset
    dataset, left_out, warnings = _unseen(loaded, whole)
    if include and left_out is None:
        raise InvalidInput(
            f"--include-training has no effect: it is not known on which samples '{loaded.card.id}' was trained.",
            "Leave it out; all samples are evaluated.",
        )
    started = time.perf_counter()
    answered = evaluate_answers(loaded, dataset, found, progress)
    with_training = evaluate_answers(loaded, whole, found, progress).metrics if include and left_out else {}
    kind = kind_of(found.target)
    used = figure_versions(loaded.backbone, kind_of(dataset.input_kind), kind)
    evaluation = Evaluation(
        loaded.card.id,
        found.name,
        dataset.name,
        dataset.fingerprint,
        len(dataset),
        answered.metrics,
        answered.baseline,
        round(time.perf_counter() - started, 3),
        loaded.device,
        loaded.revision,
        {**used, **kind.evaluated_with(found.name)},
        dataset.problems,
        left_out,
        warnings,
        notes_on(dataset),
        answered.intervals,
        answered.units,
        with_training,
        answered.outcomes,
    )
    if report:
        write_evaluation(evaluation, dataset, report)
    return evaluation


def _unseen(model: Model, dataset: Dataset) -> tuple[Dataset, int | None, tuple[str, ...]]:
    """The samples that a tuned model was not trained on, the number of others, and a warning if that is uncertain.

    Raises:
        DataError: it was trained on all of them.
    """
    import numpy as np

    from zoo.adapt.saved.names import LIBRARY
    from zoo.adapt.saved.seen import seen_by

    if model.card.library != LIBRARY:
        return dataset, None, ()
    seen = seen_by(model.card)
    known = None if seen is None else seen.holds(dataset)
    if seen is None or known is None:
        warning = (
            f"'{model.card.id}' has no record of its training samples, so they cannot be left out of the data; if "
            "there are any, the score is too optimistic. Tune it again to record them."
        )
        return dataset, None, (warning,)
    if known.all() and len(known):
        raise DataError(
            f"'{model.card.id}' was trained on all {len(known):,} samples of '{dataset.name}', so a score on them "
            "would say nothing about new samples.",
            "Use samples that it was not trained on; its score on held-out samples is in its README.md.",
        )
    warnings: tuple[str, ...] = (
        ()
        if seen.complete
        else (
            f"'{model.card.id}' was tuned from a model that has no record of its training samples; any of them in "
            "the data cannot be left out.",
        )
    )
    left_out, tested = int(known.sum()), seen.tests(dataset)
    if tested:
        new = len(dataset) - left_out - tested
        warnings += (
            f"{tested:,} of the samples are those that the model was tested on when it was tuned; "
            f"{f'{new:,} are' if new else 'none is'} new.",
        )
    return dataset.subset(np.flatnonzero(~known).tolist()) if left_out else dataset, left_out, warnings


def _task(model: Model, dataset: Dataset, name: str | None) -> Task:
    from zoo.data import task_for
    from zoo.plugins import plugins

    known = plugins().tasks
    if name:
        task = task_for(dataset, name)
        if dataset.input_kind not in task.inputs:
            raise DataError(
                f"'{dataset.name}' has {dataset.input_kind} inputs, but {task.name} takes {' and '.join(task.inputs)}."
            )
        return task
    for own in model.card.tasks:
        candidate = known.get(own)
        if candidate and dataset.input_kind in candidate.inputs and candidate.target == dataset.target_kind:
            return candidate
    return task_for(dataset)
