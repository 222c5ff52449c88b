"""Reads a folder of class folders: images, recordings, proteins, or text files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data import audio
from zoo.data.fingerprint import fingerprint
from zoo.data.images import SUFFIXES, ImageFacts, has_image_magic, inspect_all
from zoo.data.items import AudioFiles, ImageFiles, text_digest
from zoo.data.reading import ReadOptions, settle
from zoo.data.sequence_files import FASTA, fasta_entries, form_of, protein
from zoo.data.texts import read_text
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Names of top-level folders that are parts of one data set, and not classes."""


class FolderReader:
    """Folders whose sub-folders are classes."""

    name = "folder of class folders"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """Any folder; an empty name is none, and not the one that the user happens to be in."""
        return bool(reference.strip()) and Path(reference).expanduser().is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The images, or else the recordings, the proteins or the text files, with their class folder as target.

        FASTA files that lie in no class folder are a class each.

        Raises:
            DataError: nothing can be read, or an item cannot and ``options`` say that this is fatal.
        """
        root = Path(reference).expanduser()
        listing = _list(root)
        if listing.images:
            return images_by_class(reference, root, listing.images, options, listing.problems)
        if listing.recordings:
            return recordings_by_class(reference, root, listing.recordings, options, listing.problems)
        if listing.sequences:
            return _proteins_by_class(reference, root, listing.sequences, options, listing.problems)
        if listing.texts:
            return _texts_by_class(reference, root, listing.texts, options, listing.problems)
        raise DataError(
            f"The folder '{reference}' holds {listing.instead()}, so there is nothing to read.",
            "Put the images (png, jpg, webp, bmp, gif, tiff), recordings (wav, flac, ogg, mp3) or .txt files of each "
            f"class into a folder named after it: {root.name or 'data'}/CLASS/FILE.",
        )


def list_images(root: Path) -> list[tuple[Path, str | None]]:
    """The image files below a folder, each with the top-level folder that it lies in."""
    return _list(root).images


@dataclass
class _Listing:
    """Files by kind, each with its class, or None where it lies in no class folder."""

    images: list[tuple[Path, str | None]] = field(default_factory=list)
    recordings: list[tuple[Path, str | None]] = field(default_factory=list)
    sequences: list[tuple[Path, str | None]] = field(default_factory=list)
    texts: list[tuple[Path, str | None]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def instead(self) -> str:
        if not self.others:
            return f"folders that cannot be opened ({self.problems[0].item})" if self.problems else "no files"
        others = f"{len(self.others):,} others, such as '{self.others[0].name}'"
        return f"neither images nor text files nor recordings ({others})"


def images_by_class(
    name: str,
    root: Path,
    files: Sequence[tuple[Path, str | None]],
    options: ReadOptions,
    problems: Sequence[Problem] = (),
) -> Dataset:
    """A data set of image files, each with its class; every file is decoded once to find those that are broken."""
    with needs_extra("data", "read images"):
        import PIL.Image  # noqa: F401
    found = list(problems)
    kept: list[tuple[Path, str | None]] = []
    known: list[ImageFacts] = []
    labelled = any(label is not None for _, label in files)
    usable = [(path, label) for path, label in files if label is not None or not labelled]
    found += [_unlabelled(path, root) for path, label in files if label is None and labelled]
    for item, facts in zip(usable, inspect_all(path for path, _ in usable), strict=True):
        if isinstance(facts, str):
            found.append(Problem(item[0].relative_to(root).as_posix(), facts))
        else:
            kept.append(item)
            known.append(facts)
    settle(name, len(kept), found, options)
    classes, targets, found = _targets([label for _, label in usable], [label for _, label in kept], found)
    return Dataset(
        name, "image", ImageFiles(root, [path for path, _ in kept], known), targets, classes,
        fingerprint("image", (facts.digest for facts in known), targets, classes),
        "class" if classes else "none", problems=tuple(found),
    )  # fmt: skip


def recordings_by_class(
    name: str,
    root: Path,
    files: Sequence[tuple[Path, str | None]],
    options: ReadOptions,
    problems: Sequence[Problem] = (),
) -> Dataset:
    """A data set of recordings, each with its class; every file is decoded once to find those that are broken."""
    found = list(problems)
    kept: list[tuple[Path, str | None]] = []
    known: list[audio.AudioFacts] = []
    labelled = any(label is not None for _, label in files)
    usable = [(path, label) for path, label in files if label is not None or not labelled]
    found += [_unlabelled(path, root) for path, label in files if label is None and labelled]
    for item, facts in zip(usable, audio.inspect_all(path for path, _ in usable), strict=True):
        if isinstance(facts, str):
            found.append(Problem(item[0].relative_to(root).as_posix(), facts))
        else:
            kept.append(item)
            known.append(facts)
    settle(name, len(kept), found, options)
    classes, targets, found = _targets([label for _, label in usable], [label for _, label in kept], found)
    return Dataset(
        name, "audio", AudioFiles(root, [path for path, _ in kept], known), targets, classes,
        fingerprint("audio", (facts.digest for facts in known), targets, classes),
        "class" if classes else "none", problems=tuple(found),
    )  # fmt: skip


def _proteins_by_class(
    name: str, root: Path, files: Sequence[tuple[Path, str | None]], options: ReadOptions, problems: Sequence[Problem]
) -> Dataset:
    found = list(problems)
    sequences: list[str] = []
    labels: list[str | None] = []
    offered: list[str | None] = []
    for path, folder in files:
        label = folder if folder is not None else path.name.partition(".")[0]
        offered.append(label)
        for entry in fasta_entries(path):
            sequence, reason = protein(entry)
            if reason:
                found.append(Problem(f"{path.relative_to(root).as_posix()}: {entry[0]}", reason))
            else:
                sequences.append(sequence)
                labels.append(label)
    settle(name, len(sequences), found, options)
    if not sequences:
        raise DataError(f"The FASTA files in '{name}' hold no entries.")
    classes, targets, found = _targets(offered, labels, found)
    digests = (text_digest(sequence) for sequence in sequences)
    return Dataset(
        name, "protein", sequences, targets, classes, fingerprint("protein", digests, targets, classes),
        "class" if classes else "none", problems=tuple(found),
    )  # fmt: skip


def _texts_by_class(
    name: str, root: Path, files: Sequence[tuple[Path, str | None]], options: ReadOptions, problems: Sequence[Problem]
) -> Dataset:
    found = list(problems)
    labelled = any(label is not None for _, label in files)
    texts: list[str] = []
    labels: list[str | None] = []
    for path, label in files:
        if label is None and labelled:
            found.append(_unlabelled(path, root))
            continue
        try:
            text = read_text(path)
        except OSError as error:
            found.append(Problem(path.relative_to(root).as_posix(), f"cannot be opened: {error.strerror}"))
            continue
        if text.strip():
            texts.append(text)
            labels.append(label)
        else:
            found.append(Problem(path.relative_to(root).as_posix(), "is empty"))
    settle(name, len(texts), found, options)
    classes, targets, found = _targets([label for _, label in files], labels, found)
    digests = (text_digest(text) for text in texts)
    return Dataset(
        name, "text", texts, targets, classes, fingerprint("text", digests, targets, classes),
        "class" if classes else "none", problems=tuple(found),
    )  # fmt: skip


def _unlabelled(path: Path, root: Path) -> Problem:
    return Problem(path.relative_to(root).as_posix(), "lies in no class folder, so that it has no label")


def _targets(
    offered: Sequence[str | None], kept: Sequence[str | None], problems: list[Problem]
) -> tuple[tuple[str, ...], list[int] | None, list[Problem]]:
    """Class names in order of the alphabet, class indices, and a problem for each class that lost all its files."""
    classes = tuple(sorted({label for label in kept if label is not None}))
    lost = sorted({label for label in offered if label is not None} - set(classes))
    problems = problems + [Problem(f"{label}/", "has no usable file, so that the class is left out") for label in lost]
    index = {label: position for position, label in enumerate(classes)}
    targets = [index[label] for label in kept if label is not None] if classes else None
    return classes, targets, problems


def _list(root: Path) -> _Listing:
    listing = _Listing()
    merged = _is_split(root)
    for path in _walk(root, listing.problems):
        parts = path.relative_to(root).parts[1 if merged else 0 :]
        label = parts[0] if len(parts) > 1 else None
        suffix = path.suffix.lower()
        if suffix in SUFFIXES or (not suffix and has_image_magic(path)):
            listing.images.append((path, label))
        elif suffix in audio.SUFFIXES:
            listing.recordings.append((path, label))
        elif form_of(path) in FASTA:
            listing.sequences.append((path, label))
        elif suffix == ".txt":
            listing.texts.append((path, label))
        else:
            listing.others.append(path)
    for files in (listing.images, listing.recordings, listing.sequences, listing.texts):
        files.sort(key=lambda item: (item[1] or "", item[0].relative_to(root).as_posix()))
    return listing


def _is_split(root: Path) -> bool:
    """Whether the top level is train, validation and test, with class folders in at least one of them."""
    try:
        top = [entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        return (
            bool(top)
            and all(entry.name.lower() in SPLITS for entry in top)
            and any(below.is_dir() and not below.name.startswith(".") for entry in top for below in entry.iterdir())
        )
    except OSError:
        return False


def _walk(root: Path, problems: list[Problem]) -> Iterator[Path]:
    """All files that are not hidden; links to folders are followed, each folder once."""

    def remember(error: OSError) -> None:
        if Path(error.filename) == root:
            raise DataError(f"The folder '{root}' cannot be opened: {(error.strerror or str(error)).lower()}.")
        where = Path(error.filename).relative_to(root).as_posix()
        problems.append(Problem(f"{where}/", f"cannot be opened: {(error.strerror or str(error)).lower()}"))

    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=remember):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)
