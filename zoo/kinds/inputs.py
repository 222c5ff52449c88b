"""Inputs from users: paths in tables, and texts and files on a command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo.contract.values import Typed, Unusable, Values
from zoo.entities import Problem
from zoo.errors import DataError, InvalidInput

LONGEST_PATH = 4096
"""Maximum length of a file name; a longer text is not one."""

_WORDS, _LONGEST_STEM = 5, 40
"""Maximum words and characters of an input's name in the name of its file."""


def resolve(value: str, folder: Path) -> Path:
    """A file's path, relative to the table's folder; ``\\`` as the separator works everywhere."""
    path = folder / Path(value.strip()).expanduser()
    return path if path.exists() or "\\" not in value else folder / value.strip().replace("\\", "/")


def typed_file(text: str, noun: str) -> Path:
    """The typed file; raises ``DataError`` if there is none."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise DataError(f"'{text}' is a folder, not one {noun} file.", "Name its files.")
    if not path.is_file():
        raise DataError(f"There is no {noun} file '{text}'.")
    return path


def looked_at(
    facts: Sequence[Any], items: Callable[[list[Any], list[Any]], Sequence[Any]], sources: Sequence[Any]
) -> Values:
    """Values of files or encoded cells that were inspected; unusable ones become problems.

    Args:
        facts: n results of the inspection, each with a ``digest``, or a reason as text.
        items: makes the values, decoded when indexed, from the usable sources and their facts.
        sources: the n paths or contents.
    """
    kept = [at for at, found in enumerate(facts) if not isinstance(found, str)]
    known = [facts[at] for at in kept]
    problems = {at: found for at, found in enumerate(facts) if isinstance(found, str)}
    return Values(items([sources[at] for at in kept], known), kept, [found.digest for found in known], problems)


def existing_file(text: str) -> Path | None:
    """The file that a typed text names; None if it is the input itself."""
    if len(text) >= LONGEST_PATH or "\0" in text or "\n" in text:
        return None
    path = Path(text).expanduser()
    return path if path.is_file() else None


def read_each(entries: Iterable[tuple[str, str]] | Sequence[str], read: Callable[[str], Any], hint: str = "") -> Typed:
    """Each typed input read by itself; one that cannot be used does not affect the others.

    Args:
        entries: the inputs, or pairs of name and text.
        read: from the text to the value; raises ``Unusable``, ``DataError`` or ``InvalidInput``.
        hint: what to do after an ``Unusable``.

    Raises:
        DataError, InvalidInput: none can be used; the first error.
    """
    names, items, problems = [], [], []
    first: DataError | InvalidInput | None = None
    for entry in entries:
        name, text = (entry, entry) if isinstance(entry, str) else entry
        try:
            try:
                items.append(read(text))
            except Unusable as reason:
                raise DataError(f"'{text[:60]}' {reason}.", hint) from None
            names.append(name)
        except (DataError, InvalidInput) as error:
            first = first or error
            problems.append(Problem(name, str(error)))
    if first is not None and not items:
        raise first
    return Typed(tuple(names), items, tuple(problems))


def numbered_names(names: Sequence[str]) -> list[str]:
    """Stems of files for n results: the number of each, and the first words of its name."""
    stems = ("-".join(re.findall(r"[^\W_]+", name.lower())[:_WORDS])[:_LONGEST_STEM] for name in names)
    return [f"{number:02d}-{stem}" for number, stem in enumerate(stems, start=1)]
