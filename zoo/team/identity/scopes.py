"""Scopes: comma-separated patterns of domains and tasks, such as ``vision/*, text-classification``."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from zoo.errors import InvalidInput

EVERYTHING = "*"

_PATTERN = re.compile(r"[a-z0-9*?-]+(/[a-z0-9*?-]+)?\Z")


def scope_of(text: str) -> str:
    """A scope as it is stored.

    Raises:
        InvalidInput: it is not a list of patterns.
    """
    patterns = [part.strip() for part in text.split(",")]
    for pattern in patterns:
        if not _PATTERN.match(pattern):
            raise InvalidInput(
                f"'{pattern}' is not a scope.",
                "Write a task, a domain with its tasks, or all: text-classification, vision/*, *.",
            )
    return ",".join(dict.fromkeys(patterns))


def matches(pattern: str, domain: str, task: str) -> bool:
    """Whether a pattern covers a task: ``*``, ``vision/*``, ``text-classification``."""
    return fnmatchcase(f"{domain}/{task}" if "/" in pattern else task, pattern)


def covers(scope: str, task: tuple[str, str] | None) -> bool:
    """Whether a scope covers a task, given as domain and name; None means all tasks."""
    patterns = scope.split(",")
    return EVERYTHING in patterns if task is None else any(matches(pattern, *task) for pattern in patterns)
