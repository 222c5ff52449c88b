"""Which schema a registry file has; told without the ORM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import RegistryError

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader
    from zoo.registry.database.location import Location

REVISIONS = ("0001", "0002")
"""Alembic revisions that this version of zoo knows, oldest first."""

HEAD = REVISIONS[-1]

WITHOUT_SETS = frozenset({"0001"})
"""Revisions whose registries have none of the tables that follow from the cards."""

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
)
"""Our tables, those that others refer to first."""


def revision(connection: Reader, location: Location) -> str | None:
    """The Alembic revision of a registry; None where the database is empty.

    Raises:
        RegistryError: it holds something else, or comes from a newer zoo.
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
    """Nothing, where a registry has the newest schema.

    Raises:
        RegistryError: it has not, or is no registry.
    """
    found = revision(connection, location)
    if found is None:
        raise not_ours(location)
    if found != HEAD:
        raise RegistryError(
            f"{location} has an old schema.", f"Upgrade it: ZOO_REGISTRY={location} zoo registry upgrade"
        )


def not_ours(location: Location) -> RegistryError:
    """The error of a database that holds something else."""
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
    """Which of the two databases a connection leads to."""
    import sqlite3

    return isinstance(connection, sqlite3.Connection)
