"""Creates registry files: copies of the shipped registry, or empty ones."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError
from zoo.registry.database.connection import explained, reading

SHIPPED = "registry.db.example"


def create(path: Path, *, empty: bool = False) -> None:
    """Create a registry: a copy of the shipped one, or an empty one; an incomplete file is never left behind.

    Raises:
        StorageError: the folder cannot be written to, or the disk is full.
    """
    import shutil

    with explained(path, "create"), temporary_beside(path) as temporary:
        with shipped() as origin:
            if origin is not None and not empty:
                shutil.copyfile(origin, temporary)
        connection = sqlite3.connect(temporary)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        if empty or not temporary.stat().st_size or not _has_tables(temporary):
            from zoo.registry.migrating import upgrade

            upgrade(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        _place(temporary, path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _place(temporary: Path, path: Path) -> None:
    """Move a finished registry into place, unless another process was first, whose file may already hold writes."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:
        # The file system has no hard links.
        if not path.exists():
            os.replace(temporary, path)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path``, deleted at the end."""
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
def shipped() -> Iterator[Path | None]:
    """The registry that ships with this distribution: inside the package, or in the checkout; None if there is none."""
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
