"""Looks at a data set: what is in it, and what may go wrong with it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.data.identity import in_files, undecoded
from zoo.data.items import item_facts
from zoo.entities import Dataset, Entity, LeftOut, Problem

LISTED = 10
"""How many duplicates are listed."""

_SUFFIX = re.compile(r"(\.[A-Za-z]\w{0,9})\)?\Z")
"""The suffix of a file that an item is, or that its row names in brackets."""


@dataclass(frozen=True)
class Lengths(Entity):
    """How long texts are; ``p95`` is the length that 95 % do not exceed."""

    minimum: int
    median: int
    p95: int
    maximum: int


@dataclass(frozen=True)
class ImageSizes(Entity):
    """Width and height in pixels of the images of least, median and most area, and images by colour mode."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    modes: Mapping[str, int]


@dataclass(frozen=True)
class Duplicate(Entity):
    """Items of exactly the same content; ``labels`` has more than one entry where they contradict each other."""

    items: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def conflicting(self) -> bool:
        """Whether equal items have different labels."""
        return len(self.labels) > 1


@dataclass(frozen=True)
class Profile(Entity):
    """What a data set is made of.

    Attributes:
        classes: samples by class name, in the order of the class indices; empty for numbers.
        balance: entropy of the classes over that of equally frequent ones, from 0 (one class) to 1.
        imbalance: samples of the largest class over those of the smallest.
        numbers: minimum, mean and maximum of numeric targets.
        images: sizes and modes, for images.
        characters, words: lengths, for texts.
        repeated: how many items have the content of an earlier one: the same text but for case and white space, the
            same molecule, or the same bytes of a file.
        by_files: whether items were compared by the bytes of their files, so that the same image in two formats is not
            found; a split compares what is decoded.
        conflicting: how many groups of equal items have different labels.
        duplicates: the first groups of equal items, contradicting ones first.
        problems: items left out, with the reason.
        left_out: these items by suffix and reason.
        passed_over: files among the samples that hold none, by suffix.
        columns: which column was taken for what.
        bytes: size of the content: files, pixels, or texts in UTF-8.
        warnings: what to watch out for, in sentences.
    """

    name: str
    samples: int
    input_kind: str
    target_kind: str
    fingerprint: str
    classes: Mapping[str, int] = field(default_factory=dict)
    balance: float | None = None
    imbalance: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    images: ImageSizes | None = None
    characters: Lengths | None = None
    words: Lengths | None = None
    repeated: int = 0
    by_files: bool = False
    conflicting: int = 0
    duplicates: tuple[Duplicate, ...] = ()
    problems: tuple[Problem, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    passed_over: tuple[LeftOut, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    bytes: int = 0
    warnings: tuple[str, ...] = ()


def profile_dataset(dataset: Dataset) -> Profile:
    """Look at each item once; no two are held at a time, only a digest of 16 bytes of each."""
    from dataclasses import replace

    look = _Look(dataset)
    for index in range(len(dataset)):
        look.at(index)
    counts = _class_counts(dataset)
    found = Profile(
        dataset.name,
        len(dataset),
        dataset.input_kind,
        dataset.target_kind,
        dataset.fingerprint,
        counts,
        _balance(counts.values()),
        _imbalance(counts.values()),
        _numbers(dataset),
        look.images(),
        _lengths(look.characters),
        _lengths(look.words),
        look.repeated,
        in_files(dataset),
        *look.duplicates(),
        dataset.problems,
        by_reason(dataset.problems),
        dataset.passed_over,
        dict(dataset.columns),
        look.bytes,
        dataset.notes,
    )
    from zoo.data.cautions import cautions

    return replace(found, warnings=(*found.warnings, *cautions(found)))


def by_reason(problems: Sequence[Problem]) -> tuple[LeftOut, ...]:
    """Items that were left out, by suffix and reason: whole folders first, then the most frequent."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        suffix = _SUFFIX.search(problem.item.partition(": ")[0])
        groups.setdefault((suffix[1].lower() if suffix else "", problem.reason), []).append(problem)
    ordered = sorted(groups.items(), key=lambda group: (not group[1][0].item.endswith("/"), -len(group[1])))
    return tuple(LeftOut(suffix, reason, len(found), found[0].item) for (suffix, reason), found in ordered)


class _Look:
    """What accumulates while the items pass; histograms, so that memory follows the variety and not the number."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.bytes = self.repeated = 0
        self.characters: Counter[int] = Counter()
        self.words: Counter[int] = Counter()
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._modes: Counter[str] = Counter()
        self._digests = undecoded(dataset)
        self._first: dict[bytes, int] = {}
        self._equal: dict[int, list[int]] = {}

    def at(self, index: int) -> None:
        facts = item_facts(self.dataset.inputs, index)
        self.bytes += facts.bytes
        if facts.size is not None:
            self._sizes[facts.size] += 1
            self._modes[facts.mode or "?"] += 1
        if self.dataset.input_kind == "text":
            text = self.dataset.inputs[index]
            self.characters[len(text)] += 1
            self.words[len(text.split())] += 1
        digest = facts.digest[:16] if self._digests is None else bytes(self._digests[index])
        first = self._first.setdefault(digest, index)
        if first != index:
            self.repeated += 1
            self._equal.setdefault(first, [first]).append(index)

    def images(self) -> ImageSizes | None:
        if not self._sizes:
            return None
        by_area = Counter({(w * h, w, h): count for (w, h), count in self._sizes.items()})
        smallest, middle, largest = (_quantile(by_area, q)[1:] for q in (0.0, 0.5, 1.0))
        return ImageSizes(smallest, middle, largest, dict(self._modes.most_common()))

    def duplicates(self) -> tuple[int, tuple[Duplicate, ...]]:
        """How many groups contradict themselves, and the first groups, those first."""
        labels = {first: self._labels(group) for first, group in self._equal.items()}
        order = sorted(self._equal, key=lambda first: (len(labels[first]) < 2, first))
        named = [
            Duplicate(tuple(item_facts(self.dataset.inputs, i).name for i in group[:LISTED]), labels[first])
            for first, group in ((first, self._equal[first]) for first in order[:LISTED])
        ]
        return sum(len(group) > 1 for group in labels.values()), tuple(named)

    def _labels(self, group: list[int]) -> tuple[str, ...]:
        targets = self.dataset.targets
        if targets is None or self.dataset.target_kind not in {"class", "number"}:
            return ()
        distinct = sorted({targets[index] for index in group})
        return tuple(self.dataset.classes[int(t)] if self.dataset.classes else f"{t:.15g}" for t in distinct)


def _class_counts(dataset: Dataset) -> dict[str, int]:
    if dataset.targets is None or not dataset.classes or dataset.target_kind != "class":
        return {}
    counts = Counter(int(target) for target in dataset.targets)
    return {name: counts[index] for index, name in enumerate(dataset.classes)}


def _balance(counts: Iterable[int]) -> float | None:
    present = [count for count in counts if count]
    if len(present) < 2:
        return 0.0 if present else None
    total = sum(present)
    return -sum(c / total * math.log(c / total) for c in present) / math.log(len(present))


def _imbalance(counts: Iterable[int]) -> float | None:
    present = [count for count in counts if count]
    return max(present) / min(present) if present else None


def _numbers(dataset: Dataset) -> dict[str, float]:
    if dataset.targets is None or dataset.target_kind != "number" or not len(dataset):
        return {}
    values = [float(value) for value in dataset.targets]
    return {"minimum": min(values), "mean": math.fsum(values) / len(values), "maximum": max(values)}


def _lengths(histogram: Counter[int]) -> Lengths | None:
    return Lengths(*(_quantile(histogram, q) for q in (0.0, 0.5, 0.95, 1.0))) if histogram else None


def _quantile(histogram: Counter, q: float):  # type: ignore[no-untyped-def]
    """The smallest value that at least a fraction ``q`` of the items does not exceed."""
    rank = max(1, math.ceil(q * histogram.total()))
    passed = 0
    for value in sorted(histogram):
        passed += histogram[value]
        if passed >= rank:
            return value
    raise ValueError("an empty histogram has no quantile")
