"""The findings of one file with code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from zoo.team.check.codes import CODES
from zoo.team.check.governing import Governance
from zoo.team.check.ignoring import ignores, remarks
from zoo.team.check.parsing import NotChecked, Parsed, parsed
from zoo.team.check.uses import ModelUse, Pin, Uses
from zoo.team.findings import WARNING, Finding

_WHAT = {"flagged": "weights", "tagged": "weights", "packaged": "weights", "weights": "weights"}
"""What of a model is not constant, by form; the revision of others."""


def file_findings(path: Path, shown: str, governance: Governance, active: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with the models that a Python file or a notebook loads.

    Args:
        shown: its name in findings.
        active: the codes that are checked, for comments that silence nothing.
    """
    try:
        found = parsed(path)
        if found is not None:
            yield from (_problem(shown, one) for one in found.problems)
            yield from [*_of(found, path, shown, governance, active)]
    except NotChecked as problem:
        yield _problem(shown, problem)
    except (RecursionError, MemoryError):
        yield _problem(shown, NotChecked("is nested too deeply to be checked"))


def _problem(shown: str, problem: NotChecked) -> Finding:
    hint = "Fix the file, or leave it out: --ignore file-not-checked"
    name = shown.rpartition("/")[2]
    return Finding(
        "file-not-checked", WARNING, f"{name} {problem}.", hint, shown, problem.line, 1 if problem.line else 0
    )


def _of(found: Parsed, path: Path, shown: str, governance: Governance, active: frozenset[str]) -> Iterator[Finding]:
    comments = ignores(found.lines)
    for use in Uses(found.tree, lambda name: _exists(name, path.parent)):
        start, end = use.node.lineno, use.node.end_lineno or use.node.lineno
        near = [one for one in comments if start <= one.line <= end]
        for code, level, message, hint in (*_unpinned(use, governance), *governance.said(use)):
            silencing = next((one for one in near if code in one.codes), None)
            if silencing is not None:
                silencing.used.add(code)
                continue
            text = f"{message.removesuffix('.')}{found.where(start)}." if found.cells else message
            yield Finding(code, level, text, hint, shown, found.line(start), found.column(use.node), use.id)
    for comment in comments:
        for code, message, hint in remarks(comment, active):
            yield Finding(code, WARNING, message, hint, shown, found.line(comment.line), comment.column)


def _unpinned(use: ModelUse, governance: Governance) -> Iterator[tuple[str, str, str, str]]:
    code = {Pin.MISSING: "unpinned-model", Pin.MOVING: "moving-revision", Pin.UNKNOWN: "not-constant"}.get(use.pin)
    if code is None:
        return
    hint = use.hint(governance.revision(use))
    if use.pin is Pin.MISSING and not use.name:
        message = f"{use.function}() is called without a model, so the installed version of its package chooses one."
        hint = 'Name one: model="OWNER/NAME", revision="COMMIT".'
    elif use.pin is Pin.MISSING:
        message = f"'{use.name}' is loaded without a revision, so its files may change."
    elif use.pin is Pin.MOVING:
        what = "an alias" if use.form in {"packaged", "weights"} else "a branch, tag or short commit"
        message = f"'{use.name}' is loaded at '{use.revision}', {what}, which may move."
    elif use.name:
        what = _WHAT.get(use.form, "revision")
        message = f"The {what} of '{use.name}' cannot be checked, because the argument is not a constant in this file."
    else:
        message = f"The model of {use.function}() is not a constant in this file, so it cannot be checked."
        hint = "Name it in a constant, or explain it: # zoo: ignore[not-constant] reason"
    yield code, CODES[code].level, message, hint


def _exists(name: str, folder: Path) -> bool:
    try:
        return os.path.exists(folder / name) or os.path.exists(name)
    except (OSError, ValueError):
        return False
