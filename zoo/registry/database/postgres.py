"""A registry in PostgreSQL: connections for reading, and clear error messages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import RegistryError, StorageError, needs_extra
from zoo.registry.database.location import Server

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
LOCK = 0x7A6F6F
"""Advisory lock of a writer until it commits: one writer at a time, as with SQLite."""


class Row(tuple[Any, ...]):
    """A row whose values are accessed by position and by name."""

    names: dict[str, int]

    def __getitem__(self, place: Any) -> Any:
        return tuple.__getitem__(self, self.names[place] if isinstance(place, str) else place)

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self.names)


def _row_factory(cursor: psycopg.Cursor[Any]) -> Any:
    names = {column.name: place for place, column in enumerate(cursor.description or ())}
    kind = type("Row", (Row,), {"names": names})

    def make(values: Sequence[Any]) -> Row:
        return kind(bytes(value) if isinstance(value, memoryview) else value for value in values)

    return make


class Connection:
    """Runs SQL in SQLite's syntax on PostgreSQL."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Run a statement with ``?`` for parameters."""
        return self._connection.execute(translated(sql), parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a result one by one; no other statement may run meanwhile."""
        with self._connection.cursor() as cursor:
            yield from cursor.stream(translated(sql), parameters)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def translated(sql: str) -> str:
    """A statement with psycopg's placeholders."""
    return sql.replace("%", "%%").replace("?", "%s")


def connect(server: Server) -> Connection:
    """A connection that the caller closes.

    Raises:
        MissingExtra: psycopg is not installed.
    """
    with needs_extra("postgres", "reach a registry in PostgreSQL"):
        import psycopg
    return Connection(
        psycopg.connect(server.dsn, autocommit=True, row_factory=_row_factory, connect_timeout=CONNECT_SECONDS)
    )


@contextlib.contextmanager
def explained(server: Server, doing: str = "read") -> Iterator[None]:
    """Turn errors of PostgreSQL into clear messages, by their codes.

    Raises:
        RegistryError: the server cannot be reached, refuses the connection, or closed it.
        StorageError: the database may not be written, or its disk is full.
    """
    with needs_extra("postgres", "reach a registry in PostgreSQL"):
        import psycopg
    try:
        yield
    except psycopg.Error as error:
        raise explanation(error, server, doing) from error


def explanation(error: psycopg.Error, server: Server, doing: str) -> RegistryError | StorageError:
    """The error to raise for an error of PostgreSQL."""
    import psycopg

    state = error.sqlstate or ""
    lines = server.without_secrets(str(error)).strip().splitlines()
    # The server's own message follows the description of what the client library was doing.
    reason = lines[0].rpartition("FATAL:")[2].strip().rstrip(".") if lines else type(error).__name__
    if state == "42501":
        hint = "Connect with a role of the database that may do this; the roles are in: zoo registry roles"
        return StorageError(f"Cannot {doing} the registry {server} with this connection: {reason}.", hint)
    if state == "25006":
        return StorageError(f"Cannot {doing} the registry {server}: {reason}.", "Ask for write permission.")
    if state == "53100":
        return StorageError(f"Cannot {doing} the registry {server}: its disk is full. Nothing was changed.")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return RegistryError(
            f"The registry {server} cannot be reached: {reason}.",
            "Nothing was changed. Check that PostgreSQL is running and that ZOO_REGISTRY is correct, then try again.",
        )
    return RegistryError(f"Cannot {doing} the registry {server}: {reason}.", "See what is wrong: zoo registry check")
