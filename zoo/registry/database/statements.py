"""SQL statements that write, for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

_CHUNK = 500
UNIQUE = {
    "measurements": ("model", "task", "data", "estimator", "layer", "samples", "seed", "revision"),
    "runs": ("id",),
}
"""Columns that identify a row, which replaces an older one with the same values."""


class Statements:
    """Runs statements with ``?`` for parameters inside a transaction of SQLAlchemy, over the driver's own cursors.

    Attributes:
        server: whether it is PostgreSQL.
    """

    def __init__(self, connection: Connection) -> None:
        self.server = connection.dialect.name == "postgresql"
        self._connection: Any = connection.connection.driver_connection
        self._keys: dict[str, int] = {}

    def run(self, sql: str, parameters: Iterable[Sequence[Any]]) -> int:
        """Run a statement once for each of the parameters; return the number of changed rows."""
        cursor = self._connection.cursor()
        try:
            cursor.executemany(self._for_driver(sql), parameters)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a result."""
        return self._asked(sql, parameters)[1]

    def ask_named(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of a result, with values by column name."""
        names, found = self._asked(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in found]

    def _asked(self, sql: str, parameters: Sequence[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(self._for_driver(sql), tuple(parameters))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
        finally:
            cursor.close()

    def execute(self, sql: str) -> None:
        """Run a statement without parameters and result."""
        self._connection.execute(sql)

    def _for_driver(self, sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s") if self.server else sql

    def next_key(self, table: str) -> int:
        """An unused key of a table; safe because only one process writes at a time."""
        if table not in self._keys:
            self._keys[table] = int(self.ask(f"SELECT coalesce(max(key), 0) FROM {table}")[0][0])
        self._keys[table] += 1
        return self._keys[table]

    def rows_by_id(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of the models with these ids."""
        for chunk, marks in _chunks(ids):
            yield from self.ask_named(f"SELECT * FROM models WHERE id IN ({marks})", chunk)

    def keys_by_id(self, ids: Sequence[str]) -> dict[str, int]:
        """The keys of the models with these ids."""
        found: dict[str, int] = {}
        for chunk, marks in _chunks(ids):
            found.update(self.ask(f"SELECT id, key FROM models WHERE id IN ({marks})", chunk))
        return found

    def citations(self, sources: Sequence[str]) -> dict[str, int]:
        """The keys of the existing citations."""
        found: dict[str, int] = {}
        for chunk, marks in _chunks(sources):
            found.update(self.ask(f"SELECT source, key FROM citations WHERE source IN ({marks})", chunk))
        return found

    def upsert(self, table: str, found: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; each replaces an existing one with the same unique columns."""
        if not found:
            return
        names, unique = list(found[0]), UNIQUE[table]
        replaced = ", ".join(f"{name} = excluded.{name}" for name in names if name not in unique)
        self.run(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {replaced}",
            [tuple(row.values()) for row in found],
        )


def _chunks(values: Sequence[Any]) -> Iterator[tuple[Sequence[Any], str]]:
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        yield chunk, ",".join("?" * len(chunk))
