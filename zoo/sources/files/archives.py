"""Unpacks an untrusted archive: regular files only, inside the folder, within limits, atomically."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from zoo.errors import IntegrityError, storage_errors
from zoo.sources.files.paths import unsafe

MOST_FILES = 20_000
MOST_BYTES = 1 << 30
CHUNK = 1 << 20


def unpack(archive: Path, target: Path, what: str) -> None:
    """Unpack a zip file with one top folder, whose content becomes ``target``.

    Args:
        what: the archive's name, for errors.

    Raises:
        IntegrityError: it is not a zip file, is too large when unpacked, or has a link, a device, a name that leaves
            the folder, or two names that are the same on some systems. Nothing was kept.
        StorageError: the folder cannot be written.
    """
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            with zipfile.ZipFile(archive) as opened:
                for member, path in _members(opened, what):
                    _write(opened, member, place / path, what)
            if target.exists():
                shutil.rmtree(target)
            place.rename(target)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise _refused(what, f"it is not a readable zip file ({type(error).__name__})") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _members(opened: zipfile.ZipFile, what: str) -> list[tuple[zipfile.ZipInfo, str]]:
    entries = opened.infolist()
    if len(entries) > MOST_FILES:
        raise _refused(what, f"it has {len(entries):,} entries, more than {MOST_FILES:,}")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _refused(what, f"it unpacks to more than {MOST_BYTES:,} bytes")
    found: list[tuple[zipfile.ZipInfo, str]] = []
    seen: set[str] = set()
    for entry in entries:
        _, _, path = entry.filename.partition("/")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.is_dir() and not unsafe(path.rstrip("/") or "top"):
            continue
        reason = unsafe(entry.filename) or unsafe(path)
        if reason:
            raise _refused(what, f"an entry's name {reason}: {ascii(entry.filename)[:80]}")
        if kind not in {0, stat.S_IFREG}:
            raise _refused(what, f"{ascii(path)[:80]} is a link or a device")
        if path.casefold() in seen:
            raise _refused(what, f"{ascii(path)[:80]} occurs twice")
        seen.add(path.casefold())
        found.append((entry, path))
    return found


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, what: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, path.open("xb") as file:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _refused(what, f"{ascii(path.name)[:80]} is larger than declared")
            file.write(chunk)


def _refused(what: str, reason: str) -> IntegrityError:
    return IntegrityError(f"{what} was refused: {reason}.", "Nothing was kept.")
