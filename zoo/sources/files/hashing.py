"""File hashes, and a cache of them, so that loading a model twice hashes it once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.entities import ModelFile, Problem
from zoo.untrusted import parse_json

CHUNK = 1 << 20
FILE = "hashes.json"


def digest_of(path: Path, algorithm: str = "sha256", advance: Callable[[int], None] | None = None) -> str:
    """Hash a file, in lower-case hex.

    Args:
        path: the file.
        algorithm: ``sha256``, or ``git`` for the SHA-1 of a git blob (``blob SIZE NUL content``).
        advance: called with the number of bytes read since the last call.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        if algorithm == "git":
            size = os.fstat(stream.fileno()).st_size
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        else:
            digest = hashlib.new(algorithm)
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            if advance is not None:
                advance(len(chunk))
    return digest.hexdigest()


class KnownHashes:
    """A cache of file hashes by path, size and modification time, in zoo's folder.

    It does not notice a changed file with the same size and modification time; ``zoo verify`` does not use it. A
    context manager: new hashes are written at the end.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or settings().home / FILE
        self._lock = threading.Lock()
        self._new: dict[str, list[Any]] = {}
        self._entries = _read(self.path)

    def __enter__(self) -> KnownHashes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.save()

    def digest(
        self, path: Path, algorithm: str = "sha256", fresh: bool = False, advance: Callable[[int], None] | None = None
    ) -> str:
        """The hash of a file; ``fresh`` ignores the cache."""
        real = path.resolve()
        status = real.stat()
        key, stamp = f"{algorithm}:{real}", [status.st_size, status.st_mtime_ns]
        known = self._entries.get(key)
        if not fresh and isinstance(known, list) and known[:2] == stamp and len(known) == 3:
            if advance is not None:
                advance(status.st_size)
            return str(known[2])
        digest = digest_of(real, algorithm, advance)
        with self._lock:
            self._new[key] = self._entries[key] = [*stamp, digest]
        return digest

    def save(self) -> None:
        """Write new hashes and those written by other processes; entries of deleted files are dropped."""
        if not self._new:
            return
        entries = {**_read(self.path), **self._new}
        entries = {key: value for key, value in entries.items() if os.path.exists(key.partition(":")[2])}
        # If the cache cannot be written, the next load hashes the files again.
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f"{FILE}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(entries, stream)
                os.replace(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        self._new.clear()


def differences(
    root: Path, files: Iterable[ModelFile], known: KnownHashes, progress: Progress, title: str, *, fresh: bool = False
) -> list[Problem]:
    """The files of a model that are missing or differ from the published ones in size or content."""
    files = tuple(files)
    problems = []
    with progress.step(title, sum(f.bytes or 0 for f in files) or None) as step:
        for file in files:
            reason = _difference(root / file.path, file, known, fresh, step.advance)
            if reason:
                problems.append(Problem(file.path, reason))
    return problems


def _difference(
    path: Path, file: ModelFile, known: KnownHashes, fresh: bool, advance: Callable[[int], None]
) -> str | None:
    try:
        size = path.stat().st_size
        if file.bytes is not None and size != file.bytes:
            return f"has {size} bytes instead of {file.bytes}"
        if file.sha256 and (found := known.digest(path, "sha256", fresh, advance)) != file.sha256.lower():
            return f"has SHA-256 {found} instead of {file.sha256.lower()}"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None


def _read(path: Path) -> dict[str, list[Any]]:
    try:
        entries = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(entries) if isinstance(entries, Mapping) else {}
