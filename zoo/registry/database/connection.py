"""Connections to a registry, and clear error messages."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from zoo.errors import RegistryError, StorageError
from zoo.registry.database.location import Location, Server

BUSY_SECONDS = 30.0
"""How long a writer waits for another one, in seconds."""

_CACHE_KIB = 64 * 1024
_MAPPED_BYTES = 4 * 2**30


class Rows(Protocol):
    """The result of a statement: rows whose values are accessed by position and by name."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All remaining rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """A connection for SQL with ``?`` as placeholder, for both databases."""

    def execute(self, sql: str, parameters: Any = (), /) -> Rows:
        """Run a statement."""

    def close(self) -> None:
        """Close the connection."""


@contextmanager
def reading(location: Location) -> Iterator[Reader]:
    """A connection for reading, which also works in a read-only folder.

    Raises:
        RegistryError: the file or server does not exist, is not a database, or is damaged.
    """
    with explained(location):
        connection = opened(location)
        try:
            yield connection
        finally:
            connection.close()


def opened(location: Location) -> Reader:
    """A connection that the caller closes; raises the errors of the database driver."""
    if isinstance(location, Server):
        from zoo.registry.database import postgres

        return postgres.connect(location)
    connection = _open(location)
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
    return connection


def streamed(connection: Reader, sql: str, parameters: Any = ()) -> Iterator[Any]:
    """The rows of a result one by one, in constant memory; no other statement may run meanwhile."""
    stream = getattr(connection, "stream", connection.execute)
    yield from stream(sql, parameters)


def _open(path: Path) -> sqlite3.Connection:
    address = "file:" + quote(str(path.absolute()))
    if not path.is_file():
        raise RegistryError(f"There is no registry at {path}.", "Create it: zoo registry init")
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
        return connection
    except sqlite3.OperationalError:
        # A write-ahead log needs a shared-memory file, which cannot be created in a read-only folder. As nothing can be
        # written there, the file can be opened as immutable.
        connection.close()
        connection = sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)
        connection.execute("PRAGMA schema_version").fetchone()
        return connection


@contextmanager
def explained(location: Location, doing: str = "read") -> Iterator[None]:
    """Turn errors of the database into clear messages, by their codes.

    Raises:
        StorageError: read-only, or the disk is full.
        RegistryError: not a database, damaged, busy for too long, or a server that cannot be reached.
    """
    if isinstance(location, Server):
        from zoo.registry.database import postgres

        with postgres.explained(location, doing):
            yield
        return
    try:
        yield
    except sqlite3.Error as error:
        raise explanation(error, location, doing) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # the name of a model or file; the registry itself was opened
            raise
        reason = error.strerror or str(error)
        raise StorageError(f"Cannot {doing} the registry {location}: {reason}.", _ELSEWHERE) from error


_ELSEWHERE = "Choose a writable folder with free space: set ZOO_HOME or ZOO_REGISTRY."


def explanation(error: sqlite3.Error, path: Path, doing: str) -> RegistryError | StorageError:
    """The error to raise for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_NOTADB:
        return RegistryError(
            f"{path} is not a registry: it is not a SQLite file.",
            "Choose another file with ZOO_REGISTRY, or move this one away and run: zoo registry init",
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return RegistryError(
            f"The registry {path} is damaged.", "See how much is damaged: zoo registry check. Then restore a backup."
        )
    if primary == sqlite3.SQLITE_FULL:
        return StorageError(f"Cannot {doing} the registry {path}: the disk is full. Nothing was changed.", _ELSEWHERE)
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StorageError(f"Cannot {doing} the registry {path}: it, or its folder, is read-only.", _ELSEWHERE)
    if primary == sqlite3.SQLITE_IOERR:
        return StorageError(f"Cannot {doing} the registry {path}: the disk is full or failing ({error}).", _ELSEWHERE)
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return RegistryError(
            f"Another process has kept the registry {path} locked for {BUSY_SECONDS:g} seconds.", "Try again later."
        )
    return RegistryError(f"Cannot {doing} the registry {path}: {error}.", "See what is wrong: zoo registry check")
