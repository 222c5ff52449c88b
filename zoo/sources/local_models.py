"""The models on this machine: list them, verify their files, and delete them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from zoo.contract.backbone import Progress, SilentProgress
from zoo.contract.source import Inventory, LocalModel, Verification
from zoo.entities import LocalFiles, ModelCard, ModelFile, Problem
from zoo.errors import UnknownModel
from zoo.keywords import explains_keywords
from zoo.sources.known import source, sources
from zoo.sources.resolving import at_revision, offline_card, parsed


def local_models() -> list[LocalModel]:
    """The models on this machine, by id, one entry per revision."""
    return sorted(_models(), key=lambda model: (model.id, model.files.revision or ""))


def _models() -> Iterator[LocalModel]:
    for origin in sources().values():
        if isinstance(origin, Inventory):
            for model in origin.models():
                # Files in the Hub's cache say little about the model; the registry may know more.
                yield dataclasses.replace(model, card=_registered(model) or model.card) if _cached(model) else model
        else:
            for files in origin.local():
                yield LocalModel(f"{origin.name}:{files.root.name}", files)


@explains_keywords
def verify(model: str | None = None, progress: Progress | None = None) -> list[Verification]:
    """Hash the files of a model, or of all models on this machine, and compare them with the published hashes.

    Every byte is read; remembered hashes are not used.

    Args:
        model: an id, or a name that only one model of the registry has; without ``@revision``, all its local revisions.

    Raises:
        ModelNotFound: the model is not on this machine.
    """
    progress = progress or SilentProgress()
    here = [(_card_of(one), one.files) for one in _matching(model)]
    if model is not None and not here:
        # An incomplete model is not among the local ones; its source reports what is missing.
        card = offline_card(model)
        here = [(card, LocalFiles(Path(), card.files, card.revision))]
    results: list[Verification] = []
    # Variants of a model, such as its first layers, share their files.
    checked: dict[tuple[Path, tuple[ModelFile, ...]], tuple[Problem, ...]] = {}
    for card, files in here:
        key = (files.root, files.files)
        if key not in checked:
            checked[key] = tuple(source(card.source).verify(card, progress))
        results.append(Verification(card.id, len(files.files), files.bytes, files.revision, checked[key]))
    return results


@explains_keywords
def remove(model: str) -> int:
    """Delete a model's files from this machine and return the bytes that were freed.

    Args:
        model: an id, or a name that only one model of the registry has; without ``@revision``, all its local revisions.

    Raises:
        ModelNotFound: the model is not on this machine.
        SourceError: the files do not belong to zoo; the hint says how to delete them.
    """
    card = offline_card(model)
    wanted = parsed(model)
    revision = wanted.revision if wanted else None
    if card.source == "hf":
        card = dataclasses.replace(card, revision=revision, files=card.files if revision == card.revision else ())
    return source(card.source).remove(card)


def _matching(reference: str | None) -> list[LocalModel]:
    if reference is None:
        return local_models()
    card, wanted = offline_card(reference), parsed(reference)
    if card.source != "hf":
        files = source(card.source).locate(card)
        return [_model(card, files)] if files else []
    commit = None
    if wanted is not None and wanted.revision:
        from zoo.sources.hub.cache import cached_commit

        commit = cached_commit(card.name, wanted.revision) or wanted.revision
    return [m for m in local_models() if m.id == card.id and (commit is None or m.files.revision == commit)]


def _model(card: ModelCard, files: LocalFiles) -> LocalModel:
    return LocalModel(card.id, files, card)


def _card_of(model: LocalModel) -> ModelCard:
    """The card of a local model at its local revision."""
    if model.card is not None:
        return model.card
    return at_revision(offline_card(model.id), model.files.revision)


def _cached(model: LocalModel) -> bool:
    return model.id.startswith("hf:")


def _registered(model: LocalModel) -> ModelCard | None:
    from zoo.registry import open_registry

    try:
        return at_revision(open_registry().card(model.id), model.files.revision)
    except UnknownModel:
        return None
