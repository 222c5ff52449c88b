"""The first schema."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that both databases sort alike, by code point."""

LARGE = BigInteger().with_variant(Integer(), "sqlite")
"""Whole numbers of 64 bits; SQLite's are."""

REAL = Float(53).with_variant(Float(), "sqlite")

FULL_TEXT = """
CREATE VIRTUAL TABLE models_fts USING fts5(
    id, architecture, tasks, tags, description, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
)
"""


def upgrade() -> None:
    """Create all tables, their indexes and the full-text index."""
    _models()
    for table, column in (("model_tasks", "task"), ("model_tags", "tag"), ("model_languages", "language")):
        op.create_table(table, _owner(), Column(column, TEXT, primary_key=True, nullable=False))
        op.create_index(f"ix_{table}_{column}", table, [column])
    _scores()
    _measurements()
    _runs()
    op.create_table("plugins", Column("name", TEXT, primary_key=True, nullable=False), _text("version"))
    op.create_table("state", Column("name", TEXT, primary_key=True, nullable=False), _text("value"))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FULL_TEXT)


def _text(name: str, null: bool = False) -> Column[str]:
    return Column(name, TEXT, nullable=null)


def _whatever_case(column: str) -> TextClause:
    return text(f"{column} COLLATE NOCASE" if op.get_bind().dialect.name == "sqlite" else f"lower({column})")


def _owner() -> Column[int]:
    return Column("model_key", Integer, ForeignKey("models.key", ondelete="CASCADE"), primary_key=True, nullable=False)


def _models() -> None:
    required = ("source", "name", "domain")
    words = ("architecture", "library", "description", "license", "released", "base_model", "revision", "url")
    numbers = ("parameters", "bytes", "embedding_dimension", "downloads", "likes")
    documents = ("tasks", "tags", "languages", "pretraining", "input", "loader", "files", "requires")
    op.create_table(
        "models",
        Column("key", Integer, primary_key=True, nullable=False),
        Column("id", TEXT, nullable=False, unique=True),
        *(_text(name) for name in required),
        *(_text(name, null=True) for name in words),
        *(Column(name, LARGE) for name in numbers),
        Column("gated", Boolean, nullable=False),
        *(_text(name, null=True) for name in documents),
        _text("plugin", null=True),
        CheckConstraint("parameters >= 0 AND bytes >= 0 AND embedding_dimension >= 0", name="sizes_not_negative"),
        CheckConstraint("downloads >= 0 AND likes >= 0", name="popularity_not_negative"),
    )
    for name in ("source", "name", "domain", "library", "base_model", "plugin"):
        op.create_index(f"ix_models_{name}", "models", [name])
    for name, missing in (
        ("downloads", "-1"),
        ("likes", "-1"),
        ("parameters", "-1"),
        ("bytes", "-1"),
        ("released", "''"),
    ):
        op.create_index(f"ix_models_by_{name}", "models", [text(f"coalesce({name}, {missing}) DESC"), text("id")])
    op.create_index("ix_models_license", "models", [_whatever_case("license")])


def _scores() -> None:
    op.create_table(
        "benchmarks",
        Column("key", Integer, primary_key=True, nullable=False),
        *(_text(name) for name in ("task", "dataset", "split", "metric")),
        Column("higher_is_better", Boolean, nullable=False),
        UniqueConstraint("task", "dataset", "split", "metric", "higher_is_better", name="one_benchmark_each"),
    )
    op.create_index("ix_benchmarks_dataset", "benchmarks", [_whatever_case("dataset")])
    op.create_table(
        "citations",
        Column("key", Integer, primary_key=True, nullable=False),
        Column("source", TEXT, nullable=False, unique=True),
    )
    op.create_table(
        "scores",
        _owner(),
        Column("benchmark_key", Integer, ForeignKey("benchmarks.key"), primary_key=True, nullable=False),
        Column("origin", TEXT, primary_key=True, nullable=False),
        Column("value", REAL, nullable=False),
        Column("citation_key", Integer, ForeignKey("citations.key"), nullable=False),
        _text("date", null=True),
        _text("plugin", null=True),
        CheckConstraint("origin IN ('reported', 'measured')", name="origin_known"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scores_benchmark", "scores", ["benchmark_key", "value"])


def _measurements() -> None:
    op.create_table(
        "measurements",
        Column("key", Integer, primary_key=True, nullable=False),
        *(_text(name) for name in ("model", "task", "data", "dataset", "estimator")),
        Column("value", REAL, nullable=False),
        Column("low", REAL),
        Column("high", REAL),
        _text("layer"),
        Column("samples", LARGE, nullable=False),
        Column("seconds", REAL, nullable=False),
        _text("revision"),
        Column("seed", LARGE, nullable=False),
        *(_text(name) for name in ("device", "versions", "created")),
        UniqueConstraint(
            "model", "task", "data", "estimator", "layer", "samples", "seed", "revision", name="one_measurement_each"
        ),
    )
    op.create_index("ix_measurements_data", "measurements", ["data", "task", "model"])
    op.create_index("ix_measurements_model", "measurements", ["model"])


def _runs() -> None:
    op.create_table(
        "runs",
        Column("id", TEXT, primary_key=True, nullable=False),
        *(_text(name) for name in ("model", "task", "dataset", "data", "strategy", "metrics", "baseline", "plan")),
        Column("seed", LARGE, nullable=False),
        Column("epochs", LARGE, nullable=False),
        Column("samples", LARGE, nullable=False),
        Column("seconds", REAL, nullable=False),
        _text("device"),
        _text("revision", null=True),
        _text("versions"),
        _text("path", null=True),
        _text("created"),
    )
    op.create_index("ix_runs_model", "runs", ["model", "task"])
    op.create_index("ix_runs_created", "runs", ["created"])
