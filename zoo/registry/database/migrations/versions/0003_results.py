"""Intervals of runs' metrics, and their predictions for the test samples."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add both to the runs; earlier runs have neither."""
    op.add_column("runs", Column("intervals", TEXT, nullable=False, server_default="{}"))
    op.add_column("runs", Column("outcomes", TEXT))
