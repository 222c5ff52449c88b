"""SQL that writes, in one form for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

_CHUNK = 500
UNIQUE = {
    "measurements": ("model", "task", "data", "estimator", "layer", "samples", "seed", "revision"),
    "runs": ("id",),
}
"""What tells rows apart that replace each other."""


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
        """Run a statement once for each of the parameters; returns how many rows it changed."""
        cursor = self._connection.cursor()
        try:
            cursor.executemany(self._said(sql), parameters)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of an answer."""
        return self._asked(sql, parameters)[1]

    def ask_named(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of an answer, values by the names of their columns."""
        names, found = self._asked(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in found]

    def _asked(self, sql: str, parameters: Sequence[Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(self._said(sql), tuple(parameters))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
        finally:
            cursor.close()

    def execute(self, sql: str) -> None:
        """Run a statement that has no parameters and gives no rows."""
        self._connection.execute(sql)

    def _said(self, sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s") if self.server else sql

    def next_key(self, table: str) -> int:
        """A key that no row of a table has; only one writes at a time."""
        if table not in self._keys:
            self._keys[table] = int(self.ask(f"SELECT coalesce(max(key), 0) FROM {table}")[0][0])
        self._keys[table] += 1
        return self._keys[table]

    def rows_by_id(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The models that have these ids."""
        for chunk, marks in _chunks(ids):
            yield from self.ask_named(f"SELECT * FROM models WHERE id IN ({marks})", chunk)

    def keys_by_id(self, ids: Sequence[str]) -> dict[str, int]:
        """The keys of the models that have these ids."""
        found: dict[str, int] = {}
        for chunk, marks in _chunks(ids):
            found.update(self.ask(f"SELECT id, key FROM models WHERE id IN ({marks})", chunk))
        return found

    def citations(self, sources: Sequence[str]) -> dict[str, int]:
        """The keys of the citations that are there already."""
        found: dict[str, int] = {}
        for chunk, marks in _chunks(sources):
            found.update(self.ask(f"SELECT source, key FROM citations WHERE source IN ({marks})", chunk))
        return found

    def upsert(self, table: str, found: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, each in the place of the one that it collides with."""
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
