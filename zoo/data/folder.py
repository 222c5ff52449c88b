"""Reads a folder of class folders: images, recordings, proteins, or text files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from zoo.contract.reader import ReadOptions, settle
from zoo.data.layout import are_splits, merged
from zoo.data.listing import list_folder
from zoo.data.sequence_files import fasta_entries, protein, proteins
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra
from zoo.kinds import audio
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.image import ImageFacts, inspect_all
from zoo.kinds.items import AudioFiles, ImageFiles, text_digest
from zoo.kinds.text import read_text


class FolderReader:
    """Folders whose sub-folders are classes."""

    name = "folder of class folders"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """Any folder; an empty name is none, and not the one that the user happens to be in."""
        return bool(reference.strip()) and Path(reference).expanduser().is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The images, recordings, proteins or text files, with their class folder as target.

        Of several kinds the one is read that lies in most folders. Splits such as ``train`` and ``test`` are put
        together. Where there are no class folders, FASTA files are a class each, but for splits.

        Raises:
            DataError: nothing can be read, or an item cannot and ``options`` say that this is fatal.
        """
        root = Path(reference).expanduser()
        found = list_folder(root)
        if not found.kind:
            raise DataError(
                f"The folder '{reference}' holds {found.instead()}, so there is nothing to read.",
                "Put the images (png, jpg, webp...), recordings (wav, flac, ogg, mp3...) or .txt files of each class "
                f"into a folder named after it: {root.name or 'data'}/CLASS/FILE.",
            )
        dataset = _READ[found.kind](reference, root, found.files, options, found.problems)
        return replace(dataset, notes=(*found.notes, *dataset.notes), passed_over=found.passed_over)


def list_images(root: Path) -> list[tuple[Path, str | None]]:
    """The image files below a folder, each with its class folder."""
    found = list_folder(root)
    return list(found.files) if found.kind == "image" else []


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
        name,
        "image",
        ImageFiles(root, [path for path, _ in kept], known),
        targets,
        classes,
        fingerprint("image", (facts.digest for facts in known), targets, classes),
        "class" if classes else "none",
        problems=tuple(found),
    )


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
        name,
        "audio",
        AudioFiles(root, [path for path, _ in kept], known),
        targets,
        classes,
        fingerprint("audio", (facts.digest for facts in known), targets, classes),
        "class" if classes else "none",
        problems=tuple(found),
    )


def _proteins_by_class(
    name: str, root: Path, files: Sequence[tuple[Path, str | None]], options: ReadOptions, problems: Sequence[Problem]
) -> Dataset:
    stems = {path.name.partition(".")[0] for path, _ in files}
    if all(folder is None for _, folder in files) and (len(stems) == 1 or are_splits(stems)):
        return _proteins_by_header(name, root, [path for path, _ in files], options, problems)
    found = list(problems)
    sequences: list[str] = []
    labels: list[str | None] = []
    offered: list[str | None] = []
    labelled = any(folder is not None for _, folder in files)
    for path, folder in files:
        if folder is None and labelled:
            found.append(_unlabelled(path, root))
            continue
        label = path.name.partition(".")[0] if folder is None else folder
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
        name,
        "protein",
        sequences,
        targets,
        classes,
        fingerprint("protein", digests, targets, classes),
        "class" if classes else "none",
        problems=tuple(found),
    )


def _proteins_by_header(
    name: str, root: Path, paths: Sequence[Path], options: ReadOptions, problems: Sequence[Problem]
) -> Dataset:
    """FASTA files of one class or of splits, whose names are no labels; these stand in their headers, if anywhere."""
    by_file = {path.relative_to(root).as_posix(): list(fasta_entries(path)) for path in paths}
    entries = [(f"{file}: {place}", text, keys) for file, found in by_file.items() for place, text, keys in found]
    dataset = proteins(name, entries, options, problems)
    sizes = {file: len(found) for file, found in by_file.items()}
    return replace(dataset, notes=(merged(sizes), *dataset.notes)) if len(sizes) > 1 else dataset


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
        name,
        "text",
        texts,
        targets,
        classes,
        fingerprint("text", digests, targets, classes),
        "class" if classes else "none",
        problems=tuple(found),
    )


def _unlabelled(path: Path, root: Path) -> Problem:
    return Problem(path.relative_to(root).as_posix(), "lies in no class folder, so that it has no label")


def _targets(
    offered: Sequence[str | None], kept: Sequence[str | None], problems: list[Problem]
) -> tuple[tuple[str, ...], list[int] | None, list[Problem]]:
    """Class names in order of the alphabet, class indices, and a problem for each class that lost all its files."""
    classes = tuple(sorted({label for label in kept if label is not None}))
    lost = sorted({label for label in offered if label is not None} - set(classes))
    problems = [Problem(f"{label}/", "has no usable file, so that the class is left out") for label in lost] + problems
    index = {label: position for position, label in enumerate(classes)}
    targets = [index[label] for label in kept if label is not None] if classes else None
    return classes, targets, problems


_READ: dict[str, Callable[..., Dataset]] = {
    "image": images_by_class,
    "audio": recordings_by_class,
    "protein": _proteins_by_class,
    "text": _texts_by_class,
}
