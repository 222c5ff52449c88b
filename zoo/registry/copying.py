"""Copies a registry table by table: from SQLite to PostgreSQL or back, or into another file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import Progress, SilentProgress
from zoo.errors import InvalidInput
from zoo.registry.creating import create, shipped
from zoo.registry.database import schema
from zoo.registry.database.connection import Reader, explained, reading, streamed
from zoo.registry.database.location import Location, Server

if TYPE_CHECKING:
    from sqlmodel import Session

    from zoo.registry.database.statements import Statements

_BATCH = 1000
_BOOLEANS = {("models", "gated"), ("benchmarks", "higher_is_better")}
_WITH_KEYS = (
    *("models", "benchmarks", "citations", "measurements"),
    *("actors", "tokens", "proposals", "approvals", "standards"),
)
_ORDERED = {"audit": " ORDER BY seq"}
"""Tables whose rows must be written in their order."""


def copy(source: Location, target: Location, progress: Progress | None = None) -> dict[str, int]:
    """Replace the content of a registry by that of another one, in one transaction; return the rows by table.

    The audit is never replaced: a target with one is refused.

    Raises:
        InvalidInput: source and target are the same, or the target has an audit.
        RegistryError: the source has an older schema, or is not a registry.
        StorageError: the target cannot be written; it stays unchanged.
    """
    from zoo.registry.database.statements import Statements
    from zoo.registry.writing.transaction import writing

    if source == target:
        raise InvalidInput(f"{source} cannot be copied into itself.", "Name another registry as the target.")
    counts: dict[str, int] = {}
    with reading(source) as origin:
        snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ" if isinstance(source, Server) else "BEGIN"
        origin.execute(snapshot)
        schema.must_be_newest(origin, source)
        _prepare(target)
        with writing(target, foreign_keys=False) as session:
            statements = Statements(session.connection())
            _check_audit_empty(statements, target)
            for table in reversed(schema.TABLES):
                if table == "audit":
                    continue
                statements.run(f"DELETE FROM {table}", [()])
            steps = progress or SilentProgress()
            for table in schema.TABLES:
                with explained(source):
                    total = int(origin.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                with steps.step(f"Copying {table}", total) as step:
                    counts[table] = 0
                    for names, rows in _read(origin, source, table):
                        if isinstance(target, Server):
                            _write_to_server(session, table, names, rows)
                        else:
                            marks = ", ".join("?" * len(names))
                            statements.run(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
                        counts[table] += len(rows)
                        step.advance(len(rows))
            if isinstance(target, Server):
                for table in _WITH_KEYS:
                    statements.ask(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'key'), "
                        f"(SELECT coalesce(max(key), 0) + 1 FROM {table}), false)"
                    )
    return counts


def copy_shipped(target: Location) -> None:
    """Copy the shipped registry into an empty one."""
    with shipped() as origin:
        if origin is not None:
            copy(origin, target)


def _write_to_server(session: Session, table: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Write rows with PostgreSQL's COPY, much faster than with INSERT."""
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)


def _check_audit_empty(statements: Statements, target: Location) -> None:
    count = int(statements.ask("SELECT count(*) FROM audit")[0][0])
    if count:
        raise InvalidInput(
            f"{target} has an audit of {count:,} rows, which a copy would replace.", "Copy into a new registry."
        )


def _prepare(target: Location) -> None:
    """Create missing tables, and upgrade older ones to the newest schema."""
    from zoo.registry.migrating import upgrade

    if isinstance(target, Path) and not target.exists():
        create(target, empty=True)
        return
    with reading(target) as connection:
        found = schema.revision(connection, target)
    if found != schema.HEAD:
        upgrade(target)


def _read(origin: Reader, source: Location, table: str) -> Iterator[tuple[list[str], list[tuple[Any, ...]]]]:
    names: list[str] = []
    rows: list[tuple[Any, ...]] = []
    with explained(source):
        for row in streamed(origin, f"SELECT * FROM {table}{_ORDERED.get(table, '')}"):
            names = names or list(row.keys())
            places = [place for place, name in enumerate(names) if (table, name) in _BOOLEANS]
            values = list(row)
            for place in places:
                values[place] = bool(values[place])
            rows.append(tuple(values))
            if len(rows) == _BATCH:
                yield names, rows
                rows = []
    if rows:
        yield names, rows
