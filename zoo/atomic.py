"""Files and processes: files written atomically, and locks that only one process can hold."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError, storage_errors


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new hidden path beside ``path``; what is written there replaces ``path`` once the block ends without an error.

    The folder must exist: one created from a mistyped path would be hard to find.

    Raises:
        StorageError: the file cannot be written; an existing file of that name stays unchanged.
    """
    place = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    with storage_errors(path):
        try:
            yield place
            with place.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(place, path)
        finally:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path, busy: ZooError) -> Iterator[None]:
    """Hold the lock file ``path``, which is created; the lock of a killed process is released.

    Raises:
        ZooError: ``busy``, if another process holds the lock.
        StorageError: the file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    with storage_errors(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise busy from None
    try:
        yield
    finally:
        lock.release()
