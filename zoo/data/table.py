"""Reads tables: CSV, TSV, JSON Lines and Parquet, with the inputs in one column and the labels in another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.contract.reader import ReadOptions, settle
from zoo.data import questions, series, series_tables, table_files, tagged, utterances, visual_questions
from zoo.data.columns import Choice, choose
from zoo.data.crystals import Crystal, read_crystal
from zoo.data.fingerprint import fingerprint
from zoo.data.items import AudioFiles, EncodedAudio, EncodedImages, ImageFiles, text_digest
from zoo.data.molecules import smiles_problem
from zoo.data.proteins import clean, protein_problem
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra, suggest
from zoo.kinds import audio
from zoo.kinds.image import inspect_all, inspect_content
from zoo.kinds.targets import Targets, interpret, is_missing, is_number
from zoo.tasks import find_task

_SAMPLE = 2000


class TableReader:
    """Tables with named columns."""

    name = "table (CSV, TSV, JSONL, Parquet)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file name that ends as tables do, whether the file is there or not."""
        path = Path(reference).expanduser()
        return bool(table_files.form_of(path)) and not path.is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The rows' inputs and targets.

        Raises:
            DataError: the file or a column is missing or unusable, or a row is and ``options`` say that this is fatal.
        """
        path = Path(reference).expanduser()
        if not path.is_file():
            raise _not_there(path)
        table = table_files.open_table(path)
        if options.task == questions.TASK:
            return questions.read_table(reference, table, options)
        if options.task == visual_questions.TASK:
            return visual_questions.read_table(reference, path, table, options)
        if options.task == series.TASK:
            return series_tables.read_table(reference, table, options)
        if options.task in utterances.TASKS:
            return utterances.read_table(reference, path, table, options)
        if options.task == tagged.TASK and (found := tagged.read_table(reference, table, options)) is not None:
            return found
        return read_table(reference, path, table, options)


def read_table(reference: str, path: Path, table: table_files.TableFile, options: ReadOptions) -> Dataset:
    """The rows' inputs and targets of an opened table; paths of images are relative to the folder of ``path``.

    Raises:
        DataError: as ``TableReader.read``.
    """
    first = list(islice(table.rows(), _SAMPLE))
    _refuse_missing_header(path, table, options)
    if not first:
        raise DataError(f"'{reference}' has columns and no rows.", "Add a row for each sample.")
    sample = [row.values for row in first if row.values is not None]
    if not sample:
        settle(reference, 0, [Problem(f"{table.unit} {row.number}", row.reason) for row in first], options)
    wanted_input, wanted_target = _wishes(options.task)
    choice = choose(path, table.columns, sample, options, wanted=wanted_input, wanted_target=wanted_target)
    usable = _usable(table, choice)
    inputs, digests = _inputs(path, choice, usable)
    settle(reference, len(usable.inputs), usable.problems, options)
    targets = Targets("none", [])
    if choice.target is not None:
        targets = interpret(usable.labels, usable.places, choice.target, wanted_target)
    values = targets.values if choice.target is not None else None
    kind = choice.kind
    return Dataset(
        reference,
        kind,
        inputs,
        values,
        targets.classes,
        fingerprint(kind, digests, values, targets.classes),
        targets.kind,
        _columns(choice, table),
        tuple(usable.problems),
        notes=(*choice.notes, *targets.notes),
    )


@dataclass
class _Usable:
    """Rows that can be used, as parallel lists, and those that cannot."""

    inputs: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def keep(self, kept: Sequence[int]) -> None:
        """Drop all rows but those at ``kept``."""
        self.inputs = [self.inputs[i] for i in kept]
        self.labels = [self.labels[i] for i in kept] if self.labels else []
        self.places = [self.places[i] for i in kept]


def _usable(table: table_files.TableFile, choice: Choice) -> _Usable:
    position = table.columns.index(choice.input)
    label_position = None if choice.target is None else table.columns.index(choice.target)
    found = _Usable()
    for row in table.rows():
        place = f"{table.unit} {row.number}"
        if row.values is None:
            found.problems.append(Problem(place, row.reason))
            continue
        value, reason = _input_value(row.values[position], choice)
        if not reason and label_position is not None and is_missing(row.values[label_position]):
            written = str(row.values[label_position] or "").strip()
            reason = f"has no label in column '{choice.target}'{f', but {written[:40]!r}' if written else ''}"
        if reason:
            found.problems.append(Problem(place, reason))
            continue
        found.inputs.append(value)
        found.places.append(place)
        if label_position is not None:
            found.labels.append(row.values[label_position])
    return found


def _input_value(value: Any, choice: Choice) -> tuple[Any, str]:
    """The cell as an input, or why it cannot be one."""
    if choice.encoded:
        content = value.get("bytes") if isinstance(value, dict) else None
        return (content, "") if content else (None, f"has no {choice.kind} in column '{choice.input}'")
    if value is None or (isinstance(value, float) and is_missing(value)) or not str(value).strip():
        what = "path" if choice.kind in {"image", "audio", "crystal"} else choice.kind
        return None, f"has no {what} in column '{choice.input}'"
    if isinstance(value, (dict, list)):
        return None, f"holds a list or an object in column '{choice.input}'"
    if choice.kind == "molecule":
        return str(value).strip(), smiles_problem(str(value).strip())
    if choice.kind == "protein":
        return clean(str(value)), protein_problem(clean(str(value)))
    return str(value), ""


def _inputs(path: Path, choice: Choice, usable: _Usable) -> tuple[Sequence[Any], list[bytes]]:
    """The inputs and their digests; images and recordings that cannot be decoded move to the problems."""
    if choice.kind == "crystal":
        return _crystals(path, usable)
    if choice.kind not in {"image", "audio"}:
        return usable.inputs, [text_digest(text) for text in usable.inputs]
    if choice.kind == "image":
        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
    paths = [] if choice.encoded else [table_files.resolve(value, path.parent) for value in usable.inputs]
    look_at, look_into = (
        (inspect_all, inspect_content) if choice.kind == "image" else (audio.inspect_all, audio.inspect_content)
    )
    looks = map(look_into, usable.inputs) if choice.encoded else look_at(paths)
    kept: list[int] = []
    known: list[Any] = []
    for index, facts in enumerate(looks):
        if isinstance(facts, str):
            item = usable.places[index] if choice.encoded else f"{usable.places[index]} ({usable.inputs[index]})"
            usable.problems.append(Problem(item, facts))
        else:
            kept.append(index)
            known.append(facts)
    usable.keep(kept)
    digests = [facts.digest for facts in known]
    if choice.encoded:
        return (EncodedImages if choice.kind == "image" else EncodedAudio)(usable.inputs, known), digests
    files = ImageFiles if choice.kind == "image" else AudioFiles
    return files(path.parent, [paths[i] for i in kept], known), digests


def _crystals(path: Path, usable: _Usable) -> tuple[Sequence[Any], list[bytes]]:
    """The crystals in the files that the rows name; those that cannot be read move to the problems."""
    found: dict[int, Crystal] = {}
    for index, value in enumerate(usable.inputs):
        crystal = read_crystal(table_files.resolve(value, path.parent))
        if isinstance(crystal, str):
            usable.problems.append(Problem(f"{usable.places[index]} ({value})", crystal))
        else:
            found[index] = crystal
    usable.keep(list(found))
    return list(found.values()), [hashlib.sha256(crystal.tobytes()).digest() for crystal in found.values()]


def _columns(choice: Choice, table: table_files.TableFile) -> dict[str, str]:
    columns = {"input": choice.input}
    if choice.target is not None:
        columns["target"] = choice.target
    if table.encoding:
        columns["encoding"] = table.encoding
    return columns


def _wishes(task: str | None) -> tuple[str | None, str | None]:
    """The kinds of input and target of a task, where it has one of each; paired texts count as the target."""
    if task is None:
        return None, None
    from zoo.plugins import plugins

    found = find_task(task, plugins().tasks)
    if found.target == "image":  # pictures to learn to make, with what they show
        return "image", "text"
    paired = "text" in found.inputs[1:] and found.target == "vector"
    kind = found.inputs[0] if len(found.inputs) == 1 or paired else None
    return kind, "text" if paired else found.target


def _refuse_missing_header(path: Path, table: table_files.TableFile, options: ReadOptions) -> None:
    """A first line of a number beside words is a row, not a header; both columns named by the user settle it."""
    if options.input_column and options.target_column:
        return
    numbers = [is_number(name) for name in table.columns]
    if any(numbers) and not all(numbers):
        raise DataError(
            f"The first line of '{path}' looks like data and not like column names: "
            f"{', '.join(repr(name[:40]) for name in table.columns[:5])}.",
            "Put a line with the names of the columns on top, such as text,label.",
        )


def _not_there(path: Path) -> DataError:
    if not path.parent.is_dir():
        return DataError(f"There is no file '{path}': its folder does not exist.")
    near = suggest(path.name, (entry.name for entry in path.parent.iterdir() if entry.is_file()))
    return DataError(f"There is no file '{path}'.", near)
