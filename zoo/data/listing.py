"""Lists a folder's files by the kind of sample that they hold, and counts those that are skipped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.contract.kind import Kind
from zoo.data.layout import Layout, find_layout, is_companion
from zoo.entities import Dataset, LeftOut, Problem
from zoo.errors import DataError
from zoo.kinds.known import kind_of, kinds

_FEWEST = 0.1
"""Minimum ratio of a kind's files to those of the most frequent kind: a logo among texts is not a sample."""

_SYSTEM = frozenset(
    {
        "__macosx",
        "@eadir",
        "$recycle.bin",
        "#recycle",
        "system volume information",
        "lost+found",
        "__pycache__",
        "thumbs.db",
        "desktop.ini",
    }
)
"""Files and folders that operating systems create, in lower case; skipped like hidden ones."""

_DESCRIPTIONS = frozenset({".xml", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".yaml", ".yml"})
"""Suffixes of files that describe samples, in a folder with such a name: ``annotations``."""

_NAMED = 5


@dataclass(frozen=True)
class Listing:
    """The files of a folder that hold samples.

    Attributes:
        kind: which kind of sample, one of ``folder_kinds``; empty if there is none.
        files: each with its class, or None if it is not in a class folder; sorted by class and name.
        problems: what could not be opened, and classes without a file of that kind.
        passed_over: the other files, by suffix.
        notes: how ambiguous folders were read.
    """

    kind: str = ""
    files: Sequence[tuple[Path, str | None]] = ()
    problems: Sequence[Problem] = ()
    passed_over: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def instead(self) -> str:
        """What the folder contains if no file is a sample."""
        if not self.passed_over:
            return f"folders that cannot be opened ({self.problems[0].item})" if self.problems else "no files"
        others = f"{sum(group.count for group in self.passed_over):,} others, such as '{self.passed_over[0].example}'"
        return f"neither {' nor '.join(kind.nouns for kind in folder_kinds())} ({others})"


def folder_kinds() -> list[Kind]:
    """Kinds that a folder of class folders may hold; if several are in equally many folders, the first one is read."""
    return sorted((kind for kind in kinds().values() if kind.suffixes), key=lambda kind: kind.describes_others)


def list_folder(root: Path) -> Listing:
    """The samples below a folder, of one kind.

    Raises:
        DataError: the folder cannot be opened.
    """
    found = _Walk(root)
    found.run()
    kind = _prevailing(found.by_kind, root)
    candidates = found.by_kind.get(kind, []) if kind else []
    layout = find_layout(folders_of(path, root) for path in candidates)
    files = [path for path in candidates if layout.inside(folders_of(path, root))]
    labelled = [(path, layout.label(folders_of(path, root))) for path in files]
    labelled.sort(key=lambda item: (item[1] or "", item[0].relative_to(root).as_posix()))
    beside = [path for path in candidates if not layout.inside(folders_of(path, root))]
    others = [path for other, paths in found.by_kind.items() if not kind or other != kind for path in paths] + beside
    held = _held(others, found.empty, root, layout)
    problems = _classes_without(kind, {label for _, label in labelled}, held) + found.problems
    return Listing(kind, labelled, problems, count_passed_over(others, root, kind_of(kind).nouns), layout.notes)


def folders_of(path: Path, root: Path) -> tuple[str, ...]:
    """The folders between a folder and a file in it."""
    return path.relative_to(root).parts[:-1]


def count_passed_over(paths: Iterable[Path], root: Path, nouns: str) -> tuple[LeftOut, ...]:
    """Files without samples, by suffix, the most frequent suffixes first; ``nouns`` are the samples, in words."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for path in paths:
        suffix = path.suffix.lower()
        counts[suffix] += 1
        examples.setdefault(suffix, path.relative_to(root).as_posix())
    reason = f"skipped, because the folder is read as {nouns}"
    return tuple(LeftOut(suffix, reason, count, examples[suffix]) for suffix, count in counts.most_common())


def notes_on(dataset: Dataset) -> tuple[str, ...]:
    """How a data set was read, in sentences: its own notes, and the skipped files."""
    return (*dataset.notes, *other_files(dataset.passed_over))


def other_files(passed_over: Sequence[LeftOut]) -> Iterator[str]:
    """A sentence on the skipped files, if there are any."""
    if passed_over:
        yield f"Other files {passed_over[0].reason}: {by_suffix({one.suffix: one.count for one in passed_over})}."


def by_suffix(numbers: Mapping[str, int]) -> str:
    """Files by suffix in words: ``6 .wav and 1 .xml``."""
    counts = Counter(numbers).most_common()
    parts = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in counts[:_NAMED]]
    if len(counts) > _NAMED:
        parts.append(f"{sum(count for _, count in counts[_NAMED:]):,} others")
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


@dataclass
class _Walk:
    """All files below a folder that are not hidden, by kind; follows links, but visits each folder once."""

    root: Path
    by_kind: dict[str, list[Path]] = field(default_factory=dict)
    empty: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> None:
        seen: set[str] = set()
        possible = folder_kinds()
        for folder, folders, files in os.walk(self.root, followlinks=True, onerror=self._failed):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                self._linked_again(Path(folder), real)
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not _is_hidden(name))
            shown = sorted(name for name in files if not _is_hidden(name))
            for name in shown:
                path = Path(folder, name)
                kind = next((kind.name for kind in possible if kind.is_file(path)), "")
                self.by_kind.setdefault(kind, []).append(path)
            if not shown and not folders and Path(folder) != self.root:
                self.empty.append(Path(folder))

    def _failed(self, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        if Path(error.filename) == self.root:
            raise DataError(f"The folder '{self.root}' cannot be opened: {reason}.")
        where = Path(error.filename).relative_to(self.root).as_posix()
        self.problems.append(Problem(f"{where}/", f"cannot be opened: {reason}"))

    def _linked_again(self, folder: Path, real: str) -> None:
        """Record a link to a folder that was visited already, unless the link is inside that folder."""
        if not os.path.realpath(folder.parent).startswith(real):
            where = folder.relative_to(self.root).as_posix()
            self.problems.append(Problem(f"{where}/", "is a link to a folder that was already read"))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name.lower() in _SYSTEM


def _prevailing(by_kind: Mapping[str, Sequence[Path]], root: Path) -> str:
    """The kind that is in most folders, of those with more than a few files; empty if there is none."""
    possible = [kind.name for kind in folder_kinds()]
    most = max((len(by_kind.get(kind, ())) for kind in possible), default=0)
    many = [kind for kind in possible if len(by_kind.get(kind, ())) >= max(1, _FEWEST * most)]
    return max(many, key=lambda kind: len(_sample_folders(by_kind[kind], root)), default="")


def _sample_folders(paths: Iterable[Path], root: Path) -> set[tuple[str, ...]]:
    folders = {folders_of(path, root) for path in paths}
    return {folder for folder in folders if not any(map(is_companion, folder))}


def _held(others: Iterable[Path], empty: Iterable[Path], root: Path, layout: Layout) -> dict[str, list[str]]:
    """Suffixes of the files by class folder, of those without samples; none for empty folders."""
    held: dict[str, list[str]] = {}
    for path in others:
        label = layout.label(folders_of(path, root))
        if label is not None:
            held.setdefault(label, []).append(path.suffix.lower())
    for folder in empty:
        label = layout.label(folder.relative_to(root).parts)
        if label is not None:
            held.setdefault(label, [])
    return held


def _classes_without(kind: str, known: Collection[str | None], held: Mapping[str, Sequence[str]]) -> list[Problem]:
    """A problem for each class folder without a file of the kind, with what it contains instead."""
    return [
        Problem(f"{label}/", _without(kind_of(kind).nouns, suffixes))
        for label, suffixes in sorted(held.items())
        if label not in known and not (suffixes and is_companion(label) and _DESCRIPTIONS.issuperset(suffixes))
    ]


def _without(wanted: str, suffixes: Sequence[str]) -> str:
    holds = f"holds no {wanted} but {by_suffix(Counter(suffixes))}" if suffixes else "is empty"
    return f"{holds}, so the class is left out"


def walk(root: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden."""
    found = _Walk(root)
    found.run()
    yield from sorted(path for paths in found.by_kind.values() for path in paths)
