"""Search by sets of models; lineage, memory and hashes of weights next to the cards."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text, text

revision = "0002"
down_revision = "0001"

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
LARGE = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Replace the full-text index and the tables of tasks, tags and languages by one table of sets.

    What the new tables hold follows from the cards; ``zoo.registry.writing.deriving`` fills them.
    """
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TABLE models_fts")
    for table in ("model_tasks", "model_tags", "model_languages"):
        op.drop_table(table)
    _models()
    op.create_table(
        "lineage",
        Column("base", TEXT, primary_key=True, nullable=False),
        Column("model_key", Integer, ForeignKey("models.key", ondelete="CASCADE"), primary_key=True, nullable=False),
        Column("relation", TEXT, nullable=False),
        CheckConstraint("relation IN ('finetune', 'quantized', 'merge', 'adapter', 'derived')", name="relation_known"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_lineage_model_key", "lineage", ["model_key"])
    op.create_table(
        "sets",
        Column("kind", TEXT, primary_key=True, nullable=False),
        Column("value", TEXT, primary_key=True, nullable=False),
        Column("chunk", Integer, primary_key=True, nullable=False, autoincrement=False),
        Column("models", Integer, nullable=False),
        Column("members", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    if not sqlite:
        op.execute("ALTER TABLE sets ALTER COLUMN members SET STORAGE EXTERNAL")


def _models() -> None:
    for name in ("source", "name", "domain", "library", "base_model", "plugin", "license"):
        op.drop_index(f"ix_models_{name}", "models")
    for name in ("downloads", "likes", "parameters", "bytes", "released"):
        op.drop_index(f"ix_models_by_{name}", "models")
    op.drop_column("models", "name")
    op.add_column("models", Column("memory", LARGE))
    op.add_column("models", Column("weights", TEXT))
    for name in ("downloads", "likes", "parameters", "bytes"):
        op.create_index(f"ix_models_{name}", "models", [text(f"{name} DESC"), *_key()])
    for name in ("plugin", "weights"):
        present = text(f"{name} IS NOT NULL")
        op.create_index(f"ix_models_{name}", "models", [name], sqlite_where=present, postgresql_where=present)


def _key() -> tuple[str, ...]:
    """The key comes at the end of each index of SQLite by itself."""
    return () if op.get_bind().dialect.name == "sqlite" else ("key",)
