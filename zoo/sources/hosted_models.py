"""Platforms whose models are hosted on another platform, as plugins declare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zoo.contract.backbone import Progress
from zoo.contract.source import HostedModels, Source
from zoo.entities import LocalFiles, ModelCard, Problem
from zoo.errors import MissingDependency, ModelNotFound


class HostedSource:
    """The models of a declared platform; the host downloads, verifies and deletes their files.

    Args:
        find: function that gives the source with a name.
    """

    def __init__(self, platform: HostedModels, find: Callable[[str], Source]) -> None:
        self.name, self.title = platform.name, platform.title
        self._platform, self._find = platform, find

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The files from the host, at the card's revision.

        Raises:
            ModelNotFound: there is no such model.
            SourceError: the host cannot deliver the files.
        """
        hosted = self._host.describe(self._platform.resolve(card.name), card.revision)
        return self._host.fetch(hosted, store, progress)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The host's files if they are all here; None too if the package that knows the names is not installed."""
        try:
            return self._host.locate(self.hosted(card))
        except (ModelNotFound, MissingDependency):
            return None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card that the platform makes of the host's card.

        Raises:
            ModelNotFound: there is no such model.
        """
        found = self._host.describe(self._platform.resolve(name), revision)
        return replace(self._platform.describe(name, found), id=f"{self.name}:{name}")

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again."""
        return self._host.verify(self.hosted(card), progress)

    def remove(self, card: ModelCard) -> int:
        """Delete the files from the host's cache and return the bytes that were freed."""
        return self._host.remove(self.hosted(card))

    def local(self) -> Iterator[LocalFiles]:
        """None: the host lists them among its own."""
        return iter(())

    @property
    def _host(self) -> Source:
        return self._find(self._platform.host)

    def hosted(self, card: ModelCard) -> ModelCard:
        """The same model on the host, by its id only.

        Raises:
            ModelNotFound: there is no such model.
        """
        name = self._platform.resolve(card.name)
        return ModelCard(f"{self._platform.host}:{name}", card.domain, revision=card.revision)
