"""Predictions of a model for single inputs, as typed on the command line or decoded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError
from zoo.features import load
from zoo.keywords import explains_keywords

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features.model import Model


@explains_keywords
def predict(
    model: str | Model,
    inputs: Any,
    *,
    task: str | None = None,
    labels: Sequence[str] = (),
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
        labels: the classes that a zero-shot model chooses from.
        device: where to run; None takes the best available.
        options: values of options that plugins add for their kinds of input, by name, such as ``horizon``.

    Returns:
        What ``Model.predict`` returns: for classifiers, labels with their scores.

    Raises:
        DataError: an input cannot be used.
        UnsupportedModel: the model makes no predictions of its own for the task.
    """
    given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not given:
        raise DataError("There is no input to predict.", "Give at least one path, text or decoded value.")
    loaded = load(model, device=device, progress=progress) if isinstance(model, str) else model
    items: list[Any] = []
    for value in given:
        is_typed = isinstance(value, (str, os.PathLike))
        items += _typed(loaded, (os.fspath(value),), task, options or {}) if is_typed else [value]
    return loaded.predict(items, task, labels)


def _typed(model: Model, texts: Sequence[str], task: str | None, options: Mapping[str, Any]) -> list[Any]:
    """The inputs that paths and texts refer to."""
    from zoo.kinds.known import asked_kind
    from zoo.plugins import plugins

    wanted = plugins().tasks.get(task or next(iter(model.card.tasks), ""))
    typed = asked_kind(model.backbone, wanted).read_typed(texts, {**options, "task": task}, model)
    if typed.problems:
        raise DataError(f"{typed.problems[0].item}: {typed.problems[0].reason}")
    return list(typed.items)
