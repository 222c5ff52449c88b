"""The schema revision of a registry, read without the ORM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import RegistryError

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader
    from zoo.registry.database.location import Location

REVISIONS = ("0001", "0002", "0003", "0004")
"""Alembic revisions that this version of zoo supports, oldest first."""

HEAD = REVISIONS[-1]

WITHOUT_SETS = frozenset({"0001"})
"""Revisions without the tables that are derived from the cards."""

TEAM_TABLES = ("actors", "tokens", "proposals", "approvals", "standards", "audit")
"""The tables of a team, in the order of their references."""

TABLES = (
    "models",
    "lineage",
    "benchmarks",
    "citations",
    "scores",
    "measurements",
    "runs",
    "plugins",
    "state",
    "sets",
    *TEAM_TABLES,
)
"""Our tables, in the order of their references."""


def revision(connection: Reader, location: Location) -> str | None:
    """The Alembic revision of a registry; None if the database is empty.

    Raises:
        RegistryError: it is not a registry, or was written by a newer zoo.
    """
    present = tables(connection)
    if "alembic_version" not in present:
        if not present:
            return None
        raise not_ours(location)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = "" if row is None else str(row[0])
    if found not in REVISIONS:
        raise RegistryError(
            f"{location} has schema '{found}', which this version of zoo does not know; a newer zoo wrote it.",
            "Upgrade zoo (pip install --upgrade foundation-zoo), or choose another one with ZOO_REGISTRY.",
        )
    return found


def must_be_newest(connection: Reader, location: Location) -> None:
    """Check that a registry has the newest schema.

    Raises:
        RegistryError: its schema is older, or it is not a registry.
    """
    found = revision(connection, location)
    if found is None:
        raise not_ours(location)
    if found != HEAD:
        raise RegistryError(
            f"{location} has an old schema.", f"Upgrade it: ZOO_REGISTRY={location} zoo registry upgrade"
        )


def not_ours(location: Location) -> RegistryError:
    """The error for a database that is not a registry."""
    return RegistryError(
        f"{location} is a database, but not a registry of zoo.",
        "Point ZOO_REGISTRY at a registry, or create one there: zoo registry init",
    )


def tables(connection: Reader) -> set[str]:
    """The names of all tables."""
    if is_sqlite(connection):
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {row[0] for row in found}


def is_sqlite(connection: Reader) -> bool:
    """Whether a connection is to SQLite, not PostgreSQL."""
    import sqlite3

    return isinstance(connection, sqlite3.Connection)
