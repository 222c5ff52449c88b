"""Between entities and rows, without the ORM."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run

_SCALARS = (
    "id", "domain", "architecture", "library", "description", "parameters", "bytes", "license", "embedding_dimension",
    "released", "downloads", "likes", "base_model", "revision", "url",
)  # fmt: skip
_DOCUMENTS = ("tasks", "tags", "languages", "pretraining", "input", "loader", "files", "requires")

SCORE_COLUMNS = "b.task, b.dataset, b.split, b.metric, b.higher_is_better, s.value, s.origin, c.source, s.date"
SCORE_TABLES = "scores s JOIN benchmarks b ON b.key = s.benchmark_key JOIN citations c ON c.key = s.citation_key"


def card_row(card: ModelCard) -> dict[str, Any]:
    """The columns of a card."""
    values = card.to_dict()
    row = {name: values[name] for name in _SCALARS}
    row.update({name: _document(values[name]) for name in _DOCUMENTS})
    return {**row, "source": card.source, "name": card.name, "gated": card.gated}


def card_of(row: sqlite3.Row) -> ModelCard:
    """The card of a row of ``models``."""
    values: dict[str, Any] = {name: row[name] for name in _SCALARS}
    values.update({name: json.loads(row[name]) for name in _DOCUMENTS if row[name] is not None})
    return ModelCard.from_dict({**values, "gated": bool(row["gated"])})


def full_text_row(card: ModelCard, key: int) -> dict[str, Any]:
    """What words are searched in."""
    return {
        "key": key,
        "id": card.id,
        "architecture": card.architecture or "",
        "tasks": " ".join(card.tasks),
        "tags": " ".join(card.tags),
        "description": card.description or "",
    }


def score_of(row: sqlite3.Row, model: str) -> BenchmarkScore:
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


def measurement_of(row: sqlite3.Row) -> Measurement:
    """The measurement of a row of ``measurements``."""
    values = {name: row[name] for name in row.keys() if name != "key"}  # noqa: SIM118
    values["versions"] = json.loads(values["versions"])
    return Measurement.from_dict({**values, "revision": values["revision"] or None})


def run_of(row: sqlite3.Row) -> Run:
    """The run of a row of ``runs``."""
    values = dict(row)
    return Run.from_dict({
        **values, **{name: json.loads(values[name]) for name in ("metrics", "baseline", "plan", "versions")}
    })  # fmt: skip


def _document(value: Mapping[str, Any] | list[Any]) -> str | None:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if value else None
