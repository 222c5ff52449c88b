"""Platforms whose models are single files at an address, each with its SHA-256, as plugins declare them."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.source import SingleFiles
from zoo.entities import LocalFiles, ModelCard, ModelFile
from zoo.errors import ModelNotFound, NetworkUnavailable, UnsupportedModel
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.files.http_files import fetch
from zoo.sources.files.paths import check_path
from zoo.sources.local.pulled import PulledSource

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class SingleFileSource(PulledSource):
    """The models of a declared platform; the registry has their cards, since the platform itself describes none."""

    def __init__(self, platform: SingleFiles) -> None:
        self.name, self.title, self._folder = platform.name, platform.title, platform.folder

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The file, downloaded if it is missing or damaged, checked against its published SHA-256.

        Raises:
            UnsupportedModel: the card has no address, or no hash to check the file against.
            NetworkUnavailable, IntegrityError: each with what to do.
        """
        file = card.files[0] if len(card.files) == 1 else None
        sha256 = file.sha256 if file else None
        if file is None or sha256 is None or not card.url or not _SHA256.match(sha256):
            raise UnsupportedModel(
                f"The card of '{card.id}' names no file with a SHA-256, so a download could not be verified.",
                f"Choose a model from the catalog: zoo search --source {self.name}",
            )
        folder = self._folder()
        path = folder / check_path(file.path, "The card")
        with KnownHashes() as known:
            if not path.is_file() or known.digest(path) != sha256:
                if settings().offline:
                    raise NetworkUnavailable(
                        f"'{card.id}' is not on this machine, and zoo is offline "
                        "(HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
                        f"Unset them and run: zoo pull {card.id}",
                    )
                fetch(card.url, path, file.path, lambda digest: digest == sha256, progress)
        whole = ModelFile(file.path, path.stat().st_size, sha256)
        return self.pulled.remember(card, LocalFiles(folder, (whole,), card.revision))

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """Always an error: only the registry has the cards of these models.

        Raises:
            ModelNotFound: always.
        """
        raise ModelNotFound(
            f"{self.title} has no checkpoint called '{name}'.",
            f"List them: zoo search --source {self.name}",
        )
