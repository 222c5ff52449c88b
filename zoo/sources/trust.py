"""Whose code may run here: a decision of the user's, for one repository at one commit, kept in zoo's own folder."""

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
    """Note that the code of a repository at a commit may be run.

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
    """Raise ``UnsupportedModel`` unless the user trusts this repository at this commit."""
    if commit not in _entries().get(repository, []):
        raise UnsupportedModel(
            f"'{model}' runs the code of {repository} when it is loaded, and nobody here has said that it may.",
            f"Read it first, then run: zoo pull {model}@{commit} --trust-remote-code",
        )


def _path() -> Path:
    return settings().home / FILE


def _entries() -> dict[str, list[str]]:
    try:
        found = parse_json(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): list(commits) for name, commits in found.items()} if isinstance(found, dict) else {}
