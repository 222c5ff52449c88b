"""The cards of locked models, without asking a platform, and without creating a registry."""

from __future__ import annotations

import dataclasses

from zoo.entities import ModelCard
from zoo.errors import UnknownModel
from zoo.sources.files.model_files import format_of
from zoo.team.lock.entities import LockedModel


def card_of(model: LockedModel) -> ModelCard:
    """The card of a locked model, at its revision and with its files."""
    card = _known(model) or ModelCard(model.id, "other")
    return dataclasses.replace(
        card,
        revision=model.revision,
        files=model.files,
        license=card.license or model.license,
    )


def missing_weights(model: LockedModel) -> str:
    """A file of weights that the model's card has at this revision, and the lock does not; empty if there is none."""
    card, locked = _known(model), {file.path for file in model.files}
    if card is None or card.revision != model.revision:
        return ""
    return next((file.path for file in card.files if format_of(file.path) and file.path not in locked), "")


def _known(model: LockedModel) -> ModelCard | None:
    return _from_registry(model.id) or _from_plugins(model.id)


def _from_registry(id: str) -> ModelCard | None:
    from zoo.registry.opening import has_registry, open_registry

    if not has_registry():
        return None
    try:
        return open_registry().card(id)
    except UnknownModel:
        return None


def _from_plugins(id: str) -> ModelCard | None:
    from zoo.plugins import plugins

    return next((card for card in plugins().items("zoo_cards") if isinstance(card, ModelCard) and card.id == id), None)
