"""Published scores on one scale: how far each model is from the average of all that report the same benchmark."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.tasks import Task

if TYPE_CHECKING:
    from zoo.registry import Registry
    from zoo.registry.score_table import ScoreTable

COMPARABLE = 2
"""Minimum number of models that report a benchmark for it to be used."""


@dataclass(frozen=True)
class PublishedResult:
    """A model's published scores on one scale.

    Attributes:
        value: mean z-score over data sets, of each of them over its benchmarks (metrics and splits), so that many
            metrics of one data set count once; weighted by the number of models that report a benchmark. None if no
            other model reports any of its benchmarks.
        data_sets: names of the data sets behind ``value``, or if it is None, those with a score.
        tasks: tasks of these data sets.
        models: number of models that report the most reported of these benchmarks.
    """

    value: float | None
    data_sets: tuple[str, ...]
    tasks: tuple[str, ...]
    models: int


def published_results(registry: Registry, tasks: Sequence[str]) -> dict[str, PublishedResult]:
    """The results of every model that has a score for one of the tasks, by id.

    A z-score is taken over all models of the registry that report the benchmark, so that it does not depend on the
    candidates.
    """
    table = registry.score_table(tasks)
    if not table.values:
        return {}
    benchmark_keys, benchmarks = np.unique(np.array(table.benchmarks), return_inverse=True)
    z, counts = _standardised(table, benchmark_keys, benchmarks)
    names = [table.data_sets[int(key)] for key in benchmark_keys]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    data_sets = np.array([numbers[name] for name in names])[benchmarks]
    # One row for each model and data set, with the weighted mean of its benchmarks and the largest weight.
    pairs, its_pair = np.unique(np.array(table.models) * len(numbers) + data_sets, return_inverse=True)
    reporting = counts[benchmarks]
    weights = np.where(reporting >= COMPARABLE, reporting, 0)
    sums, totals = np.bincount(its_pair, weights * z), np.bincount(its_pair, weights)
    largest = np.zeros(len(pairs), dtype=int)
    np.maximum.at(largest, its_pair, weights)
    means = sums / np.maximum(totals, 1)
    labels, found = [*numbers], dict[str, PublishedResult]()
    rows = zip(
        (pairs // len(numbers)).tolist(), (pairs % len(numbers)).tolist(), means.tolist(), largest.tolist(), strict=True
    )
    for model, its_rows in itertools.groupby(rows, key=lambda row: row[0]):
        its = [*its_rows]
        shared = [row for row in its if row[3]]
        total = sum(row[3] for row in shared)
        where = [labels[row[1]] for row in shared or its]
        found[table.names[model]] = PublishedResult(
            sum(row[2] * row[3] for row in shared) / total if shared else None,
            tuple(data_set for _, data_set in where),
            tuple(dict.fromkeys(task for task, _ in where)),
            max((row[3] for row in shared), default=1),
        )
    return found


def _standardised(table: ScoreTable, keys: np.ndarray, benchmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """z-score of each row, higher is better, and 0 if all values of a benchmark are equal; models by benchmark."""
    values = np.array(table.values) * np.array([table.signs[int(key)] for key in keys])[benchmarks]
    counts = np.bincount(benchmarks)
    centred = values - (np.bincount(benchmarks, values) / counts)[benchmarks]
    spread = np.sqrt(np.bincount(benchmarks, centred**2) / counts)[benchmarks]
    flat = spread <= 1e-9 * np.abs(values)
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, spread)), counts


def related_results(registry: Registry, task: Task, known: Mapping[str, Task]) -> dict[str, PublishedResult]:
    """Results on tasks related to this one, of models that can be compared with others there."""
    found = published_results(registry, related_tasks(task, known))
    return {id: result for id, result in found.items() if result.value is not None}


def related_tasks(task: Task, known: Mapping[str, Task]) -> tuple[str, ...]:
    """Other tasks of the domain whose models take the same input, so that their scores are evidence about the encoder.

    None if the model's own head decides: a score of a text encoder does not show how well it translates.
    """
    if task.head != "linear":
        return ()
    return tuple(
        other.name
        for other in known.values()
        if other.name != task.name and other.domain == task.domain and other.inputs == task.inputs
    )


def separate_groups(results: Sequence[PublishedResult]) -> int:
    """The number of groups of models without a common data set, directly or through others."""
    groups: list[set[str]] = []
    for result in results:
        own = set(result.data_sets)
        joined = [group for group in groups if group & own]
        groups = [group for group in groups if not group & own] + [own.union(*joined)]
    return len(groups)
