"""``torchhub:`` models: weights published by torchvision, and entry points of repositories at a pinned commit."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.listing import ListRequest, Page
from zoo.contract.source import LocalModel
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import ModelNotFound, NetworkUnavailable
from zoo.sources.files.paths import COMMIT
from zoo.sources.local.pulled import PulledSource
from zoo.sources.torch_hub.hubconf import parse
from zoo.sources.torch_hub.repository import EntryName, card_of, describe_entry, fetch_repository, pinned_commit
from zoo.sources.torch_hub.weights import REPOSITORY, describe_weights, every_card, fetch_weights


class TorchHubSource(PulledSource):
    """PyTorch Hub. The code of a repository is downloaded and parsed, but not run here."""

    name = "torchhub"
    title = "PyTorch Hub"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The weight file, or the repository at its commit, verified.

        Raises:
            ModelNotFound, NetworkUnavailable, IntegrityError: each with what to do.
        """
        name = EntryName.parse(card.name, card.revision)
        if name.repository == REPOSITORY:
            wanted = card if _names_weights(card) else describe_weights(name.entry, name.ref)
            return self.pulled.remember(wanted, fetch_weights(wanted, progress))
        here = self.pulled.find(card.id, card.revision if COMMIT.match(card.revision or "") else None)
        if here is not None and (settings().offline or COMMIT.match(card.revision or "")):
            return self.checked(here, progress)
        if settings().offline:
            raise _offline(card.id)
        try:
            commit = pinned_commit(name)
        except NetworkUnavailable:
            if here is None:
                raise
            return self.checked(here, progress)
        here = self.pulled.find(card.id, commit)
        if here is not None:
            return self.checked(here, progress)
        files = fetch_repository(name.repository, commit, progress)
        conf = files.path("hubconf.py")
        if not conf.is_file():
            raise ModelNotFound(f"{name.repository} has no hubconf.py at {commit}.", "Choose another repository.")
        described = card_of(name, commit, parse(conf.read_text(encoding="utf-8", errors="replace"), name.repository))
        return self.pulled.remember(described, files)

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card, from torchvision's metadata or the repository's ``hubconf.py``; no code is run.

        Raises:
            ModelNotFound: with the nearest names.
            InvalidInput: the name is not valid.
        """
        parsed = EntryName.parse(name, revision)
        if parsed.repository == REPOSITORY:
            return describe_weights(parsed.entry, parsed.ref)
        if settings().offline:
            raise _offline(f"{self.name}:{name}")
        return describe_entry(parsed)

    def pages(self, wanted: ListRequest, state: Mapping[str, Any], progress: Progress) -> Iterator[Page]:
        """The models of the installed torchvision, on one page and without a request.

        PyTorch Hub has no listing; an entry point of another repository is added when it is pulled.
        """
        cards = [card for card in every_card() if wanted.task is None or wanted.task in card.tasks]
        chosen = cards[: wanted.limit]
        # torchvision may change its default weights, so the card does not pin them.
        yield Page(tuple(dataclasses.replace(card, revision=None) for card in chosen), {}, seen=len(chosen))

    def _delete(self, model: LocalModel) -> None:
        if COMMIT.match(model.files.revision or ""):
            shutil.rmtree(model.files.root)
        else:
            super()._delete(model)


def _names_weights(card: ModelCard) -> bool:
    """Whether the card's address is that of the weights of its revision."""
    named = str(card.loader.get("weights", "")).rpartition(".")[2]
    return bool(card.url) and card.revision in {None, named}


def _offline(name: str) -> NetworkUnavailable:
    return NetworkUnavailable(
        f"'{name}' is not on this machine, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
        f"Unset them and run: zoo pull {name}",
    )
