"""Rows out of CSV, TSV, JSON Lines and Parquet files, streamed, each with its line number."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.contract.reader import Row, Table
from zoo.errors import DataError, needs_extra
from zoo.kinds.text import encoding_of, open_bytes, open_text
from zoo.untrusted import parse_json

DELIMITED = {".csv": "", ".tsv": "\t", ".tab": "\t"}
JSON = frozenset({".jsonl", ".ndjson", ".json"})
PARQUET = frozenset({".parquet", ".pq"})

_DELIMITERS = ",;\t|"
_SNIFFED_CHARACTERS = 1 << 18
_SNIFFED_RECORDS = 50
_KEYS_FROM = 1000
_LARGEST_FIELD = 2**31 - 1


def form_of(path: Path) -> str:
    """The suffix of a table's format, in lower case and without ``.gz``; empty if it is not a table."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    form = suffixes[-1] if suffixes else ""
    return form if form in DELIMITED or form in JSON or form in PARQUET else ""


def open_table(path: Path) -> Table:
    """Open a table by its suffix.

    Raises:
        DataError: the file is missing, empty, damaged, or its header cannot be used.
    """
    form = form_of(path)
    if form in PARQUET:
        return ParquetFile(path)
    with open_bytes(path) as file:
        if not file.read(1):
            raise DataError(f"'{path}' is empty.")
    return JsonFile(path) if form in JSON else DelimitedFile(path, DELIMITED[form])


class DelimitedFile:
    """Comma, semicolon, bar or tab between values, quoted as in RFC 4180."""

    unit = "line"

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path = path
        self._encoding = encoding_of(path)
        self.encoding = "" if self._encoding == "utf-8-sig" else self._encoding
        with open_text(path, self._encoding) as file:
            start = file.read(_SNIFFED_CHARACTERS)
        self._delimiter = delimiter or _sniff(start)
        header = next(self._records())[1]
        self.columns = tuple(name.strip() or f"column {number}" for number, name in enumerate(header, 1))
        _refuse_duplicates(path, self.columns)

    def rows(self) -> Iterator[Row]:
        """All rows; one with too few or too many values has a problem instead."""
        width = len(self.columns)
        for line, values in islice(self._records(), 1, None):
            if len(values) > width and not any(values[width:]):
                values = values[:width]  # noqa: PLW2901
            if len(values) == width:
                yield Row(line, values)
            else:
                yield Row(line, None, f"has {len(values)} values, but the header has {width}")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line that it begins on; empty lines are skipped."""
        with open_text(self.path, self._encoding) as file:
            _allow_wide_fields()
            quotes = _Quotes(file)
            reader = csv.reader(quotes, delimiter=self._delimiter)
            first, previous, seen = 1, 0, False
            try:
                for record in reader:
                    first, previous = previous + 1, reader.line_num
                    if any(record):
                        seen = True
                        yield first, record
            except csv.Error as error:
                raise DataError(f"Line {reader.line_num} of '{self.path}' is broken: {error}.") from error
            # With every quote paired, only a record of one line can end the file with a stray one.
            if quotes.count % 2 and previous > first:
                raise DataError(
                    f"A quotation mark opened on line {first} of '{self.path}' is never closed.",
                    'Close it, or write "" for a literal quotation mark.',
                )
            if not seen:
                raise DataError(f"'{self.path}' contains only empty lines.")


class JsonFile:
    """One JSON object per line, or one JSON array of objects in the whole file."""

    unit = "line"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoding = encoding_of(path)
        self.encoding = "" if self._encoding == "utf-8-sig" else self._encoding
        with open_text(path, self._encoding) as file:
            self._array = file.read(_SNIFFED_CHARACTERS).lstrip().startswith("[")
        self.unit = "row" if self._array else "line"
        found: dict[str, None] = {}
        problem = ""
        for number, value, reason in islice(self._objects(), _KEYS_FROM):
            found.update(dict.fromkeys(value or ()))
            problem = problem or (f": {self.unit} {number} {reason}" if reason else "")
        if not found:
            raise DataError(
                f"'{path}' contains no JSON objects{problem}.", 'Write one per line: {"text": "...", "label": "..."}'
            )
        self.columns = tuple(found)

    def rows(self) -> Iterator[Row]:
        """All rows; a line that is not a JSON object has a problem instead, and missing keys have the value None."""
        for number, value, reason in self._objects():
            if value is None:
                yield Row(number, None, reason)
            else:
                yield Row(number, [value.get(name) for name in self.columns])

    def _objects(self) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
        with open_text(self.path, self._encoding) as file:
            if self._array:
                try:
                    parsed = list(enumerate(parse_json(file.read(), finite=False), 1))
                except ValueError as error:
                    raise DataError(f"'{self.path}' is not valid JSON: {error}.") from error
            else:
                parsed = ((number, line) for number, line in enumerate(file, 1) if line.strip())  # type: ignore[assignment]
            for number, item in parsed:
                try:
                    value = parse_json(item, finite=False) if isinstance(item, str) else item
                except ValueError as error:
                    yield number, None, f"is not valid JSON ({error})"
                    continue
                if isinstance(value, dict):
                    yield number, value, ""
                else:
                    yield number, None, f"is a JSON {type(value).__name__}, not an object"


class ParquetFile:
    """An Apache Parquet file."""

    unit = "row"
    encoding = ""

    def __init__(self, path: Path) -> None:
        with needs_extra("data", "read Parquet files"):
            import pyarrow as arrow
            from pyarrow import parquet
        if not path.is_file():
            raise DataError(f"'{path}' cannot be opened: no such file or directory.")
        try:
            self._file = parquet.ParquetFile(path)
        except (arrow.ArrowException, OSError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataError(
                f"'{path}' is not a readable Parquet file: {reason}.", "Write or download it again."
            ) from error
        self.columns = tuple(self._file.schema_arrow.names)
        _refuse_duplicates(path, self.columns)

    def rows(self) -> Iterator[Row]:
        """All rows, batch by batch."""
        number = 0
        for batch in self._file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield Row(number, values)


class _Quotes:
    """The lines of a file, counting quotation marks."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += line.count('"')
            yield line


def _sniff(start: str) -> str:
    """The delimiter with which most records have as many values as the header; a comma if none yields more than one."""

    def fit(delimiter: str) -> tuple[float, int]:
        records = [r for r in islice(csv.reader(start.splitlines(True), delimiter=delimiter), _SNIFFED_RECORDS) if r]
        if not records or len(records[0]) < 2:
            return (0.0, 0)
        return (sum(len(r) == len(records[0]) for r in records) / len(records), len(records[0]))

    _allow_wide_fields()
    return max(_DELIMITERS, key=fit)


def _allow_wide_fields() -> None:
    """Let the csv module read values of any length; its own limit of 128 KiB, for all of Python, is too low."""
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_FIELD))


def _refuse_duplicates(path: Path, columns: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"'{path}' has more than one column called '{repeated[0]}'.", "Rename all but one of them.")


def resolve(value: str, folder: Path) -> Path:
    """A file's path, relative to the table's folder; written with ``\\`` also works."""
    path = folder / Path(value.strip()).expanduser()
    return path if path.exists() or "\\" not in value else folder / value.strip().replace("\\", "/")
