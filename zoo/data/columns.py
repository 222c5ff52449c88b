"""Guesses which column of a table holds the inputs and which the labels: by name first, by content otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions
from zoo.data.column_names import CAPTION_NAMES, LABEL_NAMES, SPLIT_NAMES, TEXT_NAMES
from zoo.data.layout import OWN_PARTS, are_splits
from zoo.errors import DataError, suggest
from zoo.kinds.known import kinds
from zoo.kinds.label_sets.cells import as_bit
from zoo.kinds.targets import is_missing, is_number

if TYPE_CHECKING:
    from zoo.contract.kind import Kind

_IDENTIFIERS = frozenset({"id", "index", "idx", "uuid", "column_1", "unnamed_0", "index_level_0"})
_MOST_CLASSES = 1000
_PATHS_SEEN = 50
_MOSTLY = 0.5
_MOST_SPLITS = 20


@dataclass(frozen=True)
class Choice:
    """The columns to read.

    Attributes:
        kind: ``text``, or a kind that a column can hold (``zoo.contract.kind.Kind.column_names``).
        encoded: whether the table itself holds the images or recordings, instead of their paths.
        notes: how ambiguous columns were read, in sentences.
        split: column that says which rows are for training, if there is one.
        sets: the columns of sets of labels, of which ``target`` is the first.
    """

    input: str
    kind: str
    target: str | None
    encoded: bool = False
    notes: tuple[str, ...] = ()
    split: str | None = None
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """Facts about a column from some of its values; lengths in characters."""

    name: str
    values: list[Any]
    kind: str
    distinct: int
    encoded: bool = False

    @property
    def key(self) -> str:
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")

    @property
    def words(self) -> bool:
        return any(isinstance(v, bool) or (isinstance(v, str) and not is_number(v)) for v in self.values)

    @property
    def split(self) -> bool:
        """Whether the column says which rows are for training."""
        if self.key in SPLIT_NAMES:
            return True
        return self.distinct <= _MOST_SPLITS and are_splits({str(value).strip() for value in self.values})

    @property
    def length(self) -> float:
        return median(len(v) for v in self.values) if self.kind == "text" else 0.0

    @property
    def sentences(self) -> bool:
        """Whether most values are texts of several words that do not repeat as labels do."""
        several = sum(isinstance(value, str) and len(value.split()) > 2 for value in self.values)
        return self.kind == "text" and not self.few and not self.split and several > len(self.values) / 2

    @property
    def few(self) -> bool:
        """Whether the values repeat as labels do."""
        return 2 <= self.distinct <= min(_MOST_CLASSES, max(2, len(self.values) // 2))


def choose(
    path: Path,
    columns: Sequence[str],
    sample: Sequence[Sequence[Any]],
    options: ReadOptions,
    *,
    wanted: str | None = None,
    wanted_target: str | None = None,
) -> Choice:
    """The input and the target column.

    Args:
        path: the table; paths of images and recordings are relative to its folder.
        sample: some rows, values in the order of ``columns``.
        wanted: the kind of input that the task takes, if it is known.
        wanted_target: the kind of target, if it is known; ``text`` for captions and transcripts.

    Raises:
        DataError: a named column does not exist, or the choice is ambiguous.
    """
    for asked in (options.input_column, options.target_column, options.group_column, options.time_column):
        if asked is not None and asked not in columns:
            raise DataError(
                f"'{path}' has no column '{asked}'; its columns are {_listed(columns)}.", suggest(asked, columns)
            )
    roles = {"input": options.input_column, "label": options.target_column, "group": options.group_column}
    for (role, name), (second, same) in combinations(roles.items(), 2):
        if name is not None and name == same:
            raise DataError(
                f"Column '{name}' cannot be both the {role} and the {second}.",
                f"Columns of '{path}': {_listed(columns)}.",
            )
    aside = {options.group_column, options.time_column} - {options.input_column, options.target_column}
    known = {
        name: _look(name, [row[i] for row in sample if not is_missing(row[i])])
        for i, name in enumerate(columns)
        if name not in aside
    }
    target = options.target_column
    if target is None and wanted_target != "text":
        target = _target_by_name(known, options.input_column)
    inputs = [column for column in known.values() if column.name != target]
    ordered = wanted == wanted_target == "text"
    found = known[options.input_column] if options.input_column else _input(path, columns, inputs, wanted, ordered)
    others = [c for c in inputs if c.name != found.name]
    if target is None:
        target = _caption(path, columns, others, ordered) if wanted_target == "text" else None
        target = target or _target_by_content(path, columns, others, needed=not options.unlabelled)
    kind = _kind_read(found, wanted, options.input_column)
    splits = [c.name for c in others if c.split and c.name != target]
    notes = tuple(f"Column '{name}' divides the rows into splits; all are read, and {OWN_PARTS}." for name in splits)
    if found.kind == kind == "text" and options.input_column is None:
        unread = [c.name for c in others if c.name != target and c.sentences]
        if unread:
            holds, are = (
                ("Column", "also holds texts and is") if len(unread) == 1 else ("Columns", "also hold texts and are")
            )
            notes += (
                f"{holds} {_listed(unread)} {are} not read, only '{found.name}' is (--input-column names another).",
            )
    return Choice(found.name, kind, target, found.encoded, notes, next(iter(splits), None))


def choose_input(
    path: Path, columns: Sequence[str], sample: Sequence[Sequence[Any]], named: str | None, wanted: str
) -> Choice:
    """The input column of a table without regard to labels: the one that is named, else the best for a kind.

    Raises:
        DataError: there is no such column, or the choice is ambiguous.
    """
    if named is not None and named not in columns:
        raise DataError(
            f"'{path}' has no column '{named}'; its columns are {_listed(columns)}.", suggest(named, columns)
        )
    known = {name: _look(name, [row[i] for row in sample if not is_missing(row[i])]) for i, name in enumerate(columns)}
    target = None if named or len(known) == 1 else _target_by_name(known, None)
    candidates = [column for column in known.values() if column.name != target]
    found = known[named] if named else _input(path, columns, candidates, wanted, ordered=False)
    return Choice(found.name, _kind_read(found, wanted, named), None, found.encoded)


def _kind_read(found: _Column, wanted: str | None, named: str | None) -> str:
    """The kind that a column of inputs is read as."""
    kind = found.kind if found.kind != "other" else "text"
    other = _special().get(wanted or "")
    if kind == "text" and other is not None and (other.written or named):
        return other.name
    return "text" if wanted == "text" and not found.encoded else kind


def _special() -> Mapping[str, Kind]:
    """The kinds other than text that a column can hold, in the order in which they are looked for."""
    return {name: kind for name, kind in kinds().items() if kind.column_names}


def _look(name: str, values: list[Any]) -> _Column:
    if values and all(isinstance(v, dict) and v.get("bytes") for v in values):
        holding = [known.name for known in _special().values() if known.is_encoded(values[0]["bytes"])]
        return _Column(name, values, holding[-1] if holding else "other", 0, encoded=bool(holding))
    if not values or not all(isinstance(v, str) for v in values):
        return _Column(name, values, "other", len({str(v).strip() for v in values}))
    column = _Column(name, values, "text", len({v.strip() for v in values}))
    seen = values[:_PATHS_SEEN]
    found = (
        known.name
        for known in _special().values()
        if sum(known.is_cell(value, column.key) for value in seen) > _MOSTLY * len(seen)
    )
    return replace(column, kind=next(found, "text"))


def _input(
    path: Path, columns: Sequence[str], candidates: Sequence[_Column], wanted: str | None, ordered: bool
) -> _Column:
    """The column of the inputs: of several texts the longest, or the first with ``ordered``."""
    special = _special()
    groups = {kind: [c for c in candidates if c.kind == kind] for kind in special}
    texts = [c for c in candidates if c.kind == "text" and c.key not in _IDENTIFIERS]
    called = _named(texts, TEXT_NAMES, exactly=True)
    texts = [c for c in texts if c.words or c is called] or texts
    if wanted == "text":
        texts += [column for kind, group in groups.items() if special[kind].written for column in group]
        groups = {}
    elif wanted in groups:
        groups = {wanted: groups[wanted] or (texts if special[wanted].written else [])}
        texts = []
    for kind, group in groups.items():
        by_name = _named(group, special[kind].column_names)
        if by_name is not None:
            return by_name
    by_name = _named(texts, TEXT_NAMES)
    if by_name is not None:
        return by_name
    others = [column for group in groups.values() for column in group]
    if len(others) == 1:
        return others[0]
    if others or not texts:
        what = "Several columns hold" if others else "No column holds texts or"
        of = " or ".join(special[kind].cells for kind in groups) or "paths of images"
        raise DataError(
            f"{what} {of} in '{path}'; its columns are {_listed(columns)}.", "Name the one to use with --input-column."
        )
    return texts[0] if ordered else max(texts, key=lambda column: column.length)


def _caption(path: Path, columns: Sequence[str], candidates: Sequence[_Column], ordered: bool) -> str:
    texts = [c for c in candidates if c.kind == "text" and c.key not in _IDENTIFIERS]
    found = _named(texts, CAPTION_NAMES) or max(texts, key=lambda c: 0 if ordered else c.length, default=None)
    if found is None:
        raise DataError(
            f"No column of '{path}' holds the texts that belong to the inputs; its columns are {_listed(columns)}.",
            "Name it with --target-column.",
        )
    return found.name


def _target_by_name(known: dict[str, _Column], taken: str | None) -> str | None:
    special = _special()
    free = [c for c in known.values() if c.name != taken and c.values and c.kind not in special and not c.split]
    exact = _named(free, LABEL_NAMES, exactly=True)
    found = exact or _named([c for c in free if c.few or not c.words], LABEL_NAMES)
    return found.name if found else None


def _target_by_content(
    path: Path, columns: Sequence[str], candidates: Sequence[_Column], *, needed: bool
) -> str | None:
    usable = [c for c in candidates if c.values and not c.split]
    if not usable:
        return None
    few = [c for c in usable if c.few and c.key not in _IDENTIFIERS and c.kind in {"text", "other"}]
    few = [c for c in few if c.words] or few
    if len(few) == 1:
        return few[0].name
    if not few and not needed:
        return None
    problem = f"{' and '.join(f'{c.name!r}' for c in few[:3])} could each be" if few else "none of them looks like"
    bits = [c.name for c in few if all(as_bit(value) is not None for value in c.values)]
    every = f"; to read one label from each column of 0 and 1: --target-column {','.join(bits)}" if bits[1:] else ""
    raise DataError(
        f"Which column of '{path}' has the labels? Its columns are {_listed(columns)}; {problem} the label column.",
        f"Name it: --target-column {(few or usable)[0].name}{every}",
    )


def _named(columns: Sequence[_Column], names: Sequence[str], exactly: bool = False) -> _Column | None:
    """The column whose name is one of ``names``, the earlier the better; else one that has such a word in its name."""
    by_key = {column.key: column for column in reversed(columns)}
    for name in names:
        if name in by_key:
            return by_key[name]
    if not exactly:
        for name in names:
            for column in columns:
                if name in column.key.split("_"):
                    return column
    return None


def _listed(columns: Sequence[str], most: int = 20) -> str:
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return ", ".join(f"'{name}'" for name in columns[:most]) + more
