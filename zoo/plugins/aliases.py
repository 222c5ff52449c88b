"""Ids that stand for other models, such as the standards of a team: ``std:text-classification/small``."""

from __future__ import annotations

import functools

from zoo.contract.source import Aliases, HostedModels, PinnedModel, SingleFiles, Source, TaskAliases
from zoo.plugins.manager import Plugins, plugins


def alias(reference: str) -> PinnedModel | None:
    """The model that a reference stands for; None if it is not an alias.

    Raises:
        ZooError: it is an alias that stands for no model.
    """
    name, colon, rest = reference.strip().partition(":")
    known = _aliases(plugins()) if colon else {}
    return known[name].target(rest) if name in known else None


def alias_names() -> tuple[str, ...]:
    """What stands before the colon of such ids, such as ``std``."""
    return tuple(_aliases(plugins()))


def aliases_of_task(task: str) -> dict[str, PinnedModel]:
    """The models of a task that ids stand for, such as the standards of a team; empty without any."""
    known = (one for one in _aliases(plugins()).values() if isinstance(one, TaskAliases))
    return {id: model for one in known for id, model in one.of_task(task).items()}


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
