"""Reads tables: CSV, TSV, JSON Lines and Parquet, with the inputs in one column and the labels in another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions, Table, settle
from zoo.contract.values import Values
from zoo.data import table_files
from zoo.data.columns import Choice, choose
from zoo.data.label_sets.columns import LabelColumns, label_columns, lists_note
from zoo.data.layout import GIVEN_PARTS, OWN_PARTS, parts_of, with_parts
from zoo.data.times import moment_of
from zoo.entities import Dataset, Problem, Subset
from zoo.errors import DataError, suggest
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.known import kind_of, kinds
from zoo.kinds.targets import INTERPRETED, Targets, interpret, is_missing, is_number
from zoo.tasks import find_task

_SAMPLE = 2000


class TableReader:
    """Tables with named columns."""

    name = "table (CSV, TSV, JSONL, Parquet)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file name with a suffix of tables, whether or not the file exists."""
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
        for kind in _asked(options.task):
            if (found := kind.read_table(reference, path, table, options)) is not None:
                return found
        return read_table(reference, path, table, options)


def read_table(reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
    """The rows' inputs and targets of an opened table; paths of images are relative to the folder of ``path``.

    Raises:
        DataError: as ``TableReader.read``.
    """
    first = list(islice(table.rows(), _SAMPLE))
    _refuse_missing_header(path, table, options)
    if not first:
        raise DataError(f"'{reference}' has columns, but no rows.", "Add a row for each sample.")
    sample = [row.values for row in first if row.values is not None]
    if not sample:
        settle(reference, 0, [Problem(f"{table.unit} {row.number}", row.reason) for row in first], options)
    wanted_target = _wishes(options.task)[1]
    sets = label_columns(path, table.columns, sample, options, wanted_target)
    choice = _choice(path, table, sample, options, sets)
    holding = kind_of(choice.kind)
    usable = _usable(table, choice, holding, options)
    inputs, digests = _inputs(path, choice, holding, usable)
    own = None if choice.target is None or choice.sets else _own_target(wanted_target)
    read = Values((), (), ()) if own is None else own.read_cells(usable.labels, path.parent)
    found = None if sets is None or not choice.sets else sets.kind.read_targets(usable.labels, choice.sets)
    kept = read if found is None else found
    if kept.problems:
        prefix = "" if sets else f"has a label in column '{choice.target}' that "
        usable.problems += [Problem(usable.places[at], f"{prefix}{reason}") for at, reason in kept.problems.items()]
        inputs, digests = Subset(inputs, kept.kept), [digests[at] for at in kept.kept]
        usable.keep(kept.kept)
    settle(reference, len(digests), usable.problems, options)
    targets = Targets("none", [])
    if own is not None:
        targets = Targets(own.name, read.items)
    elif sets is not None and found is not None:
        targets = Targets(sets.kind.name, found.items, found.classes, (*sets.notes, *found.notes))
    elif choice.target is not None:
        targets = interpret(usable.labels, usable.places, choice.target, wanted_target)
    values = targets.values if choice.target is not None else None
    content = values if own is None else [digest.hex() for digest in read.digests]
    if found is not None:
        content = [repr(item) for item in found.items]
    kind = choice.kind
    lists = lists_note(targets.classes, kind) if targets.kind == "class" else ()
    divided = fingerprint(kind, digests, content, targets.classes)
    parts = parts_of([((str(name),), None) for name in usable.splits])
    if usable.groups or usable.times:  # figures depend on what is held out together
        held = f"{divided}:{usable.groups}:{usable.times}"
        divided = hashlib.sha256(held.encode("utf-8", "surrogatepass")).hexdigest()
    divided = with_parts(divided, parts)
    notes = [note.replace(OWN_PARTS, GIVEN_PARTS) if parts else note for note in choice.notes]
    return Dataset(
        reference,
        kind,
        inputs,
        values,
        targets.classes,
        divided,
        targets.kind,
        _columns(choice, table, options),
        tuple(usable.problems),
        notes=(*notes, *targets.notes, *lists),
        groups=usable.groups,
        times=usable.times,
        places=usable.places,
        parts=parts,
    )


@dataclass
class _Usable:
    """Usable rows as parallel lists, and problems of the others."""

    inputs: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    splits: list[Any] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def keep(self, kept: Sequence[int]) -> None:
        """Drop all rows but those at ``kept``."""
        self.inputs = [self.inputs[i] for i in kept]
        self.labels = [self.labels[i] for i in kept] if self.labels else []
        self.groups = [self.groups[i] for i in kept] if self.groups else []
        self.times = [self.times[i] for i in kept] if self.times else []
        self.splits = [self.splits[i] for i in kept] if self.splits else []
        self.places = [self.places[i] for i in kept]


def _usable(table: Table, choice: Choice, kind: Kind, options: ReadOptions) -> _Usable:
    position = table.columns.index(choice.input)
    label_position = None if choice.target is None or choice.sets else table.columns.index(choice.target)
    set_positions = [table.columns.index(name) for name in choice.sets]
    group_position = None if options.group_column is None else table.columns.index(options.group_column)
    time_position = None if options.time_column is None else table.columns.index(options.time_column)
    split_position = None if choice.split is None else table.columns.index(choice.split)
    found = _Usable()
    for row in table.rows():
        place = f"{table.unit} {row.number}"
        if row.values is None:
            found.problems.append(Problem(place, row.reason))
            continue
        value, reason = input_value(row.values[position], choice, kind)
        if not reason and label_position is not None and is_missing(row.values[label_position]):
            written = str(row.values[label_position] or "").strip()
            reason = f"has no label in column '{choice.target}'{f', but {written[:40]!r}' if written else ''}"
        if not reason and group_position is not None and is_missing(row.values[group_position]):
            reason = f"has no group in column '{options.group_column}'"
        moment = None
        if not reason and time_position is not None:
            moment = moment_of(row.values[time_position])
            if moment is None:
                written = str(row.values[time_position] or "").strip()[:40]
                reason = f"has no time in column '{options.time_column}'{f', but {written!r}' if written else ''}"
        if reason:
            found.problems.append(Problem(place, reason))
            continue
        if group_position is not None:
            found.groups.append(str(row.values[group_position]).strip())
        if moment is not None:
            found.times.append(moment)
        if split_position is not None:
            found.splits.append(row.values[split_position])
        found.inputs.append(value)
        found.places.append(place)
        if label_position is not None:
            found.labels.append(row.values[label_position])
        elif set_positions:
            found.labels.append([row.values[at] for at in set_positions])
    return found


def _choice(
    path: Path, table: Table, sample: Sequence[Sequence[Any]], options: ReadOptions, sets: LabelColumns | None
) -> Choice:
    """The input and the target column; of several columns of sets of labels, ``choose`` sees the first one."""
    wanted_input, wanted_target = _wishes(options.task)
    if sets is None:
        return choose(path, table.columns, sample, options, wanted=wanted_input, wanted_target=wanted_target)
    seen = [at for at, name in enumerate(table.columns) if name not in sets.columns[1:]]
    names, rows = [table.columns[at] for at in seen], [[row[at] for at in seen] for row in sample]
    named = replace(options, target_column=next(iter(sets.columns), None))
    chosen = choose(path, names, rows, named, wanted=wanted_input, wanted_target=sets.kind.name)
    return replace(chosen, sets=sets.columns or tuple(filter(None, [chosen.target])))


def input_value(value: Any, choice: Choice, kind: Kind) -> tuple[Any, str]:
    """The value of an input's cell, or the reason why it is not usable."""
    if choice.encoded:
        content = value.get("bytes") if isinstance(value, dict) else None
        return (content, "") if content else (None, f"has no {choice.kind} in column '{choice.input}'")
    if value is None or (isinstance(value, float) and is_missing(value)) or not str(value).strip():
        return None, f"has no {choice.kind if kind.written else 'path'} in column '{choice.input}'"
    if isinstance(value, (dict, list)):
        return None, f"holds a list or an object in column '{choice.input}'"
    return str(value), ""


def _inputs(path: Path, choice: Choice, kind: Kind, usable: _Usable) -> tuple[Sequence[Any], Sequence[bytes]]:
    """The inputs and their digests; those that cannot be read move to the problems."""
    found = kind.read_cells(usable.inputs, path.parent)
    for index, reason in found.problems.items():
        named = "" if choice.encoded or kind.written else f" ({usable.inputs[index]})"
        usable.problems.append(Problem(f"{usable.places[index]}{named}", reason))
    if found.problems:
        usable.keep(found.kept)
    return found.items, found.digests


def _own_target(wanted: str | None) -> Kind | None:
    """The kind of a task's target if it reads its cells itself; None if they are read as labels (``interpret``)."""
    kind = None if wanted in INTERPRETED else kinds().get(wanted or "")
    return kind if kind is not None and (kind.written or kind.column_names) else None


def _columns(choice: Choice, table: Table, options: ReadOptions) -> dict[str, str]:
    columns = {"input": choice.input}
    if choice.target is not None:
        named = (f'"{name}"' if "," in name else name for name in choice.sets)
        columns["target"] = ", ".join(named) if len(choice.sets) > 1 else choice.target
    dividing = {"group": options.group_column, "time": options.time_column}
    columns |= {role: name for role, name in dividing.items() if name is not None}
    if table.encoding:
        columns["encoding"] = table.encoding
    return columns


def _wishes(task: str | None) -> tuple[str | None, str | None]:
    """The kinds of input and target of a task, if it has one of each; paired texts count as the target."""
    if task is None:
        return None, None
    from zoo.plugins import plugins

    found = find_task(task, plugins().tasks)
    if found.read_as is not None:
        return found.read_as
    return found.inputs[0] if len(found.inputs) == 1 else None, found.target


def _asked(task: str | None) -> Sequence[Kind]:
    """The kinds that may read the whole table of a task: those of its target and of its inputs."""
    if task is None:
        return ()
    from zoo.plugins import plugins

    known = plugins().tasks.get(task)
    return [] if known is None else [kind_of(name) for name in (known.target, *known.inputs)]


def _refuse_missing_header(path: Path, table: Table, options: ReadOptions) -> None:
    """A first line with a number next to words is a row, not a header, unless the user named both columns."""
    if options.input_column and options.target_column:
        return
    numbers = [is_number(name) for name in table.columns]
    if any(numbers) and not all(numbers):
        raise DataError(
            f"The first line of '{path}' looks like data, not like column names: "
            f"{', '.join(repr(name[:40]) for name in table.columns[:5])}.",
            "Put a line with the names of the columns on top, such as text,label.",
        )


def _not_there(path: Path) -> DataError:
    if not path.parent.is_dir():
        return DataError(f"There is no file '{path}': its folder does not exist.")
    near = suggest(path.name, (entry.name for entry in path.parent.iterdir() if entry.is_file()))
    return DataError(f"There is no file '{path}'.", near)
