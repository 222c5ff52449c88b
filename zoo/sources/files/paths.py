"""Checks that the file names of a platform stay inside the folder that they are written to."""

from __future__ import annotations

import re

from zoo.errors import IntegrityError

COMMIT = re.compile(r"[0-9a-f]{40}\Z")
ETAG = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
LONGEST_NAME = 255
LONGEST_PATH = 1024
_DRIVE = re.compile(r"[A-Za-z]:")


def unsafe(path: object) -> str | None:
    """Why a relative path must not be written to; None if it is safe on every system."""
    if not isinstance(path, str) or not path:
        return "is empty"
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "contains a control character"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute"
    if "\\" in path:
        return "contains a backslash"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "does not stay in its folder"
    if len(encoded) > LONGEST_PATH or any(len(part.encode("utf-8")) > LONGEST_NAME for part in parts):
        return "is too long"
    return None


def check_path(path: object, publisher: str) -> str:
    """Check that a path is safe to write to and return it.

    Raises:
        IntegrityError: it is absolute, leaves its folder, or is not a valid file name on some system.
    """
    reason = unsafe(path)
    if reason:
        shown = ascii(path)[:120]
        raise IntegrityError(
            f"{publisher} lists a file whose name {reason}: {shown}.",
            "Nothing was written. Report it to the platform, and choose another model.",
        )
    return str(path)
