"""The settings that earlier searches speak for: what did best on the tasks nearest to this one.

Every earlier task whose settings were varied is a small table of settings and validation scores. Between its settings,
scores are smoothed by a kernel; between tasks, they are weighted by how alike the tasks are. From these, settings are
chosen greedily, so that each adds most to the best of those before it: the second best on the nearest task may be worth
less than the best on another. (Portfolios: Feurer et al., "Auto-sklearn 2.0", 2022, without the similarity.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.adapt.search.settings import Facts, carried_out
from zoo.contract.space import Space
from zoo.entities import Plan, Run
from zoo.history.similarity import cosine, near, same, words

MOST = 3
"""Settings that are taken from the history."""

WIDTH = 0.2
"""Length scale between settings, as a share of each range."""

SHRINKAGE = 0.5
"""Weight of a task's mean score against the scores of its settings, at a distance of 0."""

LEAST_GAIN = 0.05
"""Expected gain, in standard deviations of a task's scores, below which settings are not worth a trial."""

ENOUGH = 8
"""Settings from which on a table must predict its own scores to count."""

_APART = 0.05
"""Distance below which two settings are the same."""


@dataclass(frozen=True)
class Task:
    """What settings were evaluated for.

    Attributes:
        name: of the task, such as ``image-classification``.
        data: fingerprint of the data set.
    """

    name: str
    model: str
    data: str
    samples: int
    classes: int = 0


@dataclass(frozen=True)
class Past:
    """Settings that were evaluated for an earlier task.

    Attributes:
        settings: m, as in a plan; learning rates relative to the usual one.
        scores: m validation scores, higher is better.
        source: the run that recorded them.
    """

    task: Task
    settings: tuple[Mapping[str, Any], ...]
    scores: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Proposal:
    """Settings to try, and the run of the most similar task that speaks for them."""

    settings: Mapping[str, Any]
    source: str


def pasts(runs: Iterable[Run], plan: Plan, data: str, space: Space) -> list[Past]:
    """The earlier searches with the strategy of a plan, and its runs that differ in their settings only, as tables.

    Those on the same data with another split are left out: their validation samples may be test samples now. So are
    trainings that a budget ended.

    Args:
        data: fingerprint of the data set.
    """
    found, single = [], dict[tuple[Any, ...], list[Run]]()
    for run in runs:
        if run.plan.get("strategy", run.strategy) != plan.strategy or run.plan.get("stopped") == "budget":
            continue
        same_split = all(run.plan.get(name) == getattr(plan, name) for name in ("seed", "validation", "test"))
        if run.data == data and not same_split:
            continue
        recorded = run.plan.get("search")
        if isinstance(recorded, Mapping):
            ended = [one for one in recorded["trials"] if one.get("score") is not None and not one.get("reason")]
            task = Task(run.task, run.model, run.data, run.samples, int(recorded.get("classes", 0)))
            settings = tuple(one["settings"] for one in ended)
            found.append(Past(task, settings, tuple(float(one["score"]) for one in ended), run.id))
        elif run.plan.get("validation_score") is not None:
            parts = ("seed", "split", "validation", "test", "folds", "fold", "head", "targets")
            held_out = tuple(run.plan.get(name) for name in parts)
            single.setdefault((run.task, run.model, run.data, run.samples, *held_out), []).append(run)
    for group in single.values():
        first = group[0]
        settings = tuple(carried_out(run.plan, space, Facts.of(run.plan, 1e-4)) for run in group)
        scores = tuple(float(run.plan["validation_score"]) for run in group)
        found.append(Past(Task(first.task, first.model, first.data, first.samples), settings, scores, first.id))
    return [one for one in found if len(one.scores) > 1 and np.std(one.scores) > 0]


def similarity(task: Task, others: Sequence[Task]) -> np.ndarray:
    """How alike each of n other tasks is, in (0, 1]: task, model, data set, number of samples and of classes."""
    every = [task, *others]
    kernels = (
        (0.7, same([one.name for one in every])),
        (0.5, same([one.model for one in every]) * 0.5 + cosine([words(one.model) for one in every]) * 0.5),
        (0.5, same([one.data for one in every])),
        (0.5, near(np.log([max(one.samples, 1) for one in every]), 1.0)),
        (0.3, near(np.array([math.log(one.classes) if one.classes else math.nan for one in every]), 1.0)),
    )
    alike = np.ones(len(others))
    for weight, kernel in kernels:
        alike = alike * (1 - weight + weight * np.clip(kernel[0, 1:], 0.0, 1.0))
    return alike


def propose(
    task: Task, history: Sequence[Past], space: Space, start: Mapping[str, Any], most: int = MOST
) -> list[Proposal]:
    """Settings that did better than ``start`` on similar tasks; the most promising first.

    Args:
        start: the settings of the first trial.
    """
    if not history:
        return []
    weights = similarity(task, [past.task for past in history])
    candidates = [(settings, number) for number, past in enumerate(history) for settings in past.settings]
    points = np.array([_point(settings, space, start) for settings, _ in candidates])
    rows = [points[[number == at for _, at in candidates]] for number in range(len(history))]
    tables = [_smoothed(own, past.scores) for own, past in zip(rows, history, strict=True)]
    reliable = [reliability(own, past.scores) for own, past in zip(rows, history, strict=True)]
    weights *= np.array(reliable) / weights.sum()
    expected = np.array([table(points) for table in tables])  # tasks x candidates
    origin = _point(start, space, start)
    reached = np.array([table(origin[None])[0] for table in tables])
    found: list[Proposal] = []
    taken = [origin]
    while len(found) < most:
        gains = np.maximum(expected - reached[:, None], 0.0)
        gain = weights @ gains
        gain[np.min([np.linalg.norm(points - point, axis=1) for point in taken], axis=0) < _APART] = 0.0
        best = int(gain.argmax())
        if gain[best] < LEAST_GAIN:
            break
        speaks = int((weights * gains[:, best]).argmax())
        settings = {**start, **candidates[best][0]}
        inside = {name: limits.inside(settings[name]) for name, limits in space.items()}
        found.append(Proposal(inside, history[speaks].source))
        taken.append(points[best])
        reached = np.maximum(reached, expected[:, best])
    return found


def _point(settings: Mapping[str, Any], space: Space, start: Mapping[str, Any]) -> np.ndarray:
    """The position of settings in the unit cube; what they do not name is as at the start."""
    return np.array([limits.position(settings.get(name, start[name])) for name, limits in space.items()])


def reliability(points: np.ndarray, scores: Sequence[float]) -> float:
    """The share of the variance of m scores that the others predict, each one left out; 0 if they predict none of it.

    Where settings make no difference, scores vary by chance, and their best says nothing about the next task. Fewer
    than ``ENOUGH`` scores cannot show that, and count.

    Args:
        points: m x d positions of the settings in the unit cube.
    """
    if len(scores) < ENOUGH:
        return 1.0
    standard = (np.array(scores) - np.mean(scores)) / np.std(scores)
    kernel = np.exp(-((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2) / (2 * WIDTH**2))
    np.fill_diagonal(kernel, 0.0)
    predicted = kernel @ standard / (kernel.sum(axis=1) + SHRINKAGE)
    return max(0.0, 1.0 - float(((standard - predicted) ** 2).mean()))


def _smoothed(points: np.ndarray, scores: Sequence[float]) -> Any:
    """Function from k points (k x d) to expected scores (k), in standard deviations above the mean of ``scores``."""
    standard = (np.array(scores) - np.mean(scores)) / np.std(scores)

    def expected(at: np.ndarray) -> np.ndarray:
        distances = ((at[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        kernel = np.exp(-distances / (2 * WIDTH**2))
        found: np.ndarray = kernel @ standard / (kernel.sum(axis=1) + SHRINKAGE)
        return found

    return expected
