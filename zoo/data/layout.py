"""Finds which folders of a data set are its classes, and which are splits or wrappers around them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zoo.entities import TEST, TRAIN, VALIDATION

_TRAIN = re.compile(r"(train|training|trn)(set)?\d*|(fold|split|cv)\d+|fold")
_VALIDATION = re.compile(r"(val|valid|validation|validate|dev|devel|development)(set)?\d*")
_TEST = re.compile(r"(test|testing|tst|eval|evaluation|holdout)(set)?\d*")
_BESIDE = re.compile(
    r"set|split|partition|data|dataset|images?|imgs?|files|samples|audio|texts?|wavs?|clips|of|(v|r)?\d+"
)
"""Other words that the name of a split may contain: ``train_images``, ``val-2017``, ``fold_3``."""

_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\W_]+")

WRAPPERS = frozenset(
    {
        "image",
        "images",
        "img",
        "imgs",
        "jpegimages",
        "photos",
        "pictures",
        "audio",
        "wav",
        "wavs",
        "clips",
        "recordings",
        "sounds",
        "text",
        "texts",
        "sequences",
        "structures",
        "data",
        "dataset",
        "files",
        "samples",
        "all",
        "raw",
        "input",
        "inputs",
    }
)
"""Names, in lower case, of folders that name the kind of their files instead of a class."""

COMPANIONS = frozenset(
    {
        "annotation",
        "annotations",
        "labels",
        "mask",
        "masks",
        "metadata",
        "meta",
        "segmentation",
        "segmentations",
        "segmentationclass",
        "segmentationobject",
        "ground_truth",
        "groundtruth",
        "gt",
        "bbox",
        "bboxes",
        "boxes",
        "captions",
        "transcripts",
        "imagesets",
    }
)
"""Words, in lower case, in the names of folders with annotations instead of samples: ``train_masks``."""

_TOOLS = frozenset({"docs", "scripts", "src", "code", "logs", "notebooks"})

_NAMED = 5

OWN_PARTS, GIVEN_PARTS = "zoo makes its own training and test splits", "'zoo tune' trains and tests on them as they are"
"""What happens to the splits of a data set, in notes."""

Folders = tuple[str, ...]
"""The folders that contain a file, from the data set's own downwards."""


@dataclass(frozen=True)
class Layout:
    """How the folders of a data set are read.

    Attributes:
        levels: names of the folders above the classes, level by level: wrappers and splits.
        labelled: whether the folders below these are classes.
        notes: how ambiguous folders were read, in sentences.
    """

    levels: tuple[frozenset[str], ...] = ()
    labelled: bool = True
    notes: tuple[str, ...] = ()

    def inside(self, folders: Folders) -> bool:
        """Whether samples may be there: files next to the splits or the wrapper are not samples."""
        return all(name in names for name, names in zip(folders, self.levels, strict=False))

    def label(self, folders: Folders) -> str | None:
        """The class of a file there, with composed accents as on most systems; None if it has none."""
        depth = len(self.levels)
        if not self.labelled or len(folders) <= depth or not self.inside(folders):
            return None
        return unicodedata.normalize("NFC", folders[depth])


def are_splits(names: Collection[str]) -> bool:
    """Whether names (``train``, ``Test``, ``val2017``, ``fold_3``) are those of splits, one of them for training."""
    roles = {split_role(name) for name in names}
    return bool(roles) and "" not in roles and "train" in roles


def split_role(name: str) -> str:
    """``train`` or ``held out`` if a name is that of a split; empty for all other names."""
    role, rest = _role_and_rest(name)
    return "" if rest else role


def _role_and_rest(name: str) -> tuple[str, tuple[str, ...]]:
    """The role that words of a name give it, if any, and its other words, such as ``seg`` of ``seg_train``."""
    words = _words(name)
    trains = [word for word in words if _TRAIN.fullmatch(word)]
    held_out = [word for word in words if _VALIDATION.fullmatch(word) or _TEST.fullmatch(word)]
    rest = tuple(w for w in words if w not in trains and w not in held_out and not _BESIDE.fullmatch(w))
    return "held out" if held_out else "train" if trains else "", rest


def part_of(folders: Folders, label: str | None) -> str:
    """The part of a data set to which a file in these folders belongs, by the name of one; empty if none says it.

    Args:
        label: the class folder, whose name says nothing of parts.
    """
    for name in folders:
        role = "" if label is not None and unicodedata.normalize("NFC", name) == label else _role_and_rest(name)[0]
        if role:
            return TRAIN if role == "train" else TEST if any(map(_TEST.fullmatch, _words(name))) else VALIDATION
    return ""


def parts_of(files: Sequence[tuple[Folders, str | None]]) -> tuple[str, ...]:
    """The part of each file (its folders and its class); empty unless there are samples to train on and held-out ones.

    Samples for validation without any for a test are the test samples.
    """
    found = [part_of(folders, label) for folders, label in files]
    if "" in found or TRAIN not in found or len(set(found)) < 2:
        return ()
    return tuple(found) if TEST in found else tuple(TEST if part == VALIDATION else part for part in found)


def with_parts(fingerprint: str, parts: Sequence[str]) -> str:
    """The fingerprint of data that come with parts, on which figures depend; the same without parts."""
    return hashlib.sha256(f"{fingerprint}:{list(parts)}".encode()).hexdigest() if parts else fingerprint


def _paired(names: Iterable[str]) -> frozenset[str]:
    """Names that differ only in the split, such as ``seg_train`` and ``seg_test``."""
    by_rest: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        role, rest = _role_and_rest(name)
        if role and rest:
            by_rest.setdefault(rest, {})[name] = role
    return frozenset(name for group in by_rest.values() if len(set(group.values())) == 2 for name in group)


def is_companion(name: str) -> bool:
    """Whether a folder is named like one with annotations or masks."""
    return name.lower() in COMPANIONS or any(word in COMPANIONS for word in _words(name))


def merged(splits: Mapping[str, int]) -> str:
    """A sentence on which splits were merged, and how many samples each has."""
    named = _listed([f"'{name}' ({count:,})" for name, count in splits.items()])
    return f"The splits {named} are read as one data set; {OWN_PARTS}."


def find_layout(folders: Iterable[Folders]) -> Layout:
    """The layout of a data set, given the folders of each of its files.

    The folders of a level are splits if all that hold files are named like splits, and one of them is for training or
    none holds files itself: ``test`` next to ``exam`` stays a class. They may have another word in common, as
    ``seg_train`` and ``seg_test`` do. A folder that is alone and holds nothing but folders is a wrapper, and so is one
    called ``images``.
    """
    counts = Counter(folders)
    levels: list[frozenset[str]] = []
    wrappers: list[str] = []
    notes: list[str] = []
    while True:
        sizes, with_files = _level(counts)
        if not sizes:
            if levels and not notes:
                above = [name for level in levels for name in sorted(level)]
                notes.append(f"'{'/'.join(above)}' is read as a split or a wrapper around the samples, not as a class.")
            return Layout(tuple(levels), False, tuple(dict.fromkeys(notes)))
        names = _without_companions(frozenset(sizes))
        only = next(iter(names)) if len(names) == 1 and () not in counts else ""
        if _level_is_split(names, with_files):
            if len(names) > 1:
                notes.append(merged({name: sizes[name] for name in sorted(names)}))
        elif only and (only not in with_files or only.lower() in WRAPPERS):
            wrappers.append(only)
        else:
            if wrappers and not notes:
                notes.append(f"All samples are in '{'/'.join(wrappers)}'; the folders in it are read as the classes.")
            found = (*notes, *_doubts(names), *_inner_folders(counts))
            return Layout(tuple(levels), True, tuple(dict.fromkeys(found)))
        levels.append(names)
        counts = _below(counts, names)


def _words(name: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_CAPITALS.sub(" ", name).lower()) if word]


def _level(counts: Mapping[Folders, int]) -> tuple[dict[str, int], frozenset[str]]:
    """Files by top folder, and the top folders that contain some directly."""
    sizes: Counter[str] = Counter()
    for path, count in counts.items():
        if path:
            sizes[path[0]] += count
    return dict(sizes), frozenset(path[0] for path in counts if len(path) == 1)


def _below(counts: Mapping[Folders, int], names: Collection[str]) -> Counter[Folders]:
    """Files by folder one level down; drops those next to ``names``, and keeps those above."""
    below: Counter[Folders] = Counter()
    for path, count in counts.items():
        if not path or path[0] in names:
            below[path[1:]] += count
    return below


def _without_companions(names: frozenset[str]) -> frozenset[str]:
    """The folders without those of annotations and masks, if the others are splits or a wrapper."""
    rest = frozenset(name for name in names if not is_companion(name) and name.lower() not in _TOOLS)
    wrapped = len(rest) == 1 and next(iter(rest)).lower() in WRAPPERS
    return rest if wrapped or (rest and all(map(split_role, rest))) else names


def _level_is_split(names: frozenset[str], with_files: frozenset[str]) -> bool:
    if _paired(names) == names and len({_role_and_rest(name)[1] for name in names}) == 1:
        return True
    return all(map(split_role, names)) and (len(names) == 1 or are_splits(names) or not names & with_files)


def _doubts(names: frozenset[str]) -> list[str]:
    """A warning if classes are named like splits."""
    pairs = _paired(names)
    suspects = sorted(name for name in names if split_role(name) or name in pairs)
    if len(names) < 2 or not (len(suspects) > 1 or "train" in map(split_role, suspects)):
        return []
    others = sorted(names.difference(suspects))
    why = f", because of {_quoted(others)} next to {'it' if len(suspects) == 1 else 'them'}" if others else ""
    one = len(suspects) == 1
    read, are = ("is read as a class", "it is a split") if one else ("are read as classes", "they are splits")
    return [f"{_quoted(suspects)} {read}{why}; if {are} of the data set, keep only splits at that level."]


def _inner_folders(counts: Mapping[Folders, int]) -> list[str]:
    """A warning if each class folder is divided into splits, or into folders that may be the classes."""
    inner: Counter[str] = Counter()
    of_class: dict[str, set[str]] = {}
    for path, count in counts.items():
        if path:
            below = path[1] if len(path) > 1 else ""
            inner[below] += count
            of_class.setdefault(path[0], set()).add(below)
    if len(inner) < 2:
        return []
    if are_splits(inner):
        return [merged(dict(sorted(inner.items())))]
    same = len(of_class) > 1 and all(below == inner.keys() for below in of_class.values())
    if not same or "" in inner or any(is_companion(name) or name.lower() in WRAPPERS for name in inner):
        return []
    return [f"All classes contain the same folders, {_quoted(sorted(inner))}; if these are the classes, move them up."]


def _quoted(names: Sequence[str]) -> str:
    return _listed([f"'{name}'" for name in names])


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else list(names)
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
