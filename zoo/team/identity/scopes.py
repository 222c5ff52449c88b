"""Scopes: comma-separated patterns of domains and tasks, such as ``vision/*, text-classification``."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from zoo.errors import InvalidInput, suggest

EVERYTHING = "*"

_PATTERN = re.compile(r"[a-z0-9*?-]+(/[a-z0-9*?-]+)?\Z")


def scope_of(text: str) -> str:
    """A scope as it is stored.

    Raises:
        InvalidInput: it is not a list of patterns, or one covers no task; with the nearest name.
    """
    patterns = [part.strip() for part in text.split(",")]
    for pattern in patterns:
        if not _PATTERN.match(pattern):
            raise InvalidInput(
                f"'{pattern}' is not a scope.",
                "Write a task, a domain with its tasks, or all: text-classification, vision/*, *.",
            )
        if hint := misspelt(pattern):
            raise InvalidInput(f"The scope '{pattern}' covers no task.", hint)
    return ",".join(dict.fromkeys(patterns))


def misspelt(pattern: str) -> str:
    """What to write instead of a pattern that covers no task; empty if it covers one."""
    from zoo.plugins import plugins

    tasks = plugins().tasks.values()
    if any(matches(pattern, task.domain, task.name) for task in tasks):
        return ""
    domains = {task.domain for task in tasks}
    known = {f"{domain}/*" for domain in domains} | {task.name for task in tasks}
    if "/" in pattern:
        known |= {f"{task.domain}/{task.name}" for task in tasks}
    if pattern in domains:
        return f"Write {pattern}/* for all its tasks."
    return suggest(pattern, known) or f"Write a task, or a domain with its tasks: {', '.join(sorted(domains))}."


def matches(pattern: str, domain: str, task: str) -> bool:
    """Whether a pattern covers a task: ``*``, ``vision/*``, ``text-classification``."""
    return fnmatchcase(f"{domain}/{task}" if "/" in pattern else task, pattern)


def covers(scope: str, task: tuple[str, str] | None) -> bool:
    """Whether a scope covers a task, given as domain and name; None means all tasks."""
    patterns = scope.split(",")
    return EVERYTHING in patterns if task is None else any(matches(pattern, *task) for pattern in patterns)
