"""Reads FASTA files of proteins and SMILES files of molecules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions, settle
from zoo.data.folder import class_dataset, labelled
from zoo.data.layout import are_splits, merged
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, storage_errors, suggest
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.inputs import existing_file
from zoo.kinds.items import text_digest
from zoo.kinds.targets import Targets, interpret, is_missing
from zoo.kinds.text import encoding_of, open_text
from zoo_scientific.molecules.smiles import smiles_problem
from zoo_scientific.proteins.residues import clean, protein_problem

FASTA = frozenset({".fasta", ".fa", ".faa", ".fas"})
SMILES = frozenset({".smi", ".smiles"})

LABELS = ("label", "class", "family", "target")
"""Keys of a FASTA header that are used as the label if none is named."""

_KEY = re.compile(r"(?:^|[\s|;])([A-Za-z_]\w*)=")
_NUMBERED = re.compile(r"column [1-9]\d*\Z")

Entry = tuple[str, str, dict[str, str]]
"""An entry: its place in the file, its sequence or SMILES, and its labels by key."""


class SequenceReader:
    """FASTA (``.fasta``, ``.fa``, ``.faa``) and SMILES files (``.smi``), also compressed with gzip."""

    name = "FASTA or SMILES file"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file name with such a suffix, whether the file exists or not."""
        path = Path(reference).expanduser()
        return form_of(path) in FASTA | SMILES and not path.is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The sequences, with the header's key or the column that ``options.target_column`` names as target.

        Raises:
            DataError: the file is missing, empty or in another format, or there is no such key.
        """
        path = Path(reference).expanduser()
        if form_of(path) in FASTA:
            return proteins(reference, list(fasta_entries(path)), options)
        return _dataset(reference, "molecule", list(smiles_entries(path)), options)


def save_fasta(sequence: str, folder: Path, name: str) -> Path:
    """Write a sequence as ``FOLDER/NAME.fasta``; the folder is created if it is missing."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.fasta"
        lines = [sequence[start : start + 60] for start in range(0, len(sequence), 60)]
        path.write_text("\n".join([f">{name}", *lines, ""]), encoding="ascii", errors="replace")
    return path


def form_of(path: Path) -> str:
    """The suffix in lower case, without ``.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def fasta_entries(path: Path) -> Iterator[Entry]:
    """Each entry of a FASTA file: its name, its sequence, and the ``key=value`` pairs of its header.

    Raises:
        DataError: the file cannot be opened, or is not FASTA.
    """
    header, seen = "", False
    parts: list[str] = []
    with open_text(path, encoding_of(path)) as file:
        for number, line in enumerate(file, start=1):
            text = line.strip()
            if text.startswith(">"):
                if seen:
                    yield _entry(header, parts)
                header, parts, seen = text[1:].strip(), [], True
            elif text and not text.startswith(";"):
                if not seen:
                    raise DataError(
                        f"Line {number} of '{path}' comes before any header.",
                        "A FASTA file begins with a line such as >sequence1",
                    )
                parts.append(text)
    if seen:
        yield _entry(header, parts)


def typed_entries(
    texts: Sequence[str],
    is_read: Callable[[Path], bool],
    entries: Callable[[Path], Iterable[Entry]],
    nouns: str,
    hint: str,
) -> Iterator[tuple[str, str]]:
    """Name and text of each typed sequence, and of each in a typed file.

    Raises:
        DataError: a file is in another format, or empty; ``hint`` names the formats.
    """
    for text in texts:
        path = existing_file(text)
        if path is None:
            yield text, text
            continue
        if not is_read(path):
            raise DataError(f"'{path}' is not a file of {nouns} that zoo reads.", hint)
        found = [(place, sequence) for place, sequence, _ in entries(path)]
        if not found:
            raise DataError(f"'{path}' contains no {nouns}.")
        yield from found


def read_folder(
    kind: Kind,
    name: str,
    root: Path,
    files: Sequence[tuple[Path, str | None]],
    options: ReadOptions,
    *,
    problems: Sequence[Problem],
) -> Dataset:
    """All entries of FASTA files in a folder, the class folder as label; without class folders the file's name.

    Raises:
        DataError: they contain no entries, or none that can be used.
    """
    stems = {path.name.partition(".")[0] for path, _ in files}
    if all(label is None for _, label in files):
        if len(stems) == 1 or are_splits(stems):
            return _by_header(name, root, [path for path, _ in files], options, problems)
        files = [(path, path.name.partition(".")[0]) for path, _ in files]
    usable, unlabelled = labelled(files, root)
    found = [*problems, *unlabelled]
    sequences: list[str] = []
    labels: list[str | None] = []
    for path, label in usable:
        for entry in fasta_entries(path):
            sequence, reason = protein(entry)
            if reason:
                found.append(Problem(f"{path.relative_to(root).as_posix()}: {entry[0]}", reason))
            else:
                sequences.append(sequence)
                labels.append(label)
    settle(name, len(sequences), found, options)
    if not sequences:
        raise DataError(f"The FASTA files in '{name}' contain no entries.")
    digests = [text_digest(sequence) for sequence in sequences]
    offered = [label for _, label in usable]
    return class_dataset(kind, name, sequences, digests, labels, offered=offered, problems=found)


def _by_header(
    name: str, root: Path, paths: Sequence[Path], options: ReadOptions, problems: Sequence[Problem]
) -> Dataset:
    """FASTA files of one class or of splits, whose labels are in their headers, if anywhere."""
    by_file = {path.relative_to(root).as_posix(): list(fasta_entries(path)) for path in paths}
    entries = [(f"{file}: {place}", text, keys) for file, found in by_file.items() for place, text, keys in found]
    dataset = proteins(name, entries, options, problems)
    sizes = {file: len(found) for file, found in by_file.items()}
    return replace(dataset, notes=(merged(sizes), *dataset.notes)) if len(sizes) > 1 else dataset


def proteins(
    reference: str, entries: Sequence[Entry], options: ReadOptions, problems: Sequence[Problem] = ()
) -> Dataset:
    """The data set of FASTA entries, with a key of their headers as label.

    Raises:
        DataError: there are no entries, nothing in them can be used, or there is no such key.
    """
    return _dataset(reference, "protein", entries, options, guesses=LABELS, known_problems=problems)


def protein(entry: Entry) -> tuple[str, str]:
    """The cleaned sequence of a FASTA entry, and why it cannot be used."""
    sequence = clean(entry[1])
    return sequence, protein_problem(sequence)


def _entry(header: str, parts: Sequence[str]) -> Entry:
    name = header.split(maxsplit=1)[0] if header else "an entry without a name"
    keys = list(_KEY.finditer(header))
    ends = [match.start() for match in keys[1:]] + [len(header)]
    labels = {match[1]: header[match.end() : end].strip(" |;") for match, end in zip(keys, ends, strict=False)}
    return name, "".join(parts), labels


def smiles_entries(path: Path) -> Iterator[Entry]:
    """Each line: a SMILES, then a name or other columns; a first line that is not a SMILES names the columns."""
    columns: list[str] = []
    with open_text(path, encoding_of(path)) as file:
        for number, line in enumerate(file, start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            cells = [cell.strip() for cell in cells]
            if not cells or not cells[0] or cells[0].startswith("#"):
                continue
            if not columns and number == 1 and smiles_problem(cells[0]):
                columns = cells
                continue
            names = columns or [f"column {place}" for place in range(1, len(cells) + 1)]
            yield f"line {number}", cells[0], dict(zip(names[1:], cells[1:], strict=False))


def _dataset(
    reference: str,
    kind: str,
    entries: Sequence[Entry],
    options: ReadOptions,
    *,
    guesses: Sequence[str] = (),
    known_problems: Sequence[Problem] = (),
) -> Dataset:
    if not entries:
        raise DataError(f"'{reference}' contains no entries.")
    key = _label_key(reference, entries, options.target_column, guesses)
    inputs: list[str] = []
    labels: list[str] = []
    places: list[str] = []
    problems: list[Problem] = list(known_problems)
    for place, text, found in entries:
        value, reason = protein((place, text, found)) if kind == "protein" else (text, smiles_problem(text))
        if not reason and key and is_missing(found.get(key)):
            reason = f"has no '{key}'"
        if reason:
            problems.append(Problem(place, reason))
            continue
        inputs.append(value)
        places.append(place)
        labels.append(found[key] if key else "")
    settle(reference, len(inputs), problems, options)
    targets = interpret(labels, places, key) if key else Targets("none", [])
    values = targets.values if key else None
    digests = (text_digest(text) for text in inputs)
    return Dataset(
        reference,
        kind,
        inputs,
        values,
        targets.classes,
        fingerprint(kind, digests, values, targets.classes),
        targets.kind,
        {"target": key} if key else {},
        tuple(problems),
        notes=targets.notes,
    )


def _label_key(reference: str, entries: Sequence[Entry], wanted: str | None, guesses: Sequence[str]) -> str | None:
    known = list(dict.fromkeys(key for entry in entries for key in entry[2]))
    if wanted is None:
        named = [key for key in known if not _NUMBERED.match(key) and key.lower() != "name"]
        named = [key for key in named if not are_splits({entry[2].get(key, "") for entry in entries})]
        return next((key for key in guesses if key in known), named[0] if len(named) == 1 and not guesses else None)
    if wanted in known:
        return wanted
    listed = f"the labels are: {', '.join(known)}" if known else "there are none"
    raise DataError(f"No entry of '{reference}' has a label called '{wanted}'; {listed}.", suggest(wanted, known))
