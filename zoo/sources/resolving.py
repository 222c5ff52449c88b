"""Resolves model references into cards: from the registry, from the platform, or from the files on this machine."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from zoo.entities import ModelCard, ModelId
from zoo.errors import InvalidInput, NetworkUnavailable, PluginError, UnknownModel, ZooError
from zoo.plugins.aliases import alias
from zoo.sources.known import source, sources

_NO_DOMAIN = "other"


def _of_aliases(find: Callable[[str], ModelCard]) -> Callable[[str], ModelCard]:
    """A function that finds the card of a reference, for aliases as well: the card of their model, pinned."""

    @functools.wraps(find)
    def finding(reference: str) -> ModelCard:
        pinned = alias(reference)
        return find(reference) if pinned is None else pinned.pin(find(str(pinned.model)))

    return finding


@_of_aliases
def resolve(model: str) -> ModelCard:
    """The card of a model: the registry's, or else the one that the model's platform provides.

    ``file:`` ids are always read from the folder. If the id has another ``@revision`` than the registry's card, the
    card gets that revision and has no files, because its files belong to the other revision.

    Args:
        model: an id, or a name that only one model of the registry has.

    Raises:
        UnknownModel: the registry does not have it, and it names no known platform.
    """
    wanted = parsed(model)
    if wanted is not None and wanted.source == "file":
        return source("file").describe(wanted.name)
    try:
        return from_registry(model)
    except UnknownModel:
        if wanted is None or wanted.source not in sources():
            raise
        return _described(wanted)


@_of_aliases
def offline_card(reference: str) -> ModelCard:
    """The registry's card, or else a minimal one that a source can work with; never uses the network."""
    wanted = parsed(reference)
    try:
        return from_registry(reference)
    except UnknownModel:
        if wanted is None or wanted.source not in sources():
            raise
    if wanted.source == "hf":
        return ModelCard(id=f"{wanted.source}:{wanted.name}", domain=_NO_DOMAIN, revision=wanted.revision)
    return _pulled_card(wanted) or _described(wanted)


def _pulled_card(wanted: ModelId) -> ModelCard | None:
    """The card that was recorded when the model was pulled; None if its source records none."""
    from zoo.sources.local.pulled import PulledModels

    model = PulledModels(wanted.source).find(f"{wanted.source}:{wanted.name}", wanted.revision)
    return None if model is None else model.card


def _described(wanted: ModelId) -> ModelCard:
    """The card that a platform provides, or the recorded one if the platform cannot be reached."""
    try:
        return source(wanted.source).describe(wanted.name, wanted.revision)
    except NetworkUnavailable:
        recorded = _pulled_card(wanted)
        if recorded is None:
            raise
        return recorded
    except (ZooError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"The plugin of the platform '{wanted.source}' failed to describe '{wanted}': "
            f"{type(error).__name__} {error}".rstrip()
            + "."
        ) from error


@_of_aliases
def card_to_pull(reference: str) -> ModelCard:
    """The card to pull: like ``resolve``, but a model of the Hub keeps the branch or tag of the reference.

    The Hub resolves the branch when the model is pulled, and its cache records the commit for offline use.
    """
    wanted = parsed(reference)
    if wanted is None or wanted.source != "hf":
        recorded = None if wanted is None else _pulled_card(wanted)
        if wanted is None or recorded is None:
            return resolve(reference)
        # Its source checks whether there is a newer revision.
        return at_revision(recorded, wanted.revision, exactly=True)
    return offline_card(reference)


def from_registry(reference: str) -> ModelCard:
    """The registry's card at the revision of the reference."""
    from zoo.registry import open_registry

    wanted = parsed(reference)
    card = open_registry().card(reference if wanted is None else f"{wanted.source}:{wanted.name}")
    return at_revision(card, wanted.revision if wanted else None)


def at_revision(card: ModelCard, revision: str | None, exactly: bool = False) -> ModelCard:
    """The card at a revision, without files if they belong to another one.

    Args:
        exactly: whether None means the newest revision, instead of the card's own.
    """
    if revision == card.revision or (revision is None and not exactly):
        return card
    return dataclasses.replace(card, revision=revision, files=())


def parsed(reference: str) -> ModelId | None:
    """The id, of an alias that of its model; None for a name without a source, which only the registry can resolve."""
    if ":" not in reference:
        return None
    pinned = alias(reference)
    if pinned is not None:
        return pinned.model
    try:
        return ModelId.parse(reference)
    except InvalidInput:
        if Path(reference).exists():
            raise InvalidInput(f"'{reference}' is a path, not a model id.", f"Write: file:{reference}") from None
        raise
