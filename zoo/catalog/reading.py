"""Reads the catalog's CSV tables and joins them into cards and scores.

Layout of ``tables/``, all files in UTF-8 with a header line:

* ``sources.csv``: citations, by key;
* ``benchmarks.csv`` and ``curated.benchmarks.csv``: task, data set, split, metric and direction of each benchmark key;
* ``<domain>/<collection>.models.csv``: one model per line, with the columns for which the collection has values;
* ``<domain>/<collection>.scores.csv``: one score per line (``model,benchmark,value,source``);
* ``<domain>/<collection>.matrix.csv``: one model per line, one benchmark key per column, empty without a score; the
  source is the benchmark's own.

Within a cell, ``;`` separates the items of a list and ``name=value`` pairs make a mapping.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from zoo.entities import BenchmarkScore, Entity, ModelCard, ModelFile
from zoo.errors import InvalidInput

try:  # moved in Python 3.11, removed from its old module in 3.14
    from importlib.resources.abc import Traversable
except ModuleNotFoundError:  # pragma: no cover - Python 3.10
    from importlib.abc import Traversable

CURATED = "curated"
"""Prefix of hand-written collections, which take precedence over converted ones."""


@dataclass(frozen=True)
class Citation(Entity):
    """A source that can be cited.

    Attributes:
        key: ``arXiv:1810.04805``, ``github:owner/repository@commit``, ``pypi:package==version`` or ``hf:owner/name``.
        version: commit or version of the records.
        license: SPDX identifier of the records; empty if they are quoted from a publication.
        date: ISO date of publication, or of the copy of the records.
    """

    key: str
    title: str
    url: str
    version: str = ""
    license: str = ""
    date: str | None = None


@dataclass(frozen=True)
class Benchmark(Entity):
    """A benchmark; ``source`` is the key of the citation of its matrix column."""

    key: str
    task: str
    dataset: str
    split: str
    metric: str
    higher_is_better: bool = True
    source: str = ""


def _texts(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(";"))


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _mapping(cell: str) -> dict[str, Any]:
    pairs = (item.partition("=") for item in cell.split(";"))
    return {name: _number(value) for name, _, value in pairs}


def _files(cell: str) -> tuple[ModelFile, ...]:
    pairs = (item.partition("=") for item in cell.split(";"))
    return tuple(ModelFile(path, sha256=digest or None) for path, _, digest in pairs)


def _flag(cell: str) -> bool:
    return cell == "yes"


_CELLS: Mapping[str, Callable[[str], Any]] = {
    "tasks": _texts,
    "languages": _texts,
    "pretraining": _texts,
    "tags": _texts,
    "requires": _texts,
    "parameters": int,
    "bytes": int,
    "embedding_dimension": int,
    "input": _mapping,
    "loader": _mapping,
    "files": _files,
    "gated": _flag,
}
"""Functions that parse a cell, by column; other columns are text."""

SOURCE_COLUMN = "source"
"""The column of a models table with the source of the line, which is not a field of the card."""


def folder() -> Traversable:
    """The folder of the tables in the installed package."""
    return resources.files("zoo.catalog") / "tables"


def domains(root: Traversable | None = None) -> tuple[str, ...]:
    """The domains that have tables, by name."""
    return tuple(sorted(entry.name for entry in (root or folder()).iterdir() if entry.is_dir()))


def citations(root: Traversable | None = None) -> Mapping[str, Citation]:
    """The citations by key."""
    found: dict[str, Citation] = {}
    for line in _lines((root or folder()) / "sources.csv"):
        if line["key"] in found:
            raise InvalidInput(f"The catalog's sources.csv has '{line['key']}' twice.")
        values: dict[str, Any] = {**line, "date": line["date"] or None}
        found[line["key"]] = Citation(**values)
    return found


def benchmarks(root: Traversable | None = None) -> Mapping[str, Benchmark]:
    """The benchmarks by key."""
    found = {}
    for name in ("benchmarks.csv", f"{CURATED}.benchmarks.csv"):
        for line in _lines((root or folder()) / name):
            values: dict[str, Any] = {**line, "higher_is_better": _flag(line["higher_is_better"])}
            found[line["key"]] = Benchmark(**values)
    return found


def models(domain: str, root: Traversable | None = None) -> Iterator[ModelCard]:
    """The cards of a domain by id, each id once; fields that are empty in one table are filled from the next."""
    merged: dict[str, dict[str, Any]] = {}
    for table in tables(domain, "models", root):
        for line in _lines(table):
            known = merged.setdefault(line["id"], {})
            for column, cell in line.items():
                if not cell or column == SOURCE_COLUMN:
                    continue
                value = _CELLS[column](cell) if column in _CELLS else cell
                if column == "tasks":
                    value = tuple(dict.fromkeys((*known.get("tasks", ()), *value)))
                elif column in known:
                    continue
                known[column] = value
    for identity in sorted(merged):
        yield ModelCard(domain=domain, **merged[identity])


def scores(domain: str, root: Traversable | None = None) -> Mapping[str, list[BenchmarkScore]]:
    """The scores of a domain by model id, in the order of task, data set, metric, split."""
    known = benchmarks(root)
    dates = {key: citation.date for key, citation in citations(root).items()}
    found: dict[str, list[BenchmarkScore]] = {}

    def add(model: str, benchmark: Benchmark, value: str, source: str) -> None:
        found.setdefault(model, []).append(
            BenchmarkScore(
                model=model,
                task=benchmark.task,
                dataset=benchmark.dataset,
                metric=benchmark.metric,
                value=float(value),
                split=benchmark.split,
                higher_is_better=benchmark.higher_is_better,
                source=source,
                date=dates.get(source),
            )
        )

    for table in tables(domain, "scores", root):
        for line in _lines(table):
            add(line["model"], known[line["benchmark"]], line["value"], line["source"])
    for table in tables(domain, "matrix", root):
        for model, row in _rows(table):
            for key, value in row:
                add(model, known[key], value, known[key].source)
    for values in found.values():
        values.sort(key=lambda score: (score.task, score.dataset, score.metric, score.split))
    return found


def tables(domain: str, kind: str, root: Traversable | None = None) -> list[Traversable]:
    """The files of a domain of one kind (``models``, ``scores``, ``matrix``), curated first, then by name."""
    place = (root or folder()) / domain
    if not place.is_dir():
        return []
    found = [entry for entry in place.iterdir() if entry.name.endswith(f".{kind}.csv")]
    return sorted(found, key=lambda entry: (not entry.name.startswith(CURATED), entry.name))


def _lines(table: Traversable) -> Iterator[dict[str, str]]:
    with table.open("r", encoding="utf-8") as stream:
        yield from csv.DictReader(stream, strict=True)


def _rows(table: Traversable) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    with table.open("r", encoding="utf-8") as stream:
        reader = csv.reader(stream, strict=True)
        _, *keys = next(reader)
        for model, *values in reader:
            yield model, [(key, value) for key, value in zip(keys, values, strict=True) if value]
