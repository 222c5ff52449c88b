"""Data sets, and features of them."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.entities.base import Entity

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Problem(Entity):
    """An item of a data set that cannot be used: its position, and the reason."""

    item: str
    reason: str


@dataclass(frozen=True)
class LeftOut(Entity):
    """Files or items of a data set that were skipped for the same reason.

    Attributes:
        suffix: of the files, in lower case; empty if they have none, or are rows of a table.
        reason: why they were not read.
        count: how many there are.
        example: the first one.
    """

    suffix: str
    reason: str
    count: int
    example: str


TRAIN, VALIDATION, TEST = "train", "validation", "test"
"""The parts of a data set."""


@dataclass(frozen=True)
class Dataset:
    """A data set, as read from what the user named.

    Attributes:
        name: what the user typed, or the packaged name.
        input_kind: ``image``, ``text``, ``audio``, ``molecule``, ``protein`` or what a plugin adds.
        inputs: n items, decoded when indexed: ``PIL.Image`` in RGB for images, ``zoo.kinds.audio.Recording`` for
            audio, ``str`` for texts and whatever is written as text.
        targets: n class indices (``target_kind`` ``"class"``), n floats (``"number"``), n texts (``"text"``), n tuples
            of a 0 or 1 for each class (``"labels"``), None, or values of the targets' kind (``zoo.contract.kind``).
        classes: class names by index; empty for numbers.
        fingerprint: SHA-256 over the content of inputs and targets, in order, as hex.
        target_kind: ``class``, ``number``, ``text``, ``none``, or a structured one such as ``forces``.
        columns: the column of each use, if there are columns.
        problems: items left out, with the reason.
        languages: source and target language of pairs of texts, if the user named them.
        notes: how ambiguous data were read, in sentences: splits that were merged...
        passed_over: files without samples, by suffix.
        groups: n names of groups, whose samples a split keeps together; empty if samples have no groups.
        times: n times, in seconds or another unit; a split holds out the latest. Empty if samples have no times.
        places: n places in a table: ``line 7``; empty if the samples are not rows.
        parts: n names of parts (``TRAIN``, ``VALIDATION``, ``TEST``) that the data came with; empty if they have none.
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
    groups: Sequence[str] = ()
    times: Sequence[float] = ()
    places: Sequence[str] = ()
    parts: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def subset(self, indices: Sequence[int], name: str | None = None) -> Dataset:
        """The items at ``indices``, in that order; the fingerprint is derived from this one's and the indices."""
        import hashlib

        indices = [int(index) for index in indices]
        digest = hashlib.sha256(f"{self.fingerprint}:{indices}".encode()).hexdigest()
        targets: Any = None if self.targets is None else [self.targets[index] for index in indices]
        return dataclasses.replace(
            self,
            name=name or self.name,
            inputs=Subset(self.inputs, indices),
            targets=targets,
            fingerprint=digest,
            groups=[self.groups[index] for index in indices] if self.groups else (),
            times=[self.times[index] for index in indices] if self.times else (),
            places=[self.places[index] for index in indices] if self.places else (),
            parts=[self.parts[index] for index in indices] if self.parts else (),
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


class Chained(Sequence[Any]):
    """The items of several sequences, one sequence after the other, decoded when indexed."""

    def __init__(self, *parts: Sequence[Any]) -> None:
        self._parts = parts
        self._ends = list(itertools.accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        index = range(len(self))[index]
        part = bisect.bisect_right(self._ends, index)
        return self._parts[part][index - (self._ends[part - 1] if part else 0)]


class Combined(Sequence[Any]):
    """n items, each made when indexed of the items at that place in several sequences."""

    def __init__(self, make: Callable[..., Any], *parts: Sequence[Any]) -> None:
        self._make, self._parts = make, parts

    def __len__(self) -> int:
        return len(self._parts[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        return self._make(*(part[index] for part in self._parts))


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
        batch_size: maximum samples per batch.
        device: ``cpu``, ``cuda``, ``mps``.
        shard_size: samples per shard.
        batch_tokens: maximum of samples times the length of the longest, if samples have a length; None: unlimited.
        piecemeal: whether a shard may come in pieces, its samples in any order, so that finished samples can be saved
            during long or interrupted work.
    """

    layers: tuple[str, ...] = ()
    batch_size: int = 64
    device: str = "cpu"
    shard_size: int = 4096
    batch_tokens: int | None = None
    piecemeal: bool = False
