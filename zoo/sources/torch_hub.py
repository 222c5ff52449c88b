"""``torchhub:`` models: weights that torchvision publishes, and entry points of repositories at a pinned commit."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.entities import LocalFiles, ModelCard, Problem
from zoo.errors import IntegrityError, ModelNotFound, NetworkUnavailable, storage_errors
from zoo.protocols import Progress
from zoo.sources.base import LocalModel
from zoo.sources.hashing import KnownHashes, differences
from zoo.sources.hubconf import parse
from zoo.sources.listing import ListRequest, Page
from zoo.sources.paths import COMMIT
from zoo.sources.pulled import PulledModels
from zoo.sources.torch_repository import EntryName, card_of, describe_entry, fetch_repository, pinned_commit
from zoo.sources.torch_weights import REPOSITORY, describe_weights, every_card, fetch_weights


class TorchHubSource:
    """PyTorch Hub. Code of a repository is downloaded and read; it is run by nobody here."""

    name = "torchhub"
    title = "PyTorch Hub"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The file of weights, or the repository at its commit, checked.

        Raises:
            ModelNotFound, NetworkUnavailable, IntegrityError: each with what to do.
        """
        name = EntryName.parse(card.name, card.revision)
        if name.repository == REPOSITORY:
            wanted = card if _names_weights(card) else describe_weights(name.entry, name.ref)
            return self._pulled.remember(wanted, fetch_weights(wanted, progress))
        here = self._pulled.find(card.id, card.revision if COMMIT.match(card.revision or "") else None)
        if here is not None and (settings().offline or COMMIT.match(card.revision or "")):
            return self._checked(here, progress)
        if settings().offline:
            raise NetworkUnavailable(
                f"'{card.id}' is not on this machine, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
                f"Unset them and run: zoo pull {card.id}",
            )
        try:
            commit = pinned_commit(name)
        except NetworkUnavailable:
            if here is None:
                raise
            return self._checked(here, progress)
        here = self._pulled.find(card.id, commit)
        if here is not None:
            return self._checked(here, progress)
        files = fetch_repository(name.repository, commit, progress)
        conf = files.path("hubconf.py")
        if not conf.is_file():
            raise ModelNotFound(f"{name.repository} has no hubconf.py at {commit}.", "Choose another repository.")
        described = card_of(name, commit, parse(conf.read_text(encoding="utf-8", errors="replace"), name.repository))
        return self._pulled.remember(described, files)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The files when they are here."""
        model = self._pulled.find(card.id, card.revision)
        return None if model is None else model.files

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card: torchvision's own figures, or what the repository's ``hubconf.py`` says; nothing is run.

        Raises:
            ModelNotFound: with the nearest names.
            InvalidInput: the name does not look like one.
        """
        parsed = EntryName.parse(name, revision)
        if parsed.repository == REPOSITORY:
            return describe_weights(parsed.entry, parsed.ref)
        if settings().offline:
            here = self._pulled.find(f"{self.name}:{parsed.repository}:{parsed.entry}", parsed.ref)
            if here is None or here.card is None:
                raise NetworkUnavailable(
                    f"'{self.name}:{name}' is not on this machine, and zoo is offline.",
                    "Unset HF_HUB_OFFLINE and ZOO_OFFLINE.",
                )
            return here.card
        return describe_entry(parsed)

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again.

        Raises:
            ModelNotFound: it is not here.
        """
        model = self._here(card)
        with KnownHashes() as known:
            return differences(model.files.root, model.files.files, known, progress, f"Verifying {card.id}", fresh=True)

    def remove(self, card: ModelCard) -> int:
        """Delete the file of weights, or the repository at its commit.

        Raises:
            ModelNotFound: it is not here.
        """
        model = self._here(card)
        freed = model.files.bytes
        with storage_errors(model.files.root, "delete"):
            if COMMIT.match(model.files.revision or ""):
                shutil.rmtree(model.files.root)
            else:
                for file in model.files.files:
                    model.files.path(file.path).unlink()
        self._pulled.forget(model)
        return freed

    def models(self) -> Iterator[LocalModel]:
        """The models that were pulled and are here."""
        return self._pulled.models()

    def local(self) -> Iterator[LocalFiles]:
        """The files of those models."""
        for model in self.models():
            yield model.files

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """The models of the installed torchvision, on one page and without a request.

        PyTorch Hub itself has no list; an entry point of another repository comes in when it is pulled.
        """
        cards = [card for card in every_card() if wanted.task is None or wanted.task in card.tasks]
        chosen = cards[: wanted.limit]
        # Which of the weights is the default one is torchvision's affair, so the card is pinned to none.
        yield Page(tuple(dataclasses.replace(card, revision=None) for card in chosen), {}, seen=len(chosen))

    @property
    def _pulled(self) -> PulledModels:
        return PulledModels(self.name)

    def _here(self, card: ModelCard) -> LocalModel:
        model = self._pulled.find(card.id, card.revision)
        if model is None:
            raise ModelNotFound(f"'{card.id}' is not on this machine.", f"Run: zoo pull {card.id}")
        return model

    def _checked(self, model: LocalModel, progress: Progress) -> LocalFiles:
        with KnownHashes() as known:
            problems = differences(model.files.root, model.files.files, known, progress, f"Checking {model.id}")
        if problems:
            raise IntegrityError(
                f"The files of '{model.id}' are not what was pulled: {problems[0].item} {problems[0].reason}.",
                f"Run: zoo remove {model.id}, then: zoo pull {model.id}",
            )
        return model.files


def _names_weights(card: ModelCard) -> bool:
    """Whether the card's address is that of the weights which its revision names."""
    named = str(card.loader.get("weights", "")).rpartition(".")[2]
    return bool(card.url) and card.revision in {None, named}
