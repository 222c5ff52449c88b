"""Open the user's registry: create it from the shipped one, upgrade it, index the cards of new plugins."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from zoo.config import settings
from zoo.errors import StorageError, ZooError
from zoo.registry.database import schema
from zoo.registry.database.connection import explained, reading
from zoo.registry.database.location import Location, Server, located
from zoo.registry.registry import Registry

SHIPPED = "registry.db.example"
ENVIRONMENT = "environment"
"""Name of the note that tells in which environments the plugins were found to be those that are indexed."""

MOST_ENVIRONMENTS = 16

_opened: dict[tuple[Location, int], Registry] = {}


def own_location() -> Location:
    """Where the user's registry is.

    Raises:
        InvalidInput: ``ZOO_REGISTRY`` is a URL of a database that a registry cannot be kept in.
    """
    chosen = settings()
    return located(chosen.registry_url or chosen.registry)


def open_registry(path: Location | str | None = None) -> Registry:
    """The registry at ``path``, a path or a URL, or the user's own; created from the shipped one at its first use.

    Cards of plugins that were installed, upgraded or removed since the last time are indexed now.

    Raises:
        RegistryError: it is not a registry, or a newer zoo's, or its server cannot be reached.
        StorageError: it has to be written and cannot be.
    """
    location = own_location() if path is None else path if isinstance(path, Server) else located(path)
    if isinstance(location, Path) and not location.exists():
        create(location)
    known = (location, _inode(location))
    if known not in _opened:
        bring_up_to_date(location)
        known = (location, _inode(location))
        _opened[known] = Registry(location)
    return _opened[known]


def _inode(location: Location) -> int:
    return location.stat().st_ino if isinstance(location, Path) else 0


def create(path: Path, *, empty: bool = False) -> None:
    """Create a registry where there is none: a copy of the shipped one, or an empty one; whole or not at all.

    Raises:
        StorageError: the folder cannot be written to, or the disk is full.
    """
    import shutil

    with explained(path, "create"), temporary_beside(path) as temporary:
        with _shipped() as shipped:
            if shipped is not None and not empty:
                shutil.copyfile(shipped, temporary)
        connection = sqlite3.connect(temporary)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        if empty or not temporary.stat().st_size or not _has_tables(temporary):
            from zoo.registry.database.migrating import upgrade

            upgrade(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        _place(temporary, path)


def bring_up_to_date(path: Location, *, force: bool = False) -> dict[str, int]:
    """Upgrade the schema and index the cards of plugins that changed; returns how many cards and scores were written.

    An empty database of PostgreSQL gets its tables, and the content of the shipped registry.

    Args:
        force: index the cards of all plugins again.
    """
    with reading(path) as connection:
        found = schema.revision(connection, path)
    if found is None and isinstance(path, Path):
        raise schema.not_ours(path)
    if found != schema.HEAD:
        from zoo.registry.database.migrating import upgrade

        upgrade(path)
        if found is None:
            _fill(path)
    environment = _environment()
    with reading(path) as connection:
        seen = connection.execute("SELECT value FROM state WHERE name = ?", [ENVIRONMENT]).fetchone()
        known = seen["value"].split() if seen is not None else []
        if environment in known and not force:
            return {}
        indexed = {row["name"]: row["version"] for row in connection.execute("SELECT name, version FROM plugins")}
    from zoo.plugins import installed

    present = {point.name: point.dist.version if point.dist else "" for point in installed()}
    changed = set(present) if force else {name for name in present if indexed.get(name) != present[name]}
    try:
        if changed or set(indexed) - set(present):
            from zoo.registry.indexing import index

            return index(path, present, changed, {ENVIRONMENT: environment})
        from zoo.registry.writing.transaction import write_state, writing

        with writing(path) as session:
            write_state(session, {ENVIRONMENT: "\n".join([*known[1 - MOST_ENVIRONMENTS :], environment])})
    except StorageError:
        if force or not indexed:
            raise
        # A registry that cannot be written can still be read as it is.
    return {}


def _fill(location: Location) -> None:
    """Copy the shipped registry into one that has just been created."""
    from zoo.registry.copying import copy

    with _shipped() as shipped:
        if shipped is not None:
            copy(shipped, location)


def _environment() -> str:
    """A digest that changes when a distribution is installed, upgraded or removed; quicker than looking for them."""
    parts = []
    for entry in sys.path:
        try:
            parts.append(f"{entry}\0{os.stat(entry or '.').st_mtime_ns}")
        except OSError:
            continue
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _place(temporary: Path, path: Path) -> None:
    """Give a finished registry its name, unless another process was first: that one may already hold writes."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links.
        if not path.exists():
            os.replace(temporary, path)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A new file name beside ``path``, gone afterwards."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _shipped() -> Iterator[Path | None]:
    """The registry that comes with this distribution: inside the package, or in the checkout that it runs from."""
    from importlib import resources

    packaged = resources.files("zoo").joinpath(SHIPPED)
    if packaged.is_file():
        with resources.as_file(packaged) as path:
            yield path
        return
    checkout = Path(__file__).parents[2] / SHIPPED
    yield checkout if checkout.is_file() and checkout.stat().st_size else None


def _has_tables(path: Path) -> bool:
    try:
        with reading(path) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    except ZooError:
        return False
