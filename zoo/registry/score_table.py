"""All scores on some tasks, in columns, for ranking models by published scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.registry.database.connection import Reader


@dataclass(frozen=True)
class ScoreTable:
    """Scores in three columns of the same length, one row per score.

    Attributes:
        names: id of each model, by its key.
        data_sets: (task, data set) of each benchmark, by its key.
        signs: 1 where higher is better, -1 where lower is, by the benchmark's key.
        models, benchmarks: keys.
        values: in the unit of the benchmark.
    """

    names: dict[int, str] = field(default_factory=dict)
    data_sets: dict[int, tuple[str, str]] = field(default_factory=dict)
    signs: dict[int, int] = field(default_factory=dict)
    models: Sequence[int] = ()
    benchmarks: Sequence[int] = ()
    values: Sequence[float] = ()


def score_table(connection: Reader, tasks: Sequence[str]) -> ScoreTable:
    """The scores on these tasks; a reported score takes precedence over one measured by zoo."""
    if not tasks:
        return ScoreTable()
    marks = ",".join("?" * len(tasks))
    known = connection.execute(
        f"SELECT key, task, dataset, higher_is_better FROM benchmarks WHERE task IN ({marks})", list(tasks)
    ).fetchall()
    of_tasks = f"JOIN benchmarks b ON b.key = s.benchmark_key WHERE b.task IN ({marks})"
    named = connection.execute(
        f"SELECT key, id FROM models WHERE key IN (SELECT s.model_key FROM scores s {of_tasks})", list(tasks)
    ).fetchall()
    # 'measured' sorts before 'reported', which therefore replaces it.
    found = connection.execute(
        f"SELECT s.model_key, s.benchmark_key, s.value FROM scores s {of_tasks} ORDER BY s.origin", list(tasks)
    ).fetchall()
    values = {(row[0], row[1]): float(row[2]) for row in found}
    return ScoreTable(
        {row["key"]: row["id"] for row in named},
        {row["key"]: (row["task"], row["dataset"]) for row in known},
        {row["key"]: 1 if row["higher_is_better"] else -1 for row in known},
        [model for model, _ in values],
        [benchmark for _, benchmark in values],
        [*values.values()],
    )
