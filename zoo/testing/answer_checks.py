"""Checks of a model's own answers: transcripts, boxes, images, forecasts, structures..."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from zoo.errors import DataError, InvalidInput, ZooError
from zoo.kinds.known import kind_of
from zoo.testing.sameness import difference, numbers, shape
from zoo.testing.subject import ModelSubject, Skipped


def answers_its_tasks(model: ModelSubject) -> None:
    """Each input gets an answer without NaN or infinity; a model without features supports a task of its card."""
    import numpy as np

    if not model.answered and not model.backbone.layers:
        raise AssertionError(
            f"it has no feature layers, and supports none of its tasks ({', '.join(model.card.tasks)})"
        )
    for task, (inputs, answers) in _asked(model):
        assert len(answers) == len(inputs), f"{task}: {len(inputs)} inputs, but {len(answers)} answers"
        assert all(answer is not None for answer in answers), f"{task}: an answer is None"
        assert all(np.isfinite(found).all() for found in numbers(answers)), f"{task}: an answer is not finite"


def answers_the_same_again(model: ModelSubject) -> None:
    """The same inputs get the same answers, also after reloading; with a seed, answers depend on it."""
    for task, (inputs, answers) in _asked(model):
        _same(model, task, model.answers(task, inputs), answers, "a second time")
        _same(model, task, model.answers(task, inputs, model.load()), answers, "after reloading")
        if hasattr(inputs[0], "seed"):
            other = model.answers(task, [replace(inputs[0], seed=inputs[0].seed + 1)])
            told = difference([_without_seed(one) for one in other], [_without_seed(one) for one in answers[:1]])
            assert told, f"{task}: another seed gives the same answer"


def answers_in_any_company(model: ModelSubject) -> None:
    """An input gets the same answer alone, in a batch, and in any order."""
    for task, (inputs, answers) in _asked(model):
        alone = [answer for item in inputs for answer in model.answers(task, [item])]
        _same(model, task, alone, answers, "for each input alone")
        _same(model, task, model.answers(task, inputs[::-1])[::-1], answers, "in the reversed batch")


def answers_nothing_to_nothing(model: ModelSubject) -> None:
    """An empty batch returns no answers, or raises a ``ZooError``."""
    for task, _ in _asked(model):
        try:
            found = model.answers(task, [])
        except ZooError:
            continue
        assert len(found) == 0, f"{task}: an empty batch has {len(found)} answers"


def explains_wrong_questions(model: ModelSubject) -> None:
    """An invalid input raises a one-line error that names the model or the input; others are still answered."""
    for task, (inputs, answers) in _asked(model):
        try:
            model.answers(task, [inputs[0], object()])
        except (DataError, InvalidInput) as error:
            assert "\n" not in error.message, f"{task}: the error message has several lines"
            named = model.card.id in error.message or "object" in error.message
            assert named, f"{task}: the error message names neither the model nor the input: {error.message}"
        else:
            raise AssertionError(f"{task}: an object() is accepted as an input")
        _same(model, task, model.answers(task, inputs[:1]), answers[:1], "after an invalid input")


def answers_extremes(model: ModelSubject) -> None:
    """Empty, tiny, huge and silent inputs get finite answers, or raise a ``ZooError``."""
    import numpy as np

    for task, _ in _asked(model):
        for name, item in kind_of(model.kind(task)).extreme(task):
            try:
                found = model.answers(task, [item])
            except ZooError:
                continue
            assert all(np.isfinite(value).all() for value in numbers(found)), f"{task}: {name} is not finite"


def answers_in_its_precision(model: ModelSubject) -> None:
    """In bfloat16, answers have the same structure without NaN or infinity, or the model rejects it."""
    import numpy as np

    asked = list(_asked(model))
    try:
        backbone = model.load(dtype="bfloat16")
    except ZooError as error:
        raise Skipped(f"it rejects bfloat16: {error.message}") from None
    for task, (inputs, answers) in asked:
        found = model.answers(task, inputs, backbone)
        assert [shape(one) for one in found] == [shape(one) for one in answers], f"{task}: bfloat16 changes the form"
        assert all(np.isfinite(value).all() for value in numbers(found)), f"{task}: bfloat16 is not finite"


def _asked(model: ModelSubject) -> Iterator[tuple[str, tuple[Sequence[Any], Sequence[Any]]]]:
    """Each task with inputs and their answers."""
    found: Mapping[str, tuple[Sequence[Any], Sequence[Any]]] = model.answered
    if not found:
        raise Skipped("it supports no task of its card")
    yield from found.items()


def _without_seed(answer: Any) -> Any:
    if not is_dataclass(answer):
        return answer
    return {field.name: getattr(answer, field.name) for field in fields(answer) if field.name != "seed"}


def _same(model: ModelSubject, task: str, found: Sequence[Any], expected: Sequence[Any], when: str) -> None:
    tolerance = 0.3 if "int8" in model.card.tags else 1e-3
    told = difference(found, expected, tolerance)
    assert not told, f"{task}: the answer {when} differs: {told}"


CHECKS = (
    answers_its_tasks,
    answers_the_same_again,
    answers_in_any_company,
    answers_nothing_to_nothing,
    explains_wrong_questions,
    answers_extremes,
    answers_in_its_precision,
)
