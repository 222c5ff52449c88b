"""Sentences with a tag for each word: CoNLL files, and tables with lists of words and of tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.contract.reader import ReadOptions, Table, settle
from zoo.entities import Dataset, Problem
from zoo.errors import DataError
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import text_digest
from zoo.kinds.text import read_text
from zoo.untrusted import parse_json

TASK = "token-classification"
SUFFIXES = frozenset({".conll", ".iob", ".iob2", ".bio"})
_WORDS, _TAGS = ("tokens", "words"), ("ner_tags", "tags", "labels", "ner")
_DOCUMENT = "-DOCSTART-"

Row = tuple[str, Sequence[str], Sequence[str]]
"""A sentence: its place in the file, its words, and their tags."""


class TaggedReader:
    """CoNLL files: one word per line with its tag last, and an empty line after each sentence."""

    name = "tagged sentences (CoNLL)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file name with one of the usual suffixes."""
        path = Path(reference).expanduser()
        return path.suffix.lower() in SUFFIXES and not path.is_dir()

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The sentences, their words joined by single spaces, with their tags.

        Raises:
            DataError: the file is missing, or nothing in it can be used.
        """
        path = Path(reference).expanduser()
        if not path.is_file():
            raise DataError(f"There is no file '{path}'.")
        return _dataset(reference, list(_sentences(read_text(path))), options)


def read_table(reference: str, table: Table, options: ReadOptions) -> Dataset | None:
    """The sentences of a table with a column of lists of words and one of lists of tags; None if it has none.

    Raises:
        DataError: nothing can be used.
    """
    words = options.input_column or next((name for name in _WORDS if name in table.columns), None)
    tags = options.target_column or next((name for name in _TAGS if name in table.columns), None)
    if words not in table.columns or tags not in table.columns:
        return None
    places = (table.columns.index(str(words)), table.columns.index(str(tags)))
    rows = []
    for row in table.rows():
        cells = [None if row.values is None else _list(row.values[place]) for place in places]
        rows.append((f"{table.unit} {row.number}", cells[0] or [], cells[1] or []))
    return _dataset(reference, rows, options)


def _sentences(text: str) -> Iterator[Row]:
    words: list[str] = []
    tags: list[str] = []
    start = 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        columns = line.split()
        if columns and not line.startswith("#") and columns[0] != _DOCUMENT:
            words.append(columns[0])
            tags.append(columns[-1] if len(columns) > 1 else "")
        elif not columns:
            if words:
                yield f"line {start}", words, tags
            words, tags, start = [], [], number + 1


def _list(cell: Any) -> Sequence[str]:
    if isinstance(cell, str):
        try:
            parsed = parse_json(cell, finite=False)
        except ValueError:
            parsed = cell.split()
        cell = parsed
    return [str(item) for item in cell] if isinstance(cell, (list, tuple)) else []


def _dataset(name: str, rows: Sequence[Row], options: ReadOptions) -> Dataset:
    texts: list[str] = []
    targets: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for place, words, tags in rows:
        if not words or len(words) != len(tags):
            problems.append(Problem(place, f"has {len(words)} words and {len(tags)} tags"))
        elif any(not tag or (tag != "O" and "-" not in tag) for tag in tags):
            wrong = next(tag for tag in tags if tag != "O" and "-" not in tag)
            problems.append(Problem(place, f"has the tag '{wrong}', not one such as B-PER, I-PER or O"))
        elif any(len(word.split()) != 1 for word in words):
            problems.append(Problem(place, "has a word that is empty or contains a space"))
        else:
            texts.append(" ".join(words))
            targets.append(tuple(tags))
    settle(name, len(texts), problems, options)
    classes = tuple(sorted({tag for tags in targets for tag in tags} | {"O"}))
    return Dataset(
        name,
        "text",
        texts,
        targets,
        classes,
        fingerprint("text", map(text_digest, texts), [" ".join(tags) for tags in targets], classes),
        "spans",
        {"target": "tags"},
        tuple(problems),
    )
