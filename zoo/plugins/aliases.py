"""Ids that stand for other models, such as the standards of a team: ``std:text-classification/small``."""

from __future__ import annotations

import functools

from zoo.contract.source import Aliases, HostedModels, PinnedModel, SingleFiles, Source
from zoo.plugins.manager import Plugins, plugins


def alias(reference: str) -> PinnedModel | None:
    """The model that a reference stands for; None if it is not an alias.

    Raises:
        ZooError: it is an alias that stands for no model.
    """
    name, colon, rest = reference.strip().partition(":")
    known = _aliases(plugins()) if colon else {}
    return known[name].target(rest) if name in known else None


@functools.lru_cache(maxsize=1)
def _aliases(found: Plugins) -> dict[str, Aliases]:
    """By name; the first plugin's counts, and none takes the name of a platform."""
    given = list(found.items("zoo_sources", (Source, SingleFiles, HostedModels, Aliases)))
    platforms = {one.name for one in given if not isinstance(one, Aliases)}
    known: dict[str, Aliases] = {}
    for one in given:
        if isinstance(one, Aliases) and one.name not in platforms:
            known.setdefault(one.name, one)
    return known
