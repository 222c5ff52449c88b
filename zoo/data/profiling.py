"""Profiles a data set: its contents, and possible problems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from zoo.data.identity import copies, identical, in_files, undecoded, units
from zoo.entities import TEST, Dataset, Entity, LeftOut, Problem
from zoo.kinds.counting import ImageSizes, Lengths
from zoo.kinds.items import item_facts
from zoo.kinds.known import kind_of

LISTED = 10
"""Maximum number of duplicates that are listed."""

MOST_COMPARED = 20_000
"""Maximum number of items among which near copies are looked for, because images have to be decoded."""

_SUFFIX = re.compile(r"(\.[A-Za-z]\w{0,9})\)?\Z")
"""The suffix of an item's file, or of the file that a row names in brackets."""


@dataclass(frozen=True)
class Duplicate(Entity):
    """Items with exactly the same content; ``labels`` has more than one entry if they contradict each other."""

    items: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def conflicting(self) -> bool:
        """Whether equal items have different labels."""
        return len(self.labels) > 1


@dataclass(frozen=True)
class Profile(Entity):
    """The contents of a data set.

    Attributes:
        classes: samples by class name, in the order of the class indices; empty for numbers.
        balance: entropy of the classes over that of equally frequent ones, from 0 (one class) to 1.
        imbalance: samples of the largest class over those of the smallest.
        numbers: minimum, mean and maximum of numeric targets.
        images: sizes and modes, for images.
        characters, words: lengths, for texts.
        repeated: how many items have the content of an earlier one: the same text except for case and white space, the
            same canonical form of its kind, or the same bytes of a file.
        by_files: whether items were compared by the bytes of their files, so that the same image in two formats is not
            found; a split compares what is decoded.
        conflicting: how many groups of equal items have different labels.
        duplicates: the first groups of equal items, contradicting ones first.
        near_copies: how many items are nearly the same as an earlier one, as edited texts and resized images are,
            without being equal to one; None if they were not compared.
        near: the first groups of such items.
        parts: samples by part (``train``, ``validation``, ``test``), if the data come with parts.
        leaked: how many training and validation samples are copies, or near copies if those were compared, of test
            samples.
        problems: items left out, with the reason.
        left_out: these items by suffix and reason.
        passed_over: files without samples, by suffix.
        columns: the column of each use.
        details: what the kinds of input and target add, by name.
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
    near_copies: int | None = None
    near: tuple[Duplicate, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    leaked: int = 0
    problems: tuple[Problem, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    passed_over: tuple[LeftOut, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    warnings: tuple[str, ...] = ()


def profile_dataset(dataset: Dataset, near: bool = True) -> Profile:
    """Profile a data set item by item; only a digest of 16 bytes of each is kept.

    Args:
        near: whether to look for near copies, up to ``MOST_COMPARED`` items; images are decoded for that.
    """
    from zoo.data.cautions import cautions

    look = _Look(dataset)
    for index in range(len(dataset)):
        look.at(index)
    facts = dict(kind_of(dataset.input_kind).profile(dataset.inputs))
    if dataset.targets is not None:
        facts.update(kind_of(dataset.target_kind).profile_targets(dataset.targets, dataset.classes))
    own = {f.name for f in fields(Profile)}
    conflicting, duplicates = look.duplicates()
    near_copies, groups = look.near() if near and len(dataset) <= MOST_COMPARED else (None, ())
    found = Profile(
        name=dataset.name,
        samples=len(dataset),
        input_kind=dataset.input_kind,
        target_kind=dataset.target_kind,
        fingerprint=dataset.fingerprint,
        repeated=look.repeated,
        by_files=in_files(dataset),
        conflicting=conflicting,
        duplicates=duplicates,
        near_copies=near_copies,
        near=groups,
        parts=dict(Counter(dataset.parts)),
        leaked=look.leaked(near and len(dataset) <= MOST_COMPARED),
        problems=dataset.problems,
        left_out=by_reason(dataset.problems),
        passed_over=dataset.passed_over,
        columns=dict(dataset.columns),
        details={name: value for name, value in facts.items() if name not in own},
        bytes=look.bytes,
        warnings=dataset.notes,
        **{name: value for name, value in facts.items() if name in own},
    )
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
    """The counts so far, as histograms: memory depends on the number of different values, not of items."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.bytes = self.repeated = 0
        self._digests = undecoded(dataset)
        self._kind = kind_of(dataset.target_kind)
        self._targets = dataset.targets if self._kind.estimable else None
        self._first: dict[bytes, int] = {}
        self._equal: dict[int, list[int]] = {}

    def at(self, index: int) -> None:
        facts = item_facts(self.dataset.inputs, index)
        self.bytes += facts.bytes
        digest = facts.digest[:16] if self._digests is None else bytes(self._digests[index])
        first = self._first.setdefault(digest, index)
        if first != index:
            self.repeated += 1
            self._equal.setdefault(first, [first]).append(index)

    def duplicates(self) -> tuple[int, tuple[Duplicate, ...]]:
        """The number of groups with contradicting labels, and the first groups, those with contradictions first."""
        labels = {first: self._labels(group) for first, group in self._equal.items()}
        order = sorted(self._equal, key=lambda first: (len(labels[first]) < 2, first))
        named = [
            Duplicate(tuple(item_facts(self.dataset.inputs, i).name for i in group[:LISTED]), labels[first])
            for first, group in ((first, self._equal[first]) for first in order[:LISTED])
        ]
        return sum(len(group) > 1 for group in labels.values()), tuple(named)

    def near(self) -> tuple[int | None, tuple[Duplicate, ...]]:
        """The number of near copies, and the first groups of them, those with contradicting labels first."""
        exact, merged = identical(self.dataset), units(self.dataset, grouped=False)
        if exact is None:
            return None, ()
        if merged is None:
            return 0, ()
        groups: dict[int, dict[int, int]] = {}
        for index, (unit, content) in enumerate(zip(merged.tolist(), exact.tolist(), strict=True)):
            groups.setdefault(unit, {}).setdefault(content, index)
        several = [list(found.values()) for found in groups.values() if len(found) > 1]
        labels = [self._labels(group) for group in several]
        order = sorted(range(len(several)), key=lambda at: (len(labels[at]) < 2, several[at][0]))[:LISTED]
        named = [
            Duplicate(tuple(item_facts(self.dataset.inputs, i).name for i in several[at][:LISTED]), labels[at])
            for at in order
        ]
        return copies(merged) - copies(exact), tuple(named)

    def leaked(self, near: bool) -> int:
        """The number of training and validation samples that are copies, or near copies, of test samples."""
        of = units(self.dataset, grouped=False) if near else identical(self.dataset)
        if not self.dataset.parts or of is None:
            return 0
        tested = {unit for unit, part in zip(of.tolist(), self.dataset.parts, strict=True) if part == TEST}
        pairs = zip(of.tolist(), self.dataset.parts, strict=True)
        return sum(part != TEST and unit in tested for unit, part in pairs)

    def _labels(self, group: list[int]) -> tuple[str, ...]:
        targets = self._targets
        if targets is None:
            return ()
        distinct = sorted({targets[index] for index in group})
        texts = [self._kind.target_text(target, self.dataset.classes) for target in distinct]
        place = {name: index for index, name in enumerate(self.dataset.classes)}
        return tuple(sorted(texts, key=lambda text: place.get(text, 0)))
