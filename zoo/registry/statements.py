"""SQL that writes, in one form for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

_CHUNK = 500
UNIQUE = {
    "measurements": ("model", "task", "data", "estimator", "layer", "samples", "seed", "revision"),
    "runs": ("id",),
}
"""What tells rows apart that replace each other."""


class Statements:
    """Runs statements with ``?`` for parameters inside a transaction of SQLAlchemy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._server = connection.dialect.name == "postgresql"
        self._keys: dict[str, int] = {}

    def run(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each of the parameters."""
        self._connection.exec_driver_sql(self._said(sql), [tuple(row) for row in parameters])

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of an answer; values are found by place and by name."""
        return [_Row(row) for row in self._connection.exec_driver_sql(self._said(sql), tuple(parameters))]

    def _said(self, sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s") if self._server else sql

    def next_key(self, table: str) -> int:
        """A key that no row of a table has; only one writes at a time."""
        if table not in self._keys:
            self._keys[table] = int(self.ask(f"SELECT coalesce(max(key), 0) FROM {table}")[0][0])
        self._keys[table] += 1
        return self._keys[table]

    def rows_by_id(self, ids: Sequence[str]) -> Iterator[Any]:
        """The models that have these ids."""
        for chunk, marks in _chunks(ids):
            yield from self.ask(f"SELECT * FROM models WHERE id IN ({marks})", chunk)

    def keys_by_id(self, ids: Sequence[str]) -> dict[str, int]:
        """The keys of the models that have these ids."""
        found: dict[str, int] = {}
        for chunk, marks in _chunks(ids):
            found.update(
                (row[0], row[1]) for row in self.ask(f"SELECT id, key FROM models WHERE id IN ({marks})", chunk)
            )
        return found

    def scores_of(self, models: Sequence[int]) -> Iterator[Any]:
        """The scores of models by their keys: model, benchmark, origin, value, citation, date, plugin."""
        columns = "model_key, benchmark_key, origin, value, citation_key, date, plugin"
        for chunk, marks in _chunks(models):
            yield from self.ask(f"SELECT {columns} FROM scores WHERE model_key IN ({marks})", chunk)

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


class _Row(tuple[Any, ...]):
    """A row of SQLAlchemy that is indexed by name as well."""

    def __new__(cls, row: Any) -> _Row:
        made = super().__new__(cls, row)
        made.mapping = row._mapping
        return made

    mapping: Mapping[str, Any]

    def __getitem__(self, place: Any) -> Any:
        return self.mapping[place] if isinstance(place, str) else tuple.__getitem__(self, place)


def _chunks(values: Sequence[Any]) -> Iterator[tuple[Sequence[Any], str]]:
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        yield chunk, ",".join("?" * len(chunk))
