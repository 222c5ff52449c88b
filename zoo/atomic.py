"""Writes files atomically: readers see the old content or the new one, also after a crash."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import storage_errors


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
