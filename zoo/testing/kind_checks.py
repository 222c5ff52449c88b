"""Checks of the kinds that a plugin adds: they can be profiled, evaluated, tuned, recommended and shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from zoo.contract.kind import Kind
from zoo.entities import Dataset
from zoo.errors import DataError
from zoo.plugins import plugins
from zoo.tasks import Task
from zoo.testing.subject import Skipped, Subject


def a_new_kind_is_understood(subject: Subject) -> None:
    """Examples of each new kind have stable digests, and can be profiled, evaluated and shown."""
    given: list[Kind] = list(subject.items("zoo_kinds"))
    found = [kind for kind in given if type(plugins().kinds.get(kind.name)) is type(kind)]
    if not found:
        raise Skipped("it adds no kinds")
    own = [task for domain in subject.items("zoo_domains") for task in domain.tasks]
    for kind in found:
        values, answers = list(kind.ordinary()), list(kind.ordinary_answers())
        known = plugins().tasks.values()
        tasks = [task for task in known if task.target == kind.name]
        new = [task for task in tasks if task in own]
        if tasks or any(kind.name in task.inputs for task in known):
            for name, examples in (("ordinary", values), ("ordinary_answers", answers)):
                assert len(examples) > 1, f"'{kind.name}' has fewer than two values in {name}(), but a task uses it"
        if len(values) > 1:
            _has_digests(kind, values)
            _is_profiled(kind, values)
            _is_augmented(kind, values)
        for task in new:
            _is_evaluated(kind, task, len(answers))
        if tasks:
            _is_shown(kind, answers)


def _has_digests(kind: Kind, values: Sequence[Any]) -> None:
    digests = [kind.digest(value) for value in values]
    again = [kind.digest(value) for value in kind.ordinary()]  # of new objects, which no digest may tell apart
    assert digests == again, f"'{kind.name}': a digest differs the second time"
    assert len(set(digests)) > 1, f"'{kind.name}': different values have the same digest"


def _is_profiled(kind: Kind, values: Sequence[Any]) -> None:
    from zoo.data import profile

    found = profile(Dataset("examples", kind.name, values, None, (), "examples", "none"))
    assert found.samples == len(values), f"'{kind.name}': {len(values)} samples are profiled as {found.samples}"
    assert json.dumps(found.to_dict()), f"'{kind.name}': its profile is not plain JSON"


def _is_augmented(kind: Kind, values: Sequence[Any]) -> None:
    """A generator in the same state gives the same value, and another one differs from the original."""
    import numpy as np

    for strength in kind.augmentations:
        made = [
            [kind.augment(one, None, strength, np.random.default_rng(seed))[0] for one in values] for seed in (0, 0)
        ]
        first, again = ([kind.digest(one) for one in found] for found in made)
        assert first == again, f"'{kind.name}': {strength} augmentation does not depend on its generator alone"
        assert first != [kind.digest(one) for one in values], f"'{kind.name}': {strength} augmentation changes nothing"


def _is_evaluated(kind: Kind, task: Task, count: int) -> None:
    """Metrics of the task take targets and the baseline's answers, as evaluation, tuning and ranking need it."""
    from zoo.adapt.task_metrics import metrics_for
    from zoo.kinds.metrics import known_metrics

    inputs = _inputs(task, count)
    if inputs is None or not any(one.name in known_metrics() for one in task.metrics):
        return
    known = kind.ordinary_targets(inputs)
    targets = kind.array(known) if kind.estimable else known
    try:
        metrics = metrics_for(task, targets)
    except DataError as error:
        raise AssertionError(f"'{kind.name}': {error.message}") from None
    guessed = kind.baseline(inputs, known, task.name)
    assert len(guessed) == count, f"'{kind.name}': the baseline returns {len(guessed)} answers for {count} inputs"
    for metric in metrics:
        figure = float(metric.compute(targets, targets))
        assert not math.isnan(figure), f"'{kind.name}': {metric.name} of the targets themselves is not a number"


def _is_shown(kind: Kind, values: Sequence[Any]) -> None:
    for value in values:
        assert json.dumps(kind.to_json(value)), f"'{kind.name}': an answer is not plain JSON"
        for label, score in kind.summary(value):
            assert isinstance(label, str) and isinstance(score, str), f"'{kind.name}': summary() returns no text"
    table = kind.table([f"input {at}" for at in range(len(values))], values)
    assert all(len(row) == len(table.heads) for row in table.rows), f"'{kind.name}': table() has uneven rows"


def _inputs(task: Task, count: int) -> list[Any] | None:
    """This number of inputs of the task's kind; None if no examples are known."""
    known = plugins().kinds.get(task.inputs[0])
    examples = list(known.ordinary()) if known else []
    return list(_repeated(examples, count)) if examples else None


def _repeated(examples: Sequence[Any], count: int) -> Iterator[Any]:
    for at in range(count):
        yield examples[at % len(examples)]


CHECKS = (a_new_kind_is_understood,)
