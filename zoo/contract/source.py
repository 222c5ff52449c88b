"""What every platform answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from zoo.contract.backbone import Progress
from zoo.entities import Entity, LocalFiles, ModelCard, Problem


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
        """The model's files on this machine, downloaded where they are missing, checked against their hashes."""
        ...

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The model's files if they are all here already; no network, no hashing."""
        ...

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """The card of a model that the registry does not know, made from what the platform says of it."""
        ...

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file that is here against what was published; the differences, empty when all is well."""
        ...

    def remove(self, card: ModelCard) -> int:
        """Delete the model's files from this machine; the number of bytes that became free."""
        ...

    def local(self) -> Iterator[LocalFiles]:
        """What is here of this platform; ``root`` tells where."""
        ...


@dataclass(frozen=True)
class SingleFiles:
    """A platform whose models are one file each, at the address in their card and with its SHA-256 there.

    A plugin gives it in place of a ``Source``: zoo downloads, verifies, lists and removes the files.

    Attributes:
        name: the part of a model id before the colon.
        title: the platform's own name.
        folder: function that gives the folder where the files are kept, such as the cache of the platform's library.
    """

    name: str
    title: str
    folder: Callable[[], Path]


@dataclass(frozen=True)
class HostedModels:
    """A platform that names models whose files are on another platform, such as the Hugging Face Hub.

    A plugin gives it in place of a ``Source``: zoo asks the other platform for everything.

    Attributes:
        name: the part of a model id before the colon.
        title: the platform's own name.
        host: name of the source that has the files, such as ``hf``.
        resolve: function of a model's name that gives its name on the host; raises ``ModelNotFound``.
        describe: function of a model's name and its card on the host that gives its own card.
    """

    name: str
    title: str
    host: str
    resolve: Callable[[str], str]
    describe: Callable[[str, ModelCard], ModelCard]


@dataclass(frozen=True)
class LocalModel(Entity):
    """A model that is on this machine.

    Attributes:
        id: its model id, without a revision.
        files: where it is, and which revision.
        card: what is known of it, where something is.
    """

    id: str
    files: LocalFiles
    card: ModelCard | None = None


@runtime_checkable
class Inventory(Protocol):
    """A source that can also name the models that it has here."""

    def models(self) -> Iterator[LocalModel]:
        """The models of this platform that are here; no network, no hashing."""
        ...


@dataclass(frozen=True)
class ModelFolder:
    """A folder on this machine whose model is to be recognised; models of the Hugging Face Hub lie in its cache.

    Attributes:
        id: the model id that the card gets.
        root: the folder.
        weights: its weights files, relative to ``root``, each with its format: ``safetensors``, ``pytorch``... Where
            weights are there in several formats, those that zoo would download.
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
    """What checking one model's files found.

    Attributes:
        files: how many files were checked.
        problems: what is wrong, empty when all is well.
    """

    id: str
    files: int
    bytes: int
    revision: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether every file is what was published."""
        return not self.problems
