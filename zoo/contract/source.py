"""The interface of platforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from zoo.contract.backbone import Progress
from zoo.entities import Entity, LocalFiles, ModelCard, ModelFile, ModelId, Problem


@runtime_checkable
class Source(Protocol):
    """A platform that models come from.

    Attributes:
        name: the part of a model id before the colon, such as ``hf``.
        title: the platform's own name.
    """

    name: str
    title: str

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The model's files on this machine, downloaded if they are missing, checked against their hashes."""
        ...

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The model's files if all are on this machine; no network, no hashing."""
        ...

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of a model that the registry does not know, from the platform's metadata."""
        ...

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Compare the hash of every local file with the published one; returns the differences."""
        ...

    def remove(self, card: ModelCard) -> int:
        """Delete the model's files from this machine; returns the number of bytes freed."""
        ...

    def local(self) -> Iterator[LocalFiles]:
        """The local models of this platform; ``root`` is their folder."""
        ...


@dataclass(frozen=True)
class SingleFiles:
    """A platform whose models are one file each, at the address in their card and with its SHA-256 there.

    A plugin returns it instead of a ``Source``: zoo downloads, verifies, lists and removes the files.

    Attributes:
        name: the part of a model id before the colon.
        title: the platform's own name.
        folder: function that returns the folder of the files, such as the cache of the platform's library.
    """

    name: str
    title: str
    folder: Callable[[], Path]


@dataclass(frozen=True)
class HostedModels:
    """A platform that names models whose files are on another platform, such as the Hugging Face Hub.

    A plugin returns it instead of a ``Source``: zoo uses the other platform for everything.

    Attributes:
        name: the part of a model id before the colon.
        title: the platform's own name.
        host: name of the source that has the files, such as ``hf``.
        resolve: function of a model's name that returns its name on the host; raises ``ModelNotFound``.
        describe: function of a model's name and its card on the host that returns its own card.
    """

    name: str
    title: str
    host: str
    resolve: Callable[[str], str]
    describe: Callable[[str, ModelCard], ModelCard]


@dataclass(frozen=True)
class PinnedModel(Entity):
    """A model at a revision, with the hashes that its files must have.

    Attributes:
        files: empty if they are not known.
    """

    model: ModelId
    files: tuple[ModelFile, ...] = ()

    @property
    def id(self) -> str:
        """The model id without its revision."""
        return f"{self.model.source}:{self.model.name}"

    def pin(self, card: ModelCard) -> ModelCard:
        """A card of the model at this revision, with these files."""
        own = card.files if card.revision == self.model.revision else ()
        return replace(card, revision=self.model.revision, files=self.files or own)


@dataclass(frozen=True)
class Published(Entity):
    """What a platform publishes of a model at one revision.

    Attributes:
        revision: a commit or version, which cannot change.
        files: the files that zoo uses, by path, each with its SHA-256.
        repository: the platform's own number of the repository, which a repository of the same name that was registered
            again does not have; None if the platform has none.
    """

    revision: str | None
    files: tuple[ModelFile, ...]
    repository: str | None = None


@runtime_checkable
class Publishes(Protocol):
    """A source that knows the hash of every file without a download of the weights."""

    def published(self, card: ModelCard, progress: Progress) -> Published:
        """What the platform publishes at the card's revision; raises ``SourceError`` as ``Source.fetch``."""
        ...


@runtime_checkable
class Aliases(Protocol):
    """Ids that stand for models of other platforms, each at a revision.

    A plugin returns it among its sources: zoo uses the model that an id stands for in its place.

    Attributes:
        name: the part of an id before the colon.
        title: name for people.
    """

    name: str
    title: str

    def target(self, name: str) -> PinnedModel:
        """The model that a name stands for; raises ``ZooError`` if there is none."""
        ...


@runtime_checkable
class TaskAliases(Protocol):
    """Aliases that can also list which ids stand for models of a task; optional."""

    def of_task(self, task: str) -> Mapping[str, PinnedModel]:
        """The models of a task, each by the id that stands for it; no network."""
        ...


@dataclass(frozen=True)
class LocalModel(Entity):
    """A model that is on this machine.

    Attributes:
        id: its model id, without a revision.
        files: its folder, files and revision.
        card: its card, if known.
    """

    id: str
    files: LocalFiles
    card: ModelCard | None = None


@runtime_checkable
class Inventory(Protocol):
    """A source that can also list its local models."""

    def models(self) -> Iterator[LocalModel]:
        """The local models of this platform; no network, no hashing."""
        ...


@dataclass(frozen=True)
class ModelFolder:
    """A local folder whose model is to be recognised; models of the Hugging Face Hub are in its cache.

    Attributes:
        id: the model id that the card gets.
        root: the folder.
        weights: its weights files, relative to ``root``, each with its format: ``safetensors``, ``pytorch``... If there
            are several formats, those that zoo would download.
    """

    id: str
    root: Path
    weights: Mapping[str, str] = field(default_factory=dict)

    @property
    def loader(self) -> dict[str, Any]:
        """``weights`` as the field ``loader`` of a card names them: path or paths, and the format."""
        paths = list(self.weights)
        return {"weights": paths[0] if len(paths) == 1 else paths, "format": self.weights[paths[0]]} if paths else {}


@dataclass(frozen=True)
class Verification(Entity):
    """The result of verifying one model's files.

    Attributes:
        files: number of files that were checked.
        problems: what is wrong; empty if nothing is.
    """

    id: str
    files: int
    bytes: int
    revision: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether every file matches what was published."""
        return not self.problems
