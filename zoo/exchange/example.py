"""Builds the shipped registry from this distribution's own plugins, independent of the machine."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from zoo.plugins import OWN_DISTRIBUTION, installed
from zoo.registry.creating import temporary_beside
from zoo.registry.database.connection import explained
from zoo.registry.indexing import index
from zoo.registry.migrating import upgrade

_VERSION_OF_LIBRARY = slice(96, 100)
"""Bytes of a SQLite file with the version of the library that wrote it last (file format, section 1.3.17)."""


def build(path: Path) -> dict[str, int]:
    """Write the shipped registry to ``path``, byte for byte the same for the same cards; return the number by kind.

    Raises:
        StorageError: the file cannot be written; an existing file of that name stays unchanged.
    """
    present = {
        point.name: point.dist.version for point in installed() if point.dist and point.dist.name == OWN_DISTRIBUTION
    }
    with explained(path, "create"), temporary_beside(path) as draft, temporary_beside(path) as compact:
        upgrade(draft)
        counts = index(draft, present, present)
        compact.unlink()
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute("UPDATE state SET value = 'shipped' WHERE name = 'generation'")
            connection.execute("ANALYZE")
            connection.execute("VACUUM INTO ?", [str(compact)])
        finally:
            connection.close()
        content = bytearray(compact.read_bytes())
        content[_VERSION_OF_LIBRARY] = bytes(4)
        compact.write_bytes(content)
        os.chmod(compact, 0o644)
        os.replace(compact, path)
    return counts
