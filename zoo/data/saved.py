"""Reads data sets that the ``datasets`` library saved to disk; needs only pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.contract.reader import ReadOptions, Row
from zoo.data.layout import merged
from zoo.data.table import read_table
from zoo.entities import Dataset
from zoo.errors import DataError, needs_extra
from zoo.untrusted import parse_json

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"


class SavedReader:
    """Folders that ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote; splits are merged."""

    name = "saved data set"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A folder with the files of a saved data set."""
        folder = Path(reference).expanduser()
        return (folder / SPLITS).is_file() or ((folder / STATE).is_file() and (folder / INFO).is_file())

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The rows' inputs and targets; class labels by their names.

        Raises:
            DataError: the folder is damaged, or a column is missing or unusable.
        """
        folder = Path(reference).expanduser()
        parts = [folder]
        if (folder / SPLITS).is_file():
            parts = [folder / str(name) for name in _document(folder / SPLITS).get("splits", [])]
        if not parts:
            raise DataError(f"'{reference}' names no splits.", "Save the data set again.")
        described = folder / (SPLITS if (folder / SPLITS).is_file() else INFO)
        table = _SavedTable(parts)
        dataset = read_table(reference, described, table, options)
        return replace(dataset, notes=(merged(table.sizes), *dataset.notes)) if len(parts) > 1 else dataset


class _SavedTable:
    """The Arrow files of one or more saved data sets as one table; ``sizes`` are their numbers of rows, once read."""

    unit = "row"
    encoding = ""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.sizes: dict[str, int] = {}
        self._files: list[tuple[str, Path]] = []
        self._names: dict[str, list[str]] = {}
        columns: tuple[str, ...] | None = None
        for folder in folders:
            features = _document(folder / INFO).get("features") or {}
            if columns is not None and tuple(features) != columns:
                raise DataError(f"The splits of '{folder.parent}' have different columns.", "Save them separately.")
            columns = tuple(features)
            self._names.update({name: names for name, kind in features.items() if (names := _class_names(kind))})
            self._files += [(folder.name, path) for path in _data_files(folder)]
        self.columns = columns or ()

    def rows(self) -> Iterator[Row]:
        """All rows, batch by batch."""
        with needs_extra("data", "read saved data sets"):
            import pyarrow as arrow
        number = 0
        self.sizes = {name: 0 for name, _ in self._files}
        for split, path in self._files:
            try:
                with arrow.memory_map(str(path)) as source, arrow.ipc.open_stream(source) as batches:
                    for batch in batches:
                        cells = [self._named(name, batch.column(name).to_pylist()) for name in self.columns]
                        for values in zip(*cells, strict=True):
                            number += 1
                            self.sizes[split] += 1
                            yield Row(number, values)
            except (arrow.ArrowException, OSError, KeyError) as error:
                reason = " ".join(str(error).split()).rstrip(".")
                raise DataError(f"'{path}' cannot be read: {reason}.", "Save the data set again.") from error

    def _named(self, column: str, cells: list[Any]) -> list[Any]:
        names = self._names.get(column)
        if names is None:
            return cells
        # -1 means "no label" there.
        known = dict(enumerate(names))
        return [
            [known[index] for index in cell if index in known] if isinstance(cell, list) else known.get(cell)
            for cell in cells
        ]


def _data_files(folder: Path) -> list[Path]:
    named = _document(folder / STATE).get("_data_files")
    if not isinstance(named, list) or not all(isinstance(file, dict) and "filename" in file for file in named):
        raise DataError(f"'{folder / STATE}' names no data files.", "Save the data set again.")
    return [folder / str(file["filename"]) for file in named]


def _class_names(kind: Any) -> list[str] | None:
    """The names of a column of classes, or of lists of classes; None for other columns."""
    if isinstance(kind, Mapping) and isinstance(kind.get("feature"), Mapping):
        kind = kind["feature"]
    named = isinstance(kind, Mapping) and kind.get("_type") == "ClassLabel" and isinstance(kind.get("names"), list)
    return list(kind["names"]) if named else None


def _document(path: Path) -> dict[str, Any]:
    try:
        document = parse_json(path.read_text(encoding="utf-8"), finite=False)
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {error}.", "Save the data set again.") from error
    if not isinstance(document, dict):
        raise DataError(f"'{path}' lacks entries that datasets writes.", "Save the data set again.")
    return document
