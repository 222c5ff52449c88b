"""Finds the columns that hold sets of labels: named ones, a column of lists, or columns of 0 and 1."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions
from zoo.data.column_names import LABEL_NAMES, LABEL_SET_NAMES
from zoo.errors import DataError, suggest
from zoo.kinds.known import kind_of, kinds
from zoo.kinds.label_sets.cells import SEPARATORS, as_bit
from zoo.kinds.targets import is_missing
from zoo.plugins import plugins

if TYPE_CHECKING:
    from zoo.contract.kind import Kind

_FEWEST_REPEATED = 0.05


@dataclass(frozen=True)
class LabelColumns:
    """The columns of sets of labels.

    Attributes:
        kind: the kind of the targets.
        columns: one column, or a column of 0 and 1 for each label; empty if the column is still to be guessed.
        notes: which columns were chosen, in a sentence, if the user named none.
    """

    kind: Kind
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


def label_columns(
    path: Path, columns: Sequence[str], sample: Sequence[Sequence[Any]], options: ReadOptions, wanted: str | None
) -> LabelColumns | None:
    """The columns to read as sets of labels; None if the target is of another kind.

    Targets are sets if the task requires it, if several columns are named, or if the column of the labels holds lists.

    Args:
        sample: some rows, values in the order of ``columns``.
        wanted: the kind of target of the task, if it is known.

    Raises:
        DataError: a named column does not exist, or the task takes one column.
    """
    kind = next((kind for kind in kinds().values() if kind.several and wanted in {None, kind.name}), None)
    named = _named(path, columns, options.target_column)
    if kind is None:
        if len(named) > 1 and options.task is not None and wanted in {"class", "number"}:
            raise DataError(
                f"The task {options.task} takes one target column, and {len(named)} are named.",
                _suggestion(sample, columns, named),
            )
        return None
    values = _Values(columns, sample)
    if named:
        return LabelColumns(kind, named) if wanted or len(named) > 1 or values.hold_lists(named[0]) else None
    free = [name for name in columns if name not in {options.input_column, options.group_column, options.time_column}]
    usual = _usual(free, (*LABEL_NAMES, *LABEL_SET_NAMES) if wanted is None else LABEL_NAMES)
    if wanted is None:
        return LabelColumns(kind, (usual,)) if usual and values.hold_lists(usual) else None
    called = _usual(free, LABEL_SET_NAMES)
    if called and not values.hold_bits(called):
        return LabelColumns(kind, (called,))
    bits = tuple(name for name in free if values.hold_bits(name))
    if len(bits) > 1:
        shown = ", ".join(f"'{name}'" for name in bits[:10]) + (f" and {len(bits) - 10} more" if len(bits) > 10 else "")
        note = f"The {len(bits)} columns of 0 and 1 are read as labels: {shown} (--target-column names others)."
        return LabelColumns(kind, bits, (note,))
    lists = [name for name in free if values.hold_lists(name)]
    if len(lists) == 1:
        return LabelColumns(kind, tuple(lists))
    return LabelColumns(kind, (usual,) if usual and not values.hold_bits(usual) else ())


def reading_as_sets(input_kind: str) -> str:
    """How to read the labels of such inputs as sets, as a command-line option; empty if no task takes them."""
    found = (task for task in plugins().tasks.values() if task.inputs == (input_kind,) and kind_of(task.target).several)
    name = next((task.name for task in found), "")
    return f"--task {name}" if name else ""


def lists_note(names: Collection[str], input_kind: str) -> tuple[str, ...]:
    """A warning if class names look like lists with common parts, such as ``law;short`` and ``law;long``."""
    for separator in SEPARATORS:
        divided = {name: [part.strip() for part in name.split(separator)] for name in names if separator in name}
        parts = {part for name in names for part in divided.get(name, [name])}
        repeated = len(divided) > 1 or (divided and parts <= set(names))
        if repeated and all(map(all, divided.values())) and len(parts) <= len(names):
            asked = reading_as_sets(input_kind)
            sets = f"To read them as several labels of one sample: {asked}. " if asked else ""
            return (
                f"The labels seem to be lists separated by '{separator}', such as '{next(iter(divided))}'; each "
                f"distinct list is read as a separate class. {sets}To predict one part only, put it into a column and "
                "name that with --target-column.",
            )
    return ()


class _Values:
    """Some values of each column, without missing ones."""

    def __init__(self, columns: Sequence[str], sample: Sequence[Sequence[Any]]) -> None:
        self._columns: Mapping[str, list[Any]] = {
            name: [row[at] for row in sample if not is_missing(row[at])] for at, name in enumerate(columns)
        }

    def hold_lists(self, name: str) -> bool:
        """Whether all values are lists without a repeated value, or of equally many numbers 0 and 1."""
        found = self._columns.get(name, [])
        if not found or not all(isinstance(value, (list, tuple)) for value in found):
            return False
        repeated = sum(len(set(map(str, value))) < len(value) for value in found)
        coded = len(set(map(len, found))) == 1 and all(as_bit(one) is not None for value in found for one in value)
        return coded or repeated <= _FEWEST_REPEATED * len(found)

    def hold_bits(self, name: str) -> bool:
        """Whether all values are 0, 1, false or true."""
        found = self._columns.get(name, [])
        return bool(found) and all(as_bit(value) is not None for value in found)


def _named(path: Path, columns: Sequence[str], text: str | None) -> tuple[str, ...]:
    """The columns that ``--target-column`` names: one, or several comma-separated, quoted as in CSV if necessary."""
    if text is None or text in columns or "," not in text:
        return () if text is None else (text,)
    names = tuple(part.strip() for part in next(csv.reader([text], skipinitialspace=True)) if part.strip())
    for name in names:
        if name not in columns:
            shown = ", ".join(f"'{known}'" for known in columns[:20])
            raise DataError(f"'{path}' has no column '{name}'; its columns are {shown}.", suggest(name, columns))
    return tuple(dict.fromkeys(names))


def _suggestion(sample: Sequence[Sequence[Any]], columns: Sequence[str], named: Sequence[str]) -> str:
    values = _Values(columns, sample)
    if not all(map(values.hold_bits, named)):
        return "Name one of them with --target-column."
    return "Name one of them, or leave --task out to read a set of labels for each sample."


def _usual(columns: Sequence[str], names: Sequence[str]) -> str | None:
    keys = {re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"): name for name in reversed(columns)}
    return next((keys[name] for name in names if name in keys), None)
