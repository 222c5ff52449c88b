"""Whether a registry is sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError
from zoo.registry import rows, schema
from zoo.registry.connection import reading

MOST = 20
"""Problems of one sort that are told at most."""


def check(path: Path) -> list[str]:
    """What is wrong with a registry, in sentences; none where it is sound.

    Raises:
        RegistryError: it is not a registry at all, or a newer zoo's.
    """
    with reading(path) as connection:
        schema.revision(connection, path)
        problems = list(_pages(connection))
        if not problems:
            problems = list(_tables(connection))
        if not problems:
            problems = [*_references(connection), *_full_text(connection), *_cards(connection)]
    return problems


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        for (line,) in connection.execute(f"PRAGMA integrity_check({MOST})"):
            if line != "ok":
                yield f"SQLite's own check says: {line}."
    except sqlite3.DatabaseError as error:
        yield f"SQLite's own check ends with: {error}."


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name in (*schema.TABLES, "models_fts"):
        if name not in found:
            yield f"The table '{name}' is missing."


def _references(connection: sqlite3.Connection) -> Iterator[str]:
    broken: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        broken[table, parent] = broken.get((table, parent), 0) + 1
    for (table, parent), count in broken.items():
        yield f"{count:,} rows of '{table}' refer to rows of '{parent}' that are not there."


def _full_text(connection: sqlite3.Connection) -> Iterator[str]:
    missing = connection.execute(
        "SELECT count(*) FROM models m LEFT JOIN models_fts f ON f.rowid = m.key WHERE f.id IS NOT m.id"
    ).fetchone()[0]
    if missing:
        yield f"{missing:,} models cannot be found by words."
    extra = connection.execute(
        "SELECT count(*) FROM models_fts f LEFT JOIN models m ON m.key = f.rowid WHERE m.key IS NULL"
    ).fetchone()[0]
    if extra:
        yield f"The full-text index knows {extra:,} models that are not there."


def _cards(connection: sqlite3.Connection) -> Iterator[str]:
    found = 0
    for row in connection.execute("SELECT * FROM models ORDER BY id"):
        try:
            rows.card_of(row)
        except (ZooError, ValueError, TypeError) as error:
            found += 1
            if found <= MOST:
                yield f"The card of '{row['id']}' cannot be read: {error}"
    if found > MOST:
        yield f"{found - MOST:,} more cards cannot be read."
