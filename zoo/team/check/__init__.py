"""``zoo check``: which models the code of a project loads, whether they are pinned, locked and allowed.

Python code is parsed, never imported or run. Neither network nor registry is needed.
"""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from zoo.config import POLICY_FILE, policy_files
from zoo.team.check.codes import CODES, check_patterns, covered
from zoo.team.check.files import file_findings
from zoo.team.check.governing import Governance, policy_findings
from zoo.team.check.listing import NOTEBOOK, PYTHON, listed
from zoo.team.check.report import Report
from zoo.team.findings import ERROR, Finding
from zoo.team.lock.entities import LOCK_FILE, Lock

__all__ = ["Report", "check"]

OF_LOCK = frozenset({"model-not-locked", "model-denied", "model-not-approved", "model-warned"})
"""Codes in code that need what the lock says of a model."""

INVALID = "policy-invalid"

_Place: TypeAlias = "tuple[Path | None, tuple[Path, ...]]"


def check(
    paths: Sequence[Path],
    *,
    code: bool = True,
    lock: bool = True,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
) -> Report:
    """Check projects: their code, locks and policies.

    Args:
        paths: folders and files.
        code: whether to check Python files and notebooks.
        lock: whether to check locks, and models in code against them.
        select: codes to report, with ``*``; empty for all.
        ignore: codes not to report.
        strict: report warnings as errors.

    Raises:
        InvalidInput: a path does not exist or is not a file to check, or there is no such code.
        LockError: a lock cannot be read.
    """
    chosen, left_out = check_patterns(select), check_patterns(ignore)
    project = _Project(paths, lock)
    active = frozenset(CODES) if lock else frozenset(CODES) - OF_LOCK
    found = [*project.policies(), *(project.locks() if lock else ()), *(project.code(active) if code else ())]
    kept = [one for one in found if (not chosen or covered(one.code, chosen)) and not covered(one.code, left_out)]
    if strict:
        kept = [dataclasses.replace(one, level=ERROR) for one in kept]
    kept.sort(key=lambda one: (one.file, one.line, one.column, one.code, one.message))
    checked = [path for path in project.files if code or path.suffix not in {PYTHON, NOTEBOOK}]
    names = dict.fromkeys(
        (*map(_shown, (*project.policy_paths, *project.lock_paths, *checked)), *(f.file for f in kept))
    )
    return Report(tuple(dict.fromkeys(kept)), tuple(filter(None, names)))


class _Project:
    """The files of some paths, with the locks and policies that apply to them."""

    def __init__(self, paths: Sequence[Path], lock: bool) -> None:
        from zoo.team.lock.reading import read_lock

        absolute = [Path(os.path.abspath(path)) for path in paths]
        self.files = tuple(dict.fromkeys(file for path in paths for file in listed(path)))
        folders = [path if path.is_dir() else path.parent for path in absolute]
        folders += [file.parent for file in self.files]
        self._places: dict[Path, _Place] = {}
        places = dict.fromkeys(map(self._place, folders))
        self.lock_paths = tuple(dict.fromkeys(place[0] for place in places if lock and place[0] is not None))
        named = policy_files()
        by_name = bool(os.environ.get("ZOO_POLICY", "").strip())
        locks: dict[Path | None, Lock] = {path: read_lock(path) for path in self.lock_paths}
        self._governance = {
            place: Governance(named if by_name else tuple(dict.fromkeys((*place[1], *named))), locks.get(place[0]))
            for place in places
        }
        self.policy_paths = tuple(dict.fromkeys(path for one in self._governance.values() for path in one.paths))

    def _place(self, folder: Path) -> _Place:
        """The nearest lock of a folder, and the policies in it and above it."""
        found = self._places.get(folder)
        if found is None:
            lock, policies = self._place(folder.parent) if folder.parent != folder else (None, ())
            if os.path.isfile(own := folder / LOCK_FILE):
                lock = own
            if os.path.lexists(own := folder / POLICY_FILE):
                policies = (own, *policies)
            found = self._places[folder] = (lock, policies)
        return found

    def policies(self) -> Iterator[Finding]:
        """What is wrong with the policies."""
        for path in self.policy_paths:
            yield from policy_findings(path, _shown(path))

    def locks(self) -> Iterator[Finding]:
        """What is wrong with the locks."""
        from zoo.team.lock.comparing import check_lock

        for path in self.lock_paths:
            for finding in check_lock(path.parent):
                if finding.code != INVALID:  # found in the policy itself
                    yield dataclasses.replace(finding, file=_shown(path))

    def code(self, active: frozenset[str]) -> Iterator[Finding]:
        """What is wrong with the models in code."""
        with _no_collector():
            for file in self.files:
                if file.name not in {LOCK_FILE, POLICY_FILE}:
                    yield from file_findings(file, _shown(file), self._governance[self._place(file.parent)], active)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without Python's collector of cycles, which takes a quarter of the time; syntax trees have no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _shown(path: Path) -> str:
    """A file relative to the working directory if it is below it, with forward slashes."""
    text, start = os.fspath(path), os.path.join(os.getcwd(), "")
    return text.removeprefix(start).replace(os.sep, "/")
