"""The files of a project that are checked: those that git does not ignore, without links."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from zoo.config import POLICY_FILE
from zoo.errors import InvalidInput
from zoo.team.lock.entities import LOCK_FILE

PYTHON, NOTEBOOK = ".py", ".ipynb"
SKIPPED = frozenset({".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"})
"""Folders that are not searched if git does not list the files."""

GIT_SECONDS = 60
_PATTERNS = (f"*{PYTHON}", f"*{NOTEBOOK}", LOCK_FILE, f"**/{LOCK_FILE}", POLICY_FILE, f"**/{POLICY_FILE}")
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def listed(path: Path) -> tuple[Path, ...]:
    """The absolute paths of Python files, notebooks, locks and policies in a folder, sorted; of a file, its own.

    Raises:
        InvalidInput: the path does not exist, cannot be read, or is another kind of file.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.listdir(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise InvalidInput(f"There is no file or folder '{path}'.", "Check the path.") from None
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput(f"'{path}' cannot be read: {reason}.", "Check the path and its permissions.") from error
    if not stat.S_ISDIR(mode):
        if not stat.S_ISREG(mode) or not _checked(path.name):
            raise InvalidInput(
                f"'{path}' is not a Python file (.py), a notebook (.ipynb), a lock or a policy.",
                "Name such files, or a folder.",
            )
        return (Path(os.path.abspath(path)),)
    folder = Path(os.path.abspath(path))
    found = _tracked(folder) or [*_walked(folder)]
    return tuple(sorted(one for one in dict.fromkeys(found) if _regular(one)))


def _checked(name: str) -> bool:
    return name.endswith((PYTHON, NOTEBOOK)) or name in {LOCK_FILE, POLICY_FILE}


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:  # deleted, and still in git's index
        return False


def _tracked(folder: Path) -> list[Path]:
    """What git lists; empty if there is no git or no repository, or if git ignores the folder."""
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-co", "--exclude-standard", "--", *_PATTERNS]
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if result.returncode:
        return []
    return [folder / os.fsdecode(name) for name in result.stdout.split(b"\0") if name]


def _walked(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        yield from (Path(here, name) for name in files if _checked(name))
