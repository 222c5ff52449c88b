"""Transactions that write: everything that belongs together is stored, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, create_engine, delete

from zoo.registry.database.connection import BUSY_SECONDS, explained
from zoo.registry.database.location import Location, Server
from zoo.registry.database.tables import PluginRow, StateRow


@contextmanager
def writing(location: Location, *, foreign_keys: bool = True) -> Iterator[Session]:
    """A session in an exclusive transaction, which is stored completely or rolled back.

    Raises:
        StorageError: read-only, or the disk is full.
        RegistryError: not a database, damaged, locked for too long, or a server that cannot be reached.
    """
    with explained(location, "write to"):
        engine = _postgres(location) if isinstance(location, Server) else _sqlite(str(location), foreign_keys)
        try:
            with Session(engine) as session:
                yield session
                session.commit()
        except DBAPIError as error:
            raise error.orig or error from error
        finally:
            engine.dispose()


def _sqlite(path: str, foreign_keys: bool) -> Any:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # SQLAlchemy starts transactions itself, so the driver must not.
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -81920")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres(server: Server) -> Any:
    from zoo.registry.database.postgres import CONNECT_SECONDS, LOCK

    url = server.dsn.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    return engine


def write_plugins(session: Session, versions: Mapping[str, str]) -> None:
    """Store the versions of the plugins whose cards are in the registry."""
    session.exec(delete(PluginRow))
    session.add_all(PluginRow(name=name, version=version) for name, version in sorted(versions.items()))


def write_state(session: Session, notes: Mapping[str, str]) -> None:
    """Store notes on the registry itself."""
    for name, value in notes.items():
        session.merge(StateRow(name=name, value=value))
