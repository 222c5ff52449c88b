"""Predictions of a model for single inputs, as typed on the command line or decoded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from zoo.config import configured
from zoo.errors import DataError
from zoo.features import model_for
from zoo.features.thresholds import with_threshold
from zoo.keywords import explains_keywords
from zoo.kinds.known import asked_kind, kind_of
from zoo.plugins import plugins
from zoo.plugins.options import check_fit, checked, settings_of

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.contract.kind import Kind
    from zoo.contract.values import Typed
    from zoo.features.model import Model
    from zoo.tasks import Task


@dataclass(frozen=True)
class Question:
    """What a model is asked.

    Attributes:
        name: name of the task; None for the model's first.
        task: the task, if there is a plugin that knows it.
        inputs, outputs: kinds of what is typed and of what is answered.
        labels: the classes that a zero-shot model chooses from, or what an option has in their place.
        options: of plugins, by name.
    """

    name: str | None
    task: Task | None
    inputs: Kind
    outputs: Kind
    labels: tuple[str, ...]
    options: Mapping[str, Any]

    def read(self, model: Model, texts: Sequence[str]) -> Typed:
        """The inputs that paths and texts refer to; raises ``DataError`` if they refer to none."""
        return self.inputs.read_typed(texts, {**self.options, "task": self.name}, model)


def question(model: Model, task: str | None, labels: str | Sequence[str], options: Mapping[str, Any]) -> Question:
    """What a model is asked, with the options that apply to it.

    Args:
        labels: classes to choose from; as text, comma-separated.

    Raises:
        InvalidInput: an option is unknown or invalid, or applies to other tasks or kinds.
    """
    options, tasks = checked("predict", options), plugins().tasks
    given = [plugins().options[name] for name in options]
    own = [name for name in model.card.tasks if name in tasks]
    of_options = [option.task for option in given if option.task and (option.task in own or not own)]
    named = labels.split(",") if isinstance(labels, str) else labels
    classes = tuple(filter(None, map(str.strip, named)))
    name = task or next(iter(of_options), None)
    if name is None and len(model.card.tasks) > 1:
        name = model.default_task(classes)
    wanted = tasks.get(name or next(iter(model.card.tasks), ""))
    inputs, outputs = asked_kind(model.backbone, wanted), kind_of(wanted.target if wanted else "")
    used = f"is used here for {wanted.name}" if wanted else f"takes {inputs.nouns}"
    kinds = {inputs.name, outputs.name}
    check_fit(options, kinds, wanted.name if wanted else name, f"'{model.card.id}' {used}", model=True)
    replaced = next((tuple(options[option.name]) for option in given if option.labels), classes)
    return Question(name, wanted, inputs, outputs, replaced, options)


@explains_keywords
def predict(
    model: str | Model,
    inputs: Any,
    *,
    task: str | None = None,
    labels: str | Sequence[str] = (),
    threshold: float | None = None,
    device: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Any]:
    """A model's own predictions, one for each input.

    Args:
        model: model id, or a loaded model.
        inputs: paths and texts as on the command line, or decoded values such as ``PIL.Image``; one, or a sequence. A
            file with several inputs, such as a table of time series, means all of them.
        task: task name; the model's first if it is None.
        labels: the classes that a zero-shot model chooses from; as text, comma-separated.
        threshold: for a tuned model of two classes: probability from which the rarer class is predicted, instead of the
            threshold that was chosen on the validation samples.
        device: where to run; None takes the best available.
        options: values of options that plugins add, by name, such as ``horizon`` or ``max_cost``.

    Returns:
        What ``Model.predict`` returns: for classifiers, labels with their scores.

    Raises:
        DataError: an input cannot be used.
        InvalidInput: as ``question``.
        UnsupportedModel: the model makes no predictions of its own for the task.
    """
    given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not given:
        raise DataError("There is no input to predict.", "Give at least one path, text or decoded value.")
    with configured(settings_of("predict", options, "" if isinstance(model, str) else model.card.id)):
        loaded = model_for(model, "predict", device, progress, task)
        loaded = with_threshold(loaded, threshold)
        asked = question(loaded, task, labels, options or {})
        items: list[Any] = []
        for is_typed, values in groupby(given, lambda value: isinstance(value, (str, os.PathLike))):
            if not is_typed:
                items += values
                continue
            typed = asked.read(loaded, [os.fspath(value) for value in values])
            if typed.problems:
                raise DataError(f"{typed.problems[0].item}: {typed.problems[0].reason}")
            items += typed.items
        return loaded.predict(items, asked.name, asked.labels)
