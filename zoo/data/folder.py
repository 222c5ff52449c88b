"""Reads a folder of class folders, for any kind of sample that is stored in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions, settle
from zoo.data.layout import GIVEN_PARTS, OWN_PARTS, parts_of, with_parts
from zoo.data.listing import folder_kinds, folders_of, list_folder
from zoo.entities import Dataset, Problem
from zoo.errors import DataError
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.known import kind_of

File = tuple[Path, str | None]
"""A file with its class folder, or None if it is in none."""


class FolderReader:
    """Folders whose sub-folders are classes."""

    name = "folder of class folders"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """Any folder; an empty name does not mean the current one."""
        return bool(reference.strip()) and Path(reference).expanduser().is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The samples in the files, with their class folder as target.

        If there are several kinds, the one in most folders is read. Splits such as ``train`` and ``test`` are read
        together; the data set says which sample is in which.

        Raises:
            DataError: nothing can be read, or an item cannot and ``options`` say that this is fatal.
        """
        root = Path(reference).expanduser()
        found = list_folder(root)
        if not found.kind:
            nouns = [kind.nouns for kind in folder_kinds()]
            raise DataError(
                f"The folder '{reference}' holds {found.instead()}, so there is nothing to read.",
                f"Put the {', '.join(nouns[:-1])} or {nouns[-1]} of each class into a folder named after it: "
                f"{root.name or 'data'}/CLASS/FILE.",
            )
        kind = kind_of(found.kind)
        dataset = kind.read_folder(reference, root, found.files, options, found.problems)
        if dataset is None:
            dataset = read_classes(kind, reference, root, found.files, options, problems=found.problems)
        notes = [note.replace(OWN_PARTS, GIVEN_PARTS) if dataset.parts else note for note in found.notes]
        return replace(dataset, notes=(*notes, *dataset.notes), passed_over=found.passed_over)


def read_classes(
    kind: Kind,
    name: str,
    root: Path,
    files: Sequence[File],
    options: ReadOptions,
    *,
    problems: Sequence[Problem] = (),
) -> Dataset:
    """A data set of files that hold one sample each, with their classes.

    Raises:
        DataError: none can be used, or one cannot and ``options`` say that this is fatal.
    """
    usable, unlabelled = labelled(files, root)
    values = kind.read_files([path for path, _ in usable], root)
    found = [*problems, *unlabelled]
    found += [Problem(usable[at][0].relative_to(root).as_posix(), reason) for at, reason in values.problems.items()]
    labels = [usable[at][1] for at in values.kept]
    settle(name, len(values.items), found, options)
    dataset = class_dataset(
        kind, name, values.items, values.digests, labels, offered=[label for _, label in usable], problems=found
    )
    kept = [usable[at] for at in values.kept]
    parts = parts_of([(folders_of(path, root), label) for path, label in kept])
    return replace(dataset, parts=parts, fingerprint=with_parts(dataset.fingerprint, parts))


def labelled(files: Sequence[File], root: Path) -> tuple[list[File], list[Problem]]:
    """The files in class folders, and a problem for each other file; all files if there are no class folders."""
    if all(label is None for _, label in files):
        return list(files), []
    reason = "is not in a class folder, so it has no label"
    return (
        [(path, label) for path, label in files if label is not None],
        [Problem(path.relative_to(root).as_posix(), reason) for path, label in files if label is None],
    )


def class_dataset(
    kind: Kind,
    name: str,
    items: Sequence[object],
    digests: Sequence[bytes],
    labels: Sequence[str | None],
    *,
    offered: Sequence[str | None],
    problems: Sequence[Problem],
) -> Dataset:
    """A data set of n items with their labels, the classes in alphabetical order.

    Args:
        offered: labels of all files; a class without a usable file becomes a problem too.
    """
    classes = tuple(sorted({label for label in labels if label is not None}))
    lost = sorted({label for label in offered if label is not None} - set(classes))
    index = {label: position for position, label in enumerate(classes)}
    targets = [index[label] for label in labels if label is not None] if classes else None
    gone = [Problem(f"{one}/", "has no usable file, so the class is left out") for one in lost]
    return Dataset(
        name,
        kind.name,
        items,
        targets,
        classes,
        fingerprint(kind.name, digests, targets, classes),
        "class" if classes else "none",
        problems=(*gone, *problems),
    )
