"""Where models come from: find out what an id means, bring its files here, check them, delete them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.config import settings
from zoo.contract.backbone import Progress, SilentProgress
from zoo.entities import LocalFiles, ModelCard, ModelFile, ModelId, Problem
from zoo.errors import InvalidInput, NetworkUnavailable, PluginError, UnknownModel, UnsupportedModel, ZooError, suggest

if TYPE_CHECKING:
    from zoo.contract.source import LocalModel, Source, Verification
    from zoo.sources.syncing import SyncReport

__all__ = [
    "builtin_sources",
    "download",
    "local",
    "pull",
    "remove",
    "resolve",
    "source",
    "sources",
    "sync",
    "verify",
]

_NO_DOMAIN = "other"

REFERENCES = {
    "github": "published in a repository of GitHub",
    "gitee": "published in a repository of Gitee",
    "paper": "described in a paper",
}
"""Beginnings of ids of models that the catalog has figures of, and no platform delivers."""


def builtin_sources() -> list[Source]:
    """Installed packages, local folders, the Hugging Face Hub, PyTorch Hub, Kaggle, OpenAI and openai-whisper."""
    from zoo.sources.hub import HubSource
    from zoo.sources.kaggle import KaggleSource
    from zoo.sources.local.folder import FileSource
    from zoo.sources.local.package import PackageSource
    from zoo.sources.openai import OpenAISource
    from zoo.sources.torch_hub import TorchHubSource
    from zoo.sources.whisper import WhisperSource

    return [
        PackageSource(),
        FileSource(),
        HubSource(),
        TorchHubSource(),
        KaggleSource(),
        OpenAISource(),
        WhisperSource(),
    ]


_PLATFORMS = {
    "huggingface": "hf",
    "hugging-face": "hf",
    "hub": "hf",
    "pytorch": "torchhub",
    "torch": "torchhub",
    "torchvision": "torchhub",
    "tensorflow": "kaggle",
    "tfhub": "kaggle",
    "pypi": "pkg",
    "open_clip": "openclip",
}
"""What else the platforms are called."""


def sources() -> dict[str, Source]:
    """The sources of all plugins by name; where two have the same name, the first plugin's counts."""
    from zoo.contract.source import Source
    from zoo.plugins import plugins

    found: dict[str, Source] = {}
    for candidate in plugins().items("zoo_sources", Source):
        found.setdefault(candidate.name, candidate)
    return found


def source(name: str) -> Source:
    """The source called ``name``, the part of an id before the colon.

    Raises:
        InvalidInput: there is none; with the nearest names.
    """
    known = sources()
    if name not in known:
        meant = _PLATFORMS.get(name.lower())
        hint = f"Did you mean {meant}?" if meant else suggest(name, known) or f"There are: {', '.join(sorted(known))}."
        raise InvalidInput(f"There is no source called '{name}'.", hint)
    return known[name]


def elsewhere(id: str) -> str:
    """Where the weights of a model are that zoo does not pull, in words; empty for one of a platform."""
    name = id.partition(":")[0]
    return REFERENCES[name] if name in REFERENCES and name not in sources() else ""


def download(card: ModelCard, store: Path, progress: Progress) -> LocalFiles | None:
    """The files of a model from its source, checked; None where no source has the name that its id begins with."""
    origin = sources().get(card.source)
    return None if origin is None else origin.fetch(card, store, progress)


def resolve(reference: str) -> ModelCard:
    """The card that an id means: the registry's, else what the id's source says of it.

    A folder describes itself best, so ``file:`` ids do not ask the registry. With ``@revision`` other than the card's
    own, the card comes with that revision and without files, because they are another revision's.

    Raises:
        UnknownModel: the registry does not know it, and it names no source that could be asked.
    """
    wanted = _parse(reference)
    if wanted is not None and wanted.source == "file":
        return source("file").describe(wanted.name)
    try:
        return _from_registry(reference)
    except UnknownModel:
        if wanted is None or wanted.source not in sources():
            raise
        return _described(wanted)


def pull(reference: str, progress: Progress | None = None, *, trust_remote_code: bool = False) -> LocalFiles:
    """Bring a model's files to this machine and check them; what is here already is only checked.

    Args:
        trust_remote_code: note that the model's own code, at the revision that is pulled, may run when it is loaded.

    Raises:
        SourceError: one of its kinds, with what to do.
        UnsupportedModel: no plugin delivers models of this platform.
    """
    from zoo.plugins import plugins

    card = _to_pull(reference)
    files: LocalFiles | None = plugins().first(
        "zoo_download", card=card, store=settings().models, progress=progress or SilentProgress()
    )
    if files is None and card.source in REFERENCES:
        raise UnsupportedModel(
            f"'{card.id}' is here to compare with; its weights are {REFERENCES[card.source]}, which zoo does not pull.",
            f"Get them at {card.url}, then use the folder: file:/PATH"
            if card.url
            else f"See its scores: zoo show {card.id}",
        )
    if files is None:
        raise UnsupportedModel(
            f"No plugin delivers models of the platform '{card.source}'.", f"There are: {', '.join(sorted(sources()))}."
        )
    if trust_remote_code:
        _trust(card, files)
    return files


def _trust(card: ModelCard, files: LocalFiles) -> None:
    from zoo.sources.trust import trust

    repository = card.loader.get("repository")
    if repository is None or files.revision is None:
        raise InvalidInput(f"'{card.id}' runs no code of its own.", "Leave --trust-remote-code out.")
    trust(str(repository), files.revision)


def sync(
    name: str,
    *,
    task: str | None = None,
    limit: int | None = None,
    since: str | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> SyncReport:
    """Bring the models that a platform lists into the registry; see ``zoo.sources.syncing.sync``."""
    from zoo.sources import syncing

    return syncing.sync(name, task=task, limit=limit, since=since, full=full, progress=progress)


def verify(reference: str | None = None, progress: Progress | None = None) -> list[Verification]:
    """Hash the files of one model, or of all that are here, against what was published; never from memory.

    Without ``@revision``, all revisions of the model that are here.

    Raises:
        ModelNotFound: the model is not on this machine.
    """
    from zoo.contract.source import Verification

    progress = progress or SilentProgress()
    here = [(_card_of(model), model.files) for model in _matching(reference)]
    if reference is not None and not here:
        # Not whole, so not among the local models; its source can tell what is missing.
        card = _offline_card(reference)
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


def remove(reference: str) -> int:
    """Delete a model's files from this machine, all its revisions where none is named; the bytes that became free.

    Raises:
        ModelNotFound: it is not here.
        SourceError: its files belong to someone else; the hint tells how to delete them.
    """
    card = _offline_card(reference)
    wanted = _parse(reference)
    revision = wanted.revision if wanted else None
    if card.source == "hf":
        card = dataclasses.replace(card, revision=revision, files=card.files if revision == card.revision else ())
    return source(card.source).remove(card)


def local() -> list[LocalModel]:
    """The models that are on this machine, by id; a model is listed once for each revision."""
    return sorted(_local(), key=lambda model: (model.id, model.files.revision or ""))


def _local() -> Iterator[LocalModel]:
    from zoo.contract.source import Inventory, LocalModel

    for origin in sources().values():
        if isinstance(origin, Inventory):
            for model in origin.models():
                # What is in the Hub's cache describes itself poorly; the registry may know more.
                yield dataclasses.replace(model, card=_registered(model) or model.card) if _cached(model) else model
        else:
            for files in origin.local():
                yield LocalModel(f"{origin.name}:{files.root.name}", files)


def _matching(reference: str | None) -> list[LocalModel]:
    if reference is None:
        return local()
    card, wanted = _offline_card(reference), _parse(reference)
    if card.source != "hf":
        files = source(card.source).locate(card)
        return [_model(card, files)] if files else []
    commit = None
    if wanted is not None and wanted.revision:
        from zoo.sources.hub.cache import cached_commit

        commit = cached_commit(card.name, wanted.revision) or wanted.revision
    return [m for m in local() if m.id == card.id and (commit is None or m.files.revision == commit)]


def _model(card: ModelCard, files: LocalFiles) -> LocalModel:
    from zoo.contract.source import LocalModel

    return LocalModel(card.id, files, card)


def _card_of(model: LocalModel) -> ModelCard:
    """The card of a local model at the revision that is here."""
    if model.card is not None:
        return model.card
    return _at(_offline_card(model.id), model.files.revision)


def _cached(model: LocalModel) -> bool:
    return model.id.startswith("hf:")


def _registered(model: LocalModel) -> ModelCard | None:
    from zoo.registry import open_registry

    try:
        return _at(open_registry().card(model.id), model.files.revision)
    except UnknownModel:
        return None


def _offline_card(reference: str) -> ModelCard:
    """The registry's card, or where it has none the barest that a source can work with; never asks a platform."""
    wanted = _parse(reference)
    try:
        return _from_registry(reference)
    except UnknownModel:
        if wanted is None or wanted.source not in sources():
            raise
    if wanted.source == "hf":
        return ModelCard(id=f"{wanted.source}:{wanted.name}", domain=_NO_DOMAIN, revision=wanted.revision)
    return _pulled_card(wanted) or _described(wanted)


def _pulled_card(wanted: ModelId) -> ModelCard | None:
    """What was noted of a model when it was pulled, where its source keeps such notes."""
    from zoo.sources.local.pulled import PulledModels

    model = PulledModels(wanted.source).find(f"{wanted.source}:{wanted.name}", wanted.revision)
    return None if model is None else model.card


def _described(wanted: ModelId) -> ModelCard:
    """What the source itself says of a model, or what was noted when it was pulled and the source cannot be asked."""
    try:
        return source(wanted.source).describe(wanted.name, wanted.revision)
    except NetworkUnavailable:
        noted = _pulled_card(wanted)
        if noted is None:
            raise
        return noted
    except (ZooError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"The plugin behind the platform '{wanted.source}' failed to describe '{wanted}': "
            f"{type(error).__name__} {error}".rstrip()
            + "."
        ) from error


def _to_pull(reference: str) -> ModelCard:
    """The card to pull: as ``resolve``, but what the Hub alone knows stays the branch or tag that was asked for.

    Its source resolves it when it pulls, and the Hub's cache then notes what the branch was, for offline use.
    """
    wanted = _parse(reference)
    if wanted is None or wanted.source != "hf":
        noted = None if wanted is None else _pulled_card(wanted)
        # As it was noted, but at the revision asked for: whether there is a newer one, its source finds out.
        return resolve(reference) if wanted is None or noted is None else _at(noted, wanted.revision, exactly=True)
    return _offline_card(reference)


def _from_registry(reference: str) -> ModelCard:
    from zoo.registry import open_registry

    wanted = _parse(reference)
    card = open_registry().card(reference if wanted is None else f"{wanted.source}:{wanted.name}")
    return _at(card, wanted.revision if wanted else None)


def _at(card: ModelCard, revision: str | None, exactly: bool = False) -> ModelCard:
    if revision == card.revision or (revision is None and not exactly):
        return card
    return dataclasses.replace(card, revision=revision, files=())


def _parse(reference: str) -> ModelId | None:
    """The id, or None for a bare name, which only the registry can complete."""
    if ":" not in reference:
        return None
    try:
        return ModelId.parse(reference)
    except InvalidInput:
        if Path(reference).exists():
            raise InvalidInput(f"'{reference}' is a path, not a model id.", f"Write: file:{reference}") from None
        raise
