"""Lists, clears and limits the feature cache; the least recently used files are deleted first."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.entities import Entity
from zoo.features.cache.files import PART, SUFFIX, open_rows
from zoo.features.cache.identity import FORMAT
from zoo.untrusted import parse_json

ABOUT = "about.json"
"""File in the folder of each settings: the settings themselves, and the facts of the model."""

FILLED_AFTER_EVICTION = 0.9
"""When the cache is full, files are deleted until it is filled to this fraction of the limit."""

STALE_SECONDS = 24 * 3600
"""Age after which a partly written file belongs to a process that was killed."""

_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# Features that zoo can compute again; see https://bford.info/cachedir/
"""


@dataclass(frozen=True)
class Kept(Entity):
    """Cached features of one model, at one revision, precision and set of versions.

    Attributes:
        rows: features of items, all layers together.
        used: when any of it was last used, in seconds since 1970.
    """

    model: str
    revision: str | None
    dtype: str
    device: str
    layers: tuple[str, ...]
    rows: int
    bytes: int
    used: float


def contents() -> list[Kept]:
    """The content of the cache, the most recently used first."""
    found = [_kept(folder) for folder in _folders(settings().features / f"v{FORMAT}")]
    return sorted((kept for kept in found if kept.rows), key=lambda kept: -kept.used)


def size() -> int:
    """Size of the cache in bytes."""
    return sum(status.st_size for _, status in _files(settings().features))


def clear(models: Sequence[str] = ()) -> int:
    """Delete the features of ``models``, or everything; returns the number of bytes freed."""
    freed = 0
    for version in _folders(settings().features):
        for folder in _folders(version):
            about = (read_about(folder) or {}).get("settings") or {}
            if models and about.get("model") not in models:
                continue
            freed += sum(status.st_size for _, status in _files(folder))
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def evict(root: Path, limit: int) -> int:
    """Delete the least recently used files beyond ``limit`` bytes; returns how many bytes are left.

    Partly written files of killed processes are deleted after a day.
    """
    found = sorted(_files(root), key=lambda pair: pair[1].st_mtime_ns)
    now, total = time.time(), 0
    for path, status in found:
        if path.name.endswith(PART) and now - status.st_mtime > STALE_SECONDS:
            path.unlink(missing_ok=True)
        else:
            total += status.st_size
    if total <= limit:
        return total
    for path, status in found:
        if total <= limit * FILLED_AFTER_EVICTION:
            break
        if path.suffix == SUFFIX:
            with contextlib.suppress(OSError):  # another process may hold it, or was quicker
                path.unlink()
            total -= status.st_size
    return total


_sizes: dict[Path, int] = {}


def grow(root: Path, added: int, limit: int) -> None:
    """Add bytes that this process wrote to the known size, and evict beyond the limit."""
    _sizes[root] = _sizes[root] + added if root in _sizes else sum(status.st_size for _, status in _files(root))
    if _sizes[root] > limit:
        _sizes[root] = evict(root, limit)


def mark_as_cache(root: Path) -> None:
    """Mark the folder as a cache, so that backup programs skip it.

    Raises:
        OSError: the folder cannot be written.
    """
    path = root / "CACHEDIR.TAG"
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True)
        path.write_text(_TAG, encoding="ascii")


def read_about(folder: Path) -> Mapping[str, Any] | None:
    """The description in the folder of some settings; None if it is missing or not readable."""
    try:
        document = parse_json((folder / ABOUT).read_text(encoding="utf-8"), finite=False)
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _kept(folder: Path) -> Kept:
    about = (read_about(folder) or {}).get("settings") or {}
    layers, rows, total, used = set(), 0, 0, 0.0
    for path, status in _files(folder):
        if path.suffix != SUFFIX:
            continue
        with contextlib.suppress(OSError):  # gone since it was listed
            opened = open_rows(path)
            rows += len(opened.digests) if opened else 0
        layers.add(urllib.parse.unquote(path.parent.name))
        total, used = total + status.st_size, max(used, status.st_mtime)
    return Kept(
        model=str(about.get("model", "unknown")),
        revision=about.get("revision"),
        dtype=str(about.get("dtype", "-")),
        device=str(about.get("device", "-")),
        layers=tuple(sorted(layers)),
        rows=rows,
        bytes=total,
        used=used,
    )


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            with contextlib.suppress(OSError):  # gone since it was listed
                yield path, path.stat()


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []
