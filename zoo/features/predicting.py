"""Predictions of a model for single inputs, as typed on the command line or decoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions
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
    progress: Progress | None = None,
) -> list[Any]:
    """A model's own predictions, one for each input.

    Args:
        model: model id, or a loaded model.
        inputs: paths and texts as on the command line, or decoded values such as ``PIL.Image``; one, or a sequence. A
            file that holds several inputs, such as a table of time series, stands for all of them.
        task: task name; the model's first where it is None.
        labels: the classes that a zero-shot model chooses from.
        device: where to run; None takes the best available.

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
        items += _typed(loaded, os.fspath(value), task) if isinstance(value, (str, os.PathLike)) else [value]
    return loaded.predict(items, task, labels)


def _typed(model: Model, text: str, task: str | None) -> list[Any]:
    """The inputs that a path or a text stands for."""
    from zoo.data.prompts import UNCONDITIONAL, asked
    from zoo.data.series import TASK, whole_series
    from zoo.data.single import entries, input_kind, read_input

    kind = input_kind(model, task)
    if kind == "prompt":
        return list(asked((text,), prompted=(task or next(iter(model.card.tasks), "")) != UNCONDITIONAL))
    if kind == "time-series":
        return list(whole_series(text, ReadOptions(task=TASK))[0])
    least = getattr(model.backbone, "least_times", None)
    return [read_input(part, kind, least=least) for _, part in entries((text,), kind)]
