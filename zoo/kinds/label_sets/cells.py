"""Reads sets of labels from the cells of a table: lists, texts with separators, or a column of 0 and 1 for each label.

Lists may be real ones (JSON Lines, Parquet) or the text of one, as ``["law", "short"]`` or ``['law', 'short']``. Texts
are divided by the first of ``|``, ``;`` and ``,`` that occurs. An empty cell is a sample without a label.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from zoo.contract.targets import TargetSets
from zoo.errors import DataError
from zoo.kinds.targets import in_order, is_missing, label_name
from zoo.untrusted import parse_json

SEPARATORS = "|;,"
"""Separators of several labels in one cell, the least ambiguous first."""

_BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_HINT = "Name the columns of the labels, comma-separated: --target-column toxic,insult"


def as_bit(value: Any) -> int | None:
    """A cell of 0, 1, false or true as 0 or 1; None if it is something else."""
    return _BITS.get(str(value).strip().lower())


def as_list(value: Any) -> list[Any] | None:
    """A cell that is a list, or the text of one in JSON or Python; None if it is something else."""
    if isinstance(value, (list, tuple)):
        return list(value)
    text = value.strip() if isinstance(value, str) else ""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        found = parse_json(text, finite=False)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, list) else None


def separator_of(cells: Sequence[str]) -> str:
    """The separator of labels in cells of text; empty if there is none."""
    return next((separator for separator in SEPARATORS if any(separator in cell for cell in cells)), "")


def read_columns(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> TargetSets:
    """One column of 0 and 1 for each label; a label has the name of its column.

    Rows with an empty cell are unusable, because it is unknown whether they have the label.

    Raises:
        DataError: no row has 0 or 1 in each column; names the first cell.
    """
    items, kept, problems = [], [], {}
    for position, row in enumerate(rows):
        bits = [as_bit(cell) for cell in row]
        if None not in bits:
            items.append(tuple(bits))
            kept.append(position)
            continue
        at = bits.index(None)
        written = "" if is_missing(row[at]) else f", but '{str(row[at]).strip()[:40]}'"
        problems[position] = f"has no 0 or 1 in column '{columns[at]}'{written}"
    if rows and not items:
        first = next(iter(problems.values()))
        raise DataError(
            f"Several columns of labels must hold 0 and 1, one column for each label; the first row {first}.",
            "For lists of labels in one column, name that column alone with --target-column.",
        )
    return TargetSets(items, kept, tuple(columns), problems)


def read_cells(cells: Sequence[Any], column: str) -> TargetSets:
    """Cells of one column with lists, with texts that separators divide, or with one 0 or 1 for each label.

    Raises:
        DataError: a list contains lists or objects, no cell has a label, or the cells are single numbers 0 and 1.
    """
    lists, note = _lists(cells, column)
    if (coded := _coded(lists, column)) is not None:
        return coded
    names = [[label_name(value) for value in found] for found in lists]
    names = [[name for name in found if name] for found in names]
    ordered, _ = in_order({name for found in names for name in found})
    if not ordered:
        raise DataError(f"Column '{column}' has no labels.", "Name another column with --target-column.")
    if set(ordered) <= _BITS.keys() and max(map(len, names)) == 1:
        raise DataError(f"Column '{column}' only says whether samples have one label, by 0 and 1.", _HINT)
    index = {name: position for position, name in enumerate(ordered)}
    items = [_indicators([index[name] for name in found], len(ordered)) for found in names]
    notes = [note] * bool(note)
    repeated = sum(len(found) != len(set(found)) for found in names)
    if repeated:
        notes.append(f"{repeated:,} cells of column '{column}' repeat a label, which counts once.")
    if all(len(set(found)) == 1 for found in names):
        notes.append("Each sample has exactly one label; a task with one class per sample is the better choice.")
    return TargetSets(items, range(len(items)), tuple(ordered), notes=tuple(notes))


def _lists(cells: Sequence[Any], column: str) -> tuple[list[list[Any]], str]:
    """The labels of each cell as a list, and how they were divided, as a sentence."""
    found = [as_list(cell) for cell in cells]
    texts = ["" if is_missing(cell) else label_name(cell) for cell in cells]
    separator = separator_of([text for text, known in zip(texts, found, strict=True) if known is None])
    divided: list[list[Any]] = []
    for position, (text, known) in enumerate(zip(texts, found, strict=True)):
        if known is None:
            divided.append([part.strip() for part in (text.split(separator) if separator else [text])])
            continue
        if nested := next((value for value in known if isinstance(value, (list, tuple, dict))), None):
            raise DataError(
                f"Column '{column}' has a list that contains {nested!r:.40} (sample {position + 1}), which cannot be "
                "a label.",
                "Write each sample's labels as one list of names.",
            )
        divided.append([value for value in known if not is_missing(value)])
    return divided, f"The labels in column '{column}' are separated by '{separator}'." if separator else ""


def _coded(lists: Sequence[Sequence[Any]], column: str) -> TargetSets | None:
    """Lists of the same length with a 0 or 1 for each label, which has no name; None for lists of labels."""
    lengths = set(map(len, lists))
    if len(lengths) != 1 or lengths <= {0, 1}:
        return None
    if any(isinstance(value, str) or as_bit(value) is None for found in lists for value in found):
        return None
    count = lengths.pop()
    if count == 2 and not any(found[0] == found[1] for found in lists):
        return None  # lists of the two labels 0 and 1
    note = f"Each list in column '{column}' holds a 0 or 1 for each of {count:,} labels, which are numbered from 0."
    items = [tuple(as_bit(value) or 0 for value in found) for found in lists]
    return TargetSets(items, range(len(items)), tuple(map(str, range(count))), notes=(note,))


def _indicators(indices: Sequence[int], count: int) -> tuple[int, ...]:
    row = [0] * count
    for index in indices:
        row[index] = 1
    return tuple(row)
