"""The tables, as SQLModel classes; ``docs/registry.md`` describes each column.

Measurements and runs refer to their model without a foreign key, because a team's history outlives the cards.
``lineage`` and ``sets`` are derived from the cards and scores; ``zoo.registry.writing.items`` updates them.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel


def _owner() -> Column[int]:
    return Column("model_key", Integer, ForeignKey("models.key", ondelete="CASCADE"), primary_key=True, nullable=False)


def _sorted(column: str) -> Index:
    return Index(f"ix_models_{column}", text(f"{column} DESC"))


def _where_known(column: str) -> Index:
    known = text(f"{column} IS NOT NULL")
    return Index(f"ix_models_{column}", column, sqlite_where=known, postgresql_where=known)


class ModelRow(SQLModel, table=True):
    """A model card; lists and mappings as JSON text, NULL where empty."""

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("parameters >= 0 AND bytes >= 0 AND embedding_dimension >= 0", name="sizes_not_negative"),
        CheckConstraint("downloads >= 0 AND likes >= 0", name="popularity_not_negative"),
        _sorted("downloads"),
        _sorted("likes"),
        _sorted("parameters"),
        _sorted("bytes"),
        _where_known("plugin"),
        _where_known("weights"),
    )

    key: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    source: str
    domain: str
    architecture: str | None = None
    library: str | None = None
    description: str | None = None
    parameters: int | None = None
    bytes: int | None = None
    license: str | None = None
    embedding_dimension: int | None = None
    released: str | None = None
    downloads: int | None = None
    likes: int | None = None
    base_model: str | None = None
    gated: bool = False
    revision: str | None = None
    url: str | None = None
    tasks: str | None = None
    tags: str | None = None
    languages: str | None = None
    pretraining: str | None = None
    input: str | None = None
    loader: str | None = None
    files: str | None = None
    requires: str | None = None
    plugin: str | None = None
    memory: int | None = None
    weights: str | None = None


class LineageRow(SQLModel, table=True):
    """A base model of a model, by its id, which need not be in the registry."""

    __tablename__ = "lineage"
    __table_args__ = (
        CheckConstraint("relation IN ('finetune', 'quantized', 'merge', 'adapter', 'derived')", name="relation_known"),
        Index("ix_lineage_model_key", "model_key"),
        {"sqlite_with_rowid": False},
    )

    base: str = Field(primary_key=True)
    model_key: int = Field(sa_column=_owner())
    relation: str


class SetRow(SQLModel, table=True):
    """One chunk of 65,536 keys of the set of models with a value, packed by ``zoo.registry.index.bits``."""

    __tablename__ = "sets"
    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    chunk: int = Field(primary_key=True)
    models: int
    members: bytes


class BenchmarkRow(SQLModel, table=True):
    """A benchmark, which thousands of scores share."""

    __tablename__ = "benchmarks"
    __table_args__ = (
        UniqueConstraint("task", "dataset", "split", "metric", "higher_is_better", name="one_benchmark_each"),
        Index("ix_benchmarks_dataset", text("dataset COLLATE NOCASE")),
    )

    key: int | None = Field(default=None, primary_key=True)
    task: str
    dataset: str
    split: str
    metric: str
    higher_is_better: bool = True


class CitationRow(SQLModel, table=True):
    """The source of scores, which many scores share."""

    __tablename__ = "citations"

    key: int | None = Field(default=None, primary_key=True)
    source: str = Field(unique=True)


class ScoreRow(SQLModel, table=True):
    """A score of a model on a benchmark."""

    __tablename__ = "scores"
    __table_args__ = (
        CheckConstraint("origin IN ('reported', 'measured')", name="origin_known"),
        Index("ix_scores_benchmark", "benchmark_key", "value"),
        {"sqlite_with_rowid": False},
    )

    model_key: int = Field(sa_column=_owner())
    benchmark_key: int = Field(
        sa_column=Column("benchmark_key", Integer, ForeignKey("benchmarks.key"), primary_key=True, nullable=False)
    )
    origin: str = Field(default="reported", primary_key=True)
    value: float
    citation_key: int = Field(sa_column=Column("citation_key", Integer, ForeignKey("citations.key"), nullable=False))
    date: str | None = None
    plugin: str | None = None


class MeasurementRow(SQLModel, table=True):
    """A transferability estimate of a model on a data set."""

    __tablename__ = "measurements"
    __table_args__ = (
        UniqueConstraint(
            "model", "task", "data", "estimator", "layer", "samples", "seed", "revision", name="one_measurement_each"
        ),
        Index("ix_measurements_data", "data", "task", "model"),
    )

    key: int | None = Field(default=None, primary_key=True)
    model: str = Field(index=True)
    task: str
    data: str
    dataset: str
    estimator: str
    value: float
    low: float | None = None
    high: float | None = None
    layer: str = ""
    samples: int = 0
    seconds: float = 0.0
    revision: str = ""
    seed: int = 0
    device: str = ""
    versions: str = "{}"
    created: str = ""


class RunRow(SQLModel, table=True):
    """An adaptation of a model; mappings as JSON text."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_model", "model", "task"),)

    id: str = Field(primary_key=True)
    model: str
    task: str
    dataset: str
    data: str
    strategy: str
    metrics: str = "{}"
    baseline: str = "{}"
    plan: str = "{}"
    seed: int = 0
    epochs: int = 0
    samples: int = 0
    seconds: float = 0.0
    device: str = ""
    revision: str | None = None
    versions: str = "{}"
    path: str | None = None
    created: str = Field(default="", index=True)
    intervals: str = "{}"
    outcomes: str | None = None


class PluginRow(SQLModel, table=True):
    """A plugin whose cards are in the registry, with its version at that time."""

    __tablename__ = "plugins"

    name: str = Field(primary_key=True)
    version: str


class StateRow(SQLModel, table=True):
    """A note on the registry itself, by name."""

    __tablename__ = "state"

    name: str = Field(primary_key=True)
    value: str
