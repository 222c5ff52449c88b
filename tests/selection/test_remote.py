"""Extraction by an executor, without a cluster: the same figures, and clear errors for what happens to a task."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import zoo
from zoo.engines.executor import Completed, Resources, TaskFailed, WorkerDied
from zoo.errors import InvalidInput, UnsupportedModel
from zoo.selection.measure import remote

TASK = "poem-classification"


class Executor:
    """Runs tasks in this process, last ones first, on copies of what a worker would receive."""

    def __init__(self, address: str = "") -> None:
        self.closed = False

    def share(self, value: Any) -> Any:
        return pickle.loads(pickle.dumps(value))

    def map(self, function, tasks, resources: Resources, *shared, check=None) -> Iterator[Completed]:
        for task in [*tasks][::-1]:
            if check is not None:
                check()
            yield self.completed(task, function, *shared)

    def completed(self, task, function, *shared) -> Completed:
        return Completed(task, function(pickle.loads(pickle.dumps(task)), *shared))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine(poetry, monkeypatch):
    """The executor in place of a cluster's."""
    remote._models.cache_clear()
    remote._latest.clear()
    monkeypatch.setattr("zoo.engines.ray.RayExecutor", Executor)
    return Executor


def figures(result) -> dict[tuple[str, str], dict[str, float]]:
    return {(c.id, c.layer): dict(c.measured) for c in result.candidates}


def test_workers_give_the_figures_of_one_process(engine, many_poems):
    alone = zoo.recommend(many_poems, task=TASK, layers="all")

    together = zoo.recommend(many_poems, task=TASK, layers="all", cluster="local", fresh=True)

    assert figures(together) == {name: pytest.approx(values) for name, values in figures(alone).items()}
    assert [gone.id for gone in together.excluded] == ["poems:broken"]
    kept = zoo.open_registry().measurements(data=together.data["fingerprint"], models=["poems:careful"])
    assert {figure.versions["zoo-poetry"] for figure in kept} == {"1.0"}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TaskFailed("ValueError: too long"), "'poems:careful' failed on a worker: ValueError: too long"),
        (WorkerDied("WorkerCrashedError"), "Workers died 4 times on 'poems:careful' (WorkerCrashedError)."),
    ],
)
def test_what_happens_to_a_task_costs_only_its_model(engine, poems, monkeypatch, error, sentence):
    def completed(self, task, function, *shared):
        if task.model == "poems:careful":
            return Completed(task, error=error)
        return Completed(task, function(task, *shared))

    monkeypatch.setattr(engine, "completed", completed)

    result = zoo.recommend(poems, task=TASK, cluster="local")

    assert [c.id for c in result.candidates] == ["poems:sloppy"]
    assert sentence in {gone.id: gone.reason for gone in result.excluded}["poems:careful"]


def test_a_data_set_that_cannot_be_sent_is_read_by_its_name(engine, poems, monkeypatch):
    alone = zoo.recommend(poems, task=TASK)

    def refused(self, value):
        raise pickle.PicklingError("a file is open")

    monkeypatch.setattr(engine, "share", refused)

    assert figures(zoo.recommend(poems, task=TASK, cluster="local", fresh=True)) == figures(alone)
    with pytest.raises(UnsupportedModel, match=r"cannot be sent to the workers: a file is open"):
        zoo.recommend(zoo.read(poems, task=TASK), task=TASK, cluster="local", fresh=True)


def test_a_worker_with_another_revision_is_named(engine, poems, monkeypatch):
    resolve = zoo.sources.resolve

    def newer(reference):
        from dataclasses import replace

        return replace(resolve(reference), revision="2")

    monkeypatch.setattr("zoo.sources.resolve", newer)

    with pytest.raises(UnsupportedModel, match=r"A worker has revision 2 of 'poems:\w+', not 1\."):
        zoo.recommend(poems, task=TASK, cluster="local")


def test_the_budget_ends_the_waiting(engine, poems):
    with pytest.raises(InvalidInput, match="The budget was spent before one candidate was measured"):
        zoo.recommend(poems, task=TASK, cluster="local", budget=1e-9)
