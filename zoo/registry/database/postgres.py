"""PostgreSQL as the registry's database: connections that read, and what its errors mean for the user."""

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
"""The advisory lock that a writer holds until it commits: one at a time, as with SQLite."""


class Row(tuple[Any, ...]):
    """A row whose values are found by place and by name."""

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
    """Asks PostgreSQL in the SQL that SQLite takes, too."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Run a statement with ``?`` for parameters."""
        return self._connection.execute(translated(sql), parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of an answer one by one; nothing else may be asked meanwhile."""
        with self._connection.cursor() as cursor:
            yield from cursor.stream(translated(sql), parameters)

    def close(self) -> None:
        """Give the connection back."""
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
    """Turn the errors of PostgreSQL into one sentence, by their codes.

    Raises:
        RegistryError: it cannot be reached, refuses, or went away in the middle.
        StorageError: it may not be written, or its disk is full.
    """
    with needs_extra("postgres", "reach a registry in PostgreSQL"):
        import psycopg
    try:
        yield
    except psycopg.Error as error:
        raise explanation(error, server, doing) from error


def explanation(error: psycopg.Error, server: Server, doing: str) -> RegistryError | StorageError:
    """What an error of PostgreSQL means for the user."""
    import psycopg

    state = error.sqlstate or ""
    lines = server.without_secrets(str(error)).strip().splitlines()
    # What the server itself says stands behind what its library was doing.
    reason = lines[0].rpartition("FATAL:")[2].strip().rstrip(".") if lines else type(error).__name__
    if state in {"25006", "42501"}:
        return StorageError(f"Cannot {doing} the registry {server}: {reason}.", "Ask for the right to write there.")
    if state == "53100":
        return StorageError(f"Cannot {doing} the registry {server}: its disk is full. Nothing was changed.")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return RegistryError(
            f"The registry {server} cannot be reached: {reason}.",
            "Nothing was changed. See that PostgreSQL runs there and that ZOO_REGISTRY is right, then try again.",
        )
    return RegistryError(f"Cannot {doing} the registry {server}: {reason}.", "See what is wrong: zoo registry check")
