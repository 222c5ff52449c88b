"""Repositories whose code the user allows to run, each at one commit, stored in zoo's folder."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from zoo.config import settings
from zoo.errors import UnsupportedModel, storage_errors
from zoo.untrusted import parse_json

FILE = "trusted.json"


def trust(repository: str, commit: str) -> None:
    """Allow the code of a repository at a commit to run.

    Raises:
        StorageError: zoo's folder cannot be written.
    """
    entries = _entries()
    entries[repository] = sorted({*entries.get(repository, []), commit})
    path = _path()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{FILE}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1, sort_keys=True)
        os.replace(temporary, path)


def check_trusted(repository: str, commit: str, model: str) -> None:
    """Check that the user allows the code of a repository at a commit to run.

    Raises:
        UnsupportedModel: it is not allowed; the hint says how to allow it.
    """
    if commit not in _entries().get(repository, []):
        raise UnsupportedModel(
            f"'{model}' runs the code of {repository} when it is loaded, which is not allowed yet.",
            f"Review the code, then run: zoo pull {model}@{commit} --trust-remote-code",
        )


def _path() -> Path:
    return settings().home / FILE


def _entries() -> dict[str, list[str]]:
    try:
        found = parse_json(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): list(commits) for name, commits in found.items()} if isinstance(found, dict) else {}
