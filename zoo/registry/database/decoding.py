"""Decodes rows of the database into entities, without the ORM."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import RegistryError
from zoo.untrusted import parse_json

SCALARS = (
    "id",
    "domain",
    "architecture",
    "library",
    "description",
    "parameters",
    "bytes",
    "license",
    "embedding_dimension",
    "released",
    "downloads",
    "likes",
    "base_model",
    "revision",
    "url",
)
"""Fields of a card that are columns of their own."""

LISTS = ("tasks", "tags", "languages", "pretraining", "requires")
"""Fields of a card that hold several texts, stored as JSON."""

NESTED = ("files", "input", "loader")
"""Fields of a card that hold objects, stored as JSON."""

CARD_COLUMNS = (*SCALARS, *LISTS, *NESTED, "source", "gated", "memory", "weights")
"""The columns of ``models`` that follow from a card."""

SCORE_COLUMNS = "b.task, b.dataset, b.split, b.metric, b.higher_is_better, s.value, s.origin, c.source, s.date"
SCORE_TABLES = "scores s JOIN benchmarks b ON b.key = s.benchmark_key JOIN citations c ON c.key = s.citation_key"


def parsed(text: str) -> Any:
    """The value of a column that holds JSON.

    Raises:
        RegistryError: it is not JSON, so another program has written there.
    """
    try:
        return parse_json(text, finite=False)
    except ValueError as error:
        raise RegistryError(
            f"A row of the registry is damaged: {error}.",
            "See how much is damaged: zoo registry check. Then restore a backup.",
        ) from error


def card_of(row: Any) -> ModelCard:
    """The card of a row of ``models``."""
    values: dict[str, Any] = {name: row[name] for name in SCALARS}
    for name in LISTS:
        if row[name] is not None:
            values[name] = tuple(parsed(row[name]))
    for name in NESTED:
        if row[name] is not None:
            values[name] = _frozen(parsed(row[name]))
    return ModelCard(**values, gated=bool(row["gated"]))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def score_of(row: Any, model: str) -> BenchmarkScore:
    """The score of a row of ``SCORE_COLUMNS``."""
    return BenchmarkScore(
        model=model,
        task=row["task"],
        dataset=row["dataset"],
        metric=row["metric"],
        value=row["value"],
        split=row["split"],
        higher_is_better=bool(row["higher_is_better"]),
        origin=row["origin"],
        source=row["source"],
        date=row["date"],
    )


def measurement_of(row: Any) -> Measurement:
    """The measurement of a row of ``measurements``."""
    values = {name: row[name] for name in row.keys() if name != "key"}  # noqa: SIM118
    values["versions"] = parsed(values["versions"])
    return Measurement.from_dict({**values, "revision": values["revision"] or None})


RUN_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Run) if field.name != "outcomes")
"""The columns of ``runs`` but for the predictions, which are large."""


def run_of(row: Any) -> Run:
    """The run of a row of ``runs``, or of its ``RUN_COLUMNS``."""
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118
    documents = ("metrics", "baseline", "plan", "versions", "intervals", "outcomes")
    return Run.from_dict({**values, **{name: parsed(values[name]) for name in documents if values.get(name)}})
