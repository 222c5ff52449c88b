"""Reads ``zoo.lock``: a file of others, so everything in it is checked."""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.entities import ModelFile, ModelId
from zoo.errors import InvalidInput, LockError, LockNotice, PolicyError
from zoo.sources.files.paths import COMMIT, unsafe
from zoo.team.lock.entities import LOCK_FILE, LOCK_VERSION, Agreed, Lock, LockedModel
from zoo.team.policy import reading
from zoo.team.standards.entities import Place

MOST_BYTES = 4 << 20
"""Maximum size of a lock, in bytes."""

LOCK_KEYS = ("lock-version", "created-by", "policy", "audit-head", "models", "tool")
MODEL_KEYS = (
    "id",
    "standard",
    "revision",
    "license",
    "repository-id",
    "requires",
    "approved",
    "decision",
    "files",
    "tool",
)
VERDICTS = ("allow", "warn", "needs-approval")

_RESTORE = "Restore the file from git, or delete it and run: zoo lock"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HEAD = re.compile(r"[1-9]\d{0,14}:[0-9a-f]{64}\Z")
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\Z")
_CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?:[ \r\n]|\Z)", re.MULTILINE)


def find_lock(folder: Path) -> Path | None:
    """The nearest lock in a folder and those above it, like git finds its root; None if there is none."""
    folder = folder.absolute()
    return next((place / LOCK_FILE for place in (folder, *folder.parents) if os.path.lexists(place / LOCK_FILE)), None)


def read_lock(path: Path) -> Lock:
    """The content of a lock.

    Raises:
        LockError: it cannot be read, is not valid, or is of a newer version; with the line where one is known.
    """
    content = content_of(path)
    if line := conflict_line(content):
        raise LockError(
            f"{path.name}:{line} has the marks of a merge conflict.", "Take the models of both sides: zoo lock"
        )
    return parsed(path, content)


def parsed(path: Path, content: bytes) -> Lock:
    """A lock of this content; raises as ``read_lock``."""
    try:
        return _lock(path, content)
    except PolicyError as error:
        nearest = f"{error.hint} " if error.hint.startswith("Did you mean") else ""
        raise LockError(error.message, f"{nearest}{_RESTORE}") from error


def check_text(path: Path, text: str) -> None:
    """Check that what is to be written can be read.

    Raises:
        LockError: it cannot.
    """
    try:
        _lock(path, text.encode())
    except PolicyError as error:
        raise LockError(f"The lock could not be read again: {error.message}", "Nothing was written.") from error


def conflict_line(content: bytes) -> int:
    """The line of the first mark of a merge conflict; 0 if there is none."""
    conflict = _CONFLICT.search(content)
    return 0 if conflict is None else content.count(b"\n", 0, conflict.start()) + 1


def content_of(path: Path) -> bytes:
    """The bytes of a lock.

    Raises:
        LockError: it is missing, cannot be read, or is too large.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise LockError(f"{path} is not a file.", "Write a lock: zoo lock")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise LockError(f"There is no lock '{path}'.", "Write one: zoo lock") from None
    except OSError as error:
        raise LockError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.", _RESTORE) from error
    if len(content) > MOST_BYTES:
        raise LockError(f"{path.name} is larger than {MOST_BYTES:,} bytes.", "Split the project into several locks.")
    return content


def _lock(path: Path, content: bytes) -> Lock:
    top = reading.Place(path.name, 1)
    document = reading.parse(content, path.name, MOST_BYTES)
    newer = _is_newer(document.get("lock-version"), top)
    # A later version of the same kind may have more keys.
    extra, more = (tuple(document), True) if newer else ((), False)
    table = reading.Table(document, top, "The lock", (*LOCK_KEYS, *extra))
    lines = reading.Lines(content.decode("utf-8-sig"))
    entries = table.tables("models")
    places = [reading.Place(path.name, line) for line in lines.headers("models", len(entries))]
    models = tuple(_model(entry, place, more) for entry, place in zip(entries, places, strict=True))
    _check_unique(models, places)
    policy = reading.Table(table.table("policy"), top, "The policy of the lock", ("name", "sha256"))
    head = table.text("audit-head", "")
    if head and not _HEAD.match(head):
        raise top.error("'audit-head' must be a number and 64 hex digits: 412:c77b....")
    return Lock(
        path,
        models,
        _digest(policy, "sha256") if policy.values else None,
        policy.text("name", ""),
        head or None,
    )


def _is_newer(version: Any, place: reading.Place) -> bool:
    found = _VERSION.match(version) if isinstance(version, str) else None
    if found is None:
        raise place.error(f"'lock-version' must be text such as \"{LOCK_VERSION}\".")
    major, minor = (int(part) for part in LOCK_VERSION.split("."))
    if int(found[1]) != major:
        raise LockError(
            f"{place.file} has the version {version}, and this zoo reads {LOCK_VERSION}.",
            "Upgrade zoo: pip install --upgrade foundation-zoo",
        )
    if int(found[2]) <= minor:
        return False
    message = (
        f"{place.file} has the version {version}, newer than {LOCK_VERSION}; what this zoo does not know is ignored."
    )
    warnings.warn(message, LockNotice, stacklevel=2)
    return True


def _model(entry: Any, place: reading.Place, more: bool) -> LockedModel:
    known = (*MODEL_KEYS, *entry) if more and isinstance(entry, dict) else MODEL_KEYS
    table = reading.Table(entry, place, "A model of the lock", known)
    id, revision = table.text("id"), table.text("revision", "") or None
    standard = table.text("standard", "") or None
    try:
        parsed = ModelId.parse(id)
        if parsed.revision or parsed.source in {"file", "std"}:
            raise place.error(f"'{id}' cannot be locked: write source:name, and the revision in 'revision'.")
        if standard is not None and str(Place.parse(standard)) != standard:
            raise place.error(f"'{standard}' is not a standard.")
    except InvalidInput as error:
        raise place.error(error.message) from None
    if parsed.source == "hf" and not COMMIT.match(revision or ""):
        raise place.error(f"'{id}' has no commit of 40 hex digits as its revision.")
    if standard is None and "approved" in table.values:
        raise place.error(f"'{id}' has an approval, but is not locked as a standard.")
    decision = reading.Table(table.table("decision"), place, "The decision", ("verdict", "rules"))
    return LockedModel(
        id,
        tuple(_files(table, place)),
        standard,
        revision,
        table.text("license", "") or None,
        table.text("repository-id", "") or None,
        decision.name("verdict", VERDICTS, "allow"),
        decision.texts("rules"),
        _agreed(table, place),
        table.texts("requires"),
    )


def _files(table: reading.Table, place: reading.Place) -> Sequence[ModelFile]:
    files, seen = [], set()
    for entry in table.tables("files"):
        file = reading.Table(entry, place, "A file of the lock", ("path", "bytes", "sha256"))
        path = file.text("path")
        if why := unsafe(path):
            raise place.error(f"The path {ascii(path)[:120]} {why}.")
        if path in seen:
            raise place.error(f"The file '{path}' is listed twice.")
        seen.add(path)
        files.append(ModelFile(path, file.number("bytes", -1, 0), _digest(file, "sha256")))
    if not files:
        raise place.error("A model of the lock has no files.")
    return files


def _agreed(table: reading.Table, place: reading.Place) -> Agreed | None:
    values = table.table("approved")
    if not values:
        return None
    found = reading.Table(values, place, "The approval", ("proposal", "by", "on", "policy"))
    day = found.day("on").isoformat()
    return Agreed(found.number("proposal", 0, 1), found.texts("by"), day, _digest(found, "policy"))


def _digest(table: reading.Table, key: str) -> str:
    value = table.text(key)
    if not _SHA256.match(value):
        raise table.place.error(f"'{key}' of {table.inside} must be a SHA-256, 64 hex digits in lower case.")
    return value


def _check_unique(models: Sequence[LockedModel], places: Sequence[reading.Place]) -> None:
    seen: set[str] = set()
    for model, place in zip(models, places, strict=True):
        name = model.standard or model.id
        if name in seen:
            raise place.error(f"'{name}' is locked twice.")
        seen.add(name)
