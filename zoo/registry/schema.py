"""Which schema a registry file has; told without the ORM."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from zoo.errors import RegistryError

REVISIONS = ("0001",)
"""Alembic revisions that this version of zoo knows, oldest first."""

HEAD = REVISIONS[-1]

TABLES = (
    "models", "model_tasks", "model_tags", "model_languages", "benchmarks", "citations", "scores", "measurements",
    "runs", "plugins", "state",
)  # fmt: skip
"""Our tables, those that others refer to first."""


def revision(connection: sqlite3.Connection, path: Path) -> str:
    """The Alembic revision of a registry.

    Raises:
        RegistryError: the file holds something else, or comes from a newer zoo.
    """
    try:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        raise RegistryError(
            f"{path} is a SQLite file, but not a registry of zoo.",
            "Point ZOO_REGISTRY at a registry, or create one there: zoo registry init",
        ) from error
    found = str(rows[0][0]) if rows else ""
    if found not in REVISIONS:
        raise RegistryError(
            f"{path} has schema '{found}', which this version of zoo does not know; a newer zoo wrote it.",
            "Upgrade zoo (pip install --upgrade foundation-zoo), or choose another file with ZOO_REGISTRY.",
        )
    return found
