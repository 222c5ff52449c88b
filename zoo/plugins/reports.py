"""The report of a plugin, and sentences on its errors."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.entities import Entity

MOVED = {
    "zoo.hookspecs": "zoo.contract.hooks",
    "zoo.protocols": "zoo.contract.backbone",
    "zoo.data.reading": "zoo.contract.reader",
    "zoo.sources.base": "zoo.contract.source",
    "zoo.transfer.estimator": "zoo.contract.estimator",
    "zoo.adapt.metrics": "zoo.contract.metric",
    "zoo.adapt.strategies": "zoo.contract.strategy",
    "zoo.adapt.structured": "zoo.contract.kind",
    "zoo.data.audio": "zoo.kinds.audio",
    "zoo.data.images": "zoo.kinds.image",
    "zoo.recommend": "zoo.selection",
}
"""Modules that plugins for the contract of zoo 0.1 import, and where their content is now."""

LONGEST_CAUSE = 300
"""Maximum characters of a plugin's error that are shown; those of some libraries fill pages."""


@dataclasses.dataclass(frozen=True)
class PluginReport(Entity):
    """The facts about a plugin for ``zoo plugins``.

    Attributes:
        name: the entry point's name.
        hooks: the hooks that it implements, without the prefix ``zoo_``.
        error: why it was left out, or what its hook raised; empty while it is healthy.
    """

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str = ""

    @property
    def healthy(self) -> bool:
        """Whether it loaded and no hook of it has failed so far."""
        return not self.error


def taken(first: PluginReport) -> str:
    """The error if another plugin already has the name."""
    return f"PluginError: {first.distribution or 'another plugin'} already has a plugin of that name."


def outdated(error: BaseException) -> str:
    """What to change in a plugin of an earlier contract; empty if the error is of another sort."""
    missing = error.name or "" if isinstance(error, ImportError) else ""
    now = next((new for old, new in MOVED.items() if f"{missing}.".startswith(f"{old}.")), "")
    if not now:
        return ""
    return f"it is written for the plugin contract of zoo 0.1; '{missing}' is now '{now}' (docs/plugins.md)."


def sentence(error: BaseException) -> str:
    """An error as one sentence with its type."""
    text = " ".join(str(error).split()) or "no message"
    text = text if len(text) <= LONGEST_CAUSE else text[:LONGEST_CAUSE] + "..."
    return f"{type(error).__name__}: {text}" + ("" if text.endswith((".", "!", "?")) else ".")


def names(kind: Any) -> str:
    """Names of types, for messages."""
    return " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))


def article(name: str) -> str:
    """A noun with its indefinite article."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
