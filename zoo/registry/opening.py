"""Opens the user's registry: creates it from the shipped one, upgrades it, and indexes the cards of new plugins."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from zoo.config import settings
from zoo.errors import StorageError
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location, Server, located
from zoo.registry.registry import Registry

ENVIRONMENT = "environment"
"""Name of the note that lists the Python environments whose plugins are indexed."""

MOST_ENVIRONMENTS = 16

_opened: dict[tuple[Location, int], Registry] = {}


def own_location() -> Location:
    """The location of the user's registry.

    Raises:
        InvalidInput: ``ZOO_REGISTRY`` is the URL of an unsupported database.
    """
    chosen = settings()
    return located(chosen.registry_url or chosen.registry)


def has_registry() -> bool:
    """Whether the user has a registry: a file that exists, or a server; raises as ``own_location``."""
    location = own_location()
    return not isinstance(location, Path) or location.exists()


def open_registry(path: Location | str | None = None) -> Registry:
    """Open the registry at ``path``, or the user's own; a missing file is created from the shipped registry.

    The cards of plugins that were installed, upgraded or removed since the last time are indexed.

    Args:
        path: path of a SQLite file, or URL of a PostgreSQL database.

    Raises:
        RegistryError: it is not a registry, was written by a newer zoo, or its server cannot be reached.
        StorageError: it must be written and cannot be.
    """
    location = own_location() if path is None else path if isinstance(path, Server) else located(path)
    if isinstance(location, Path) and not location.exists():
        from zoo.registry.creating import create

        create(location)
    known = (location, _inode(location))
    if known not in _opened:
        bring_up_to_date(location)
        known = (location, _inode(location))
        _opened[known] = Registry(location)
    return _opened[known]


def _inode(location: Location) -> int:
    return location.stat().st_ino if isinstance(location, Path) else 0


def bring_up_to_date(path: Location, *, force: bool = False) -> dict[str, int]:
    """Upgrade the schema and index the cards of changed plugins; return the number of cards and scores written.

    An empty PostgreSQL database gets its tables and the content of the shipped registry.

    Args:
        force: index the cards of all plugins again.
    """
    with reading(path) as connection:
        found = schema.revision(connection, path)
    if found is None and isinstance(path, Path):
        raise schema.not_ours(path)
    if found != schema.HEAD:
        from zoo.registry.migrating import upgrade

        upgrade(path)
        if found is None:
            from zoo.registry.copying import copy_shipped

            copy_shipped(path)
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
        # A read-only registry can still be read.
    return {}


def _environment() -> str:
    """A digest that changes when a distribution is installed, upgraded or removed; faster than listing them."""
    parts = []
    for entry in sys.path:
        try:
            parts.append(f"{entry}\0{os.stat(entry or '.').st_mtime_ns}")
        except OSError:
            continue
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
