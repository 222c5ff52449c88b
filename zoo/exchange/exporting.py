"""Exports a registry's content."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zoo.atomic import replacing
from zoo.entities import BenchmarkScore, Entity, ModelCard
from zoo.errors import InvalidInput
from zoo.exchange.formats import EXPORTED, FORMAT, LISTS, VERSION, checked_file, format_of, list_of
from zoo.keywords import explains_keywords
from zoo.visible import json_text, visible_lines, writes_unicode

if TYPE_CHECKING:
    from zoo.registry import Registry, SearchQuery


@explains_keywords
def export(
    registry: Registry,
    file: str,
    *,
    format: str | None = None,
    own: bool = False,
    model: str | Sequence[str] = (),
    query: SearchQuery | None = None,
) -> dict[str, int]:
    """Write the registry's content to a file; return the number of items by kind.

    Args:
        file: path of the file, or ``-`` for standard output.
        format: one of ``EXPORTED``; None chooses by the file's name.
        own: only what the user added, without the cards and scores that plugins provide.
        model: only this model, or these, and their scores.
        query: only the models that match, with their scores, measurements and runs.

    Raises:
        InvalidInput: the format is unclear, or does not suit the models that were chosen.
        StorageError: the file cannot be written; an existing file of that name stays unchanged.
    """
    format = format or format_of(file, EXPORTED)
    counts = dict.fromkeys(LISTS, 0)
    models = (model,) if isinstance(model, str) else model
    items = _chosen(registry, models) if models else registry.everything(query, own=own)
    if format == "parquet":
        from zoo.exchange.parquet import write

        for item in write(items, checked_file(file)):
            counts[list_of(item)] += 1
        return counts
    if format in {"model-index", "cyclonedx"}:
        text = (_model_card_header if format == "model-index" else _bill_of_materials)(items, counts)
        with writer(file) as stream:
            stream.write(text)
        return counts
    with writer(file) as stream:
        (_write_json if format == "json" else _write_lines)(stream, items, counts)
    return counts


def _chosen(registry: Registry, models: Sequence[str]) -> Iterator[Entity]:
    for card in dict.fromkeys(registry.card(model).id for model in models):
        yield registry.card(card)
        yield from registry.scores(card)


def _gathered(items: Iterable[Entity], counts: dict[str, int]) -> dict[str, tuple[ModelCard, list[BenchmarkScore]]]:
    found: dict[str, tuple[ModelCard, list[BenchmarkScore]]] = {}
    for item in items:
        if isinstance(item, ModelCard):
            found[item.id] = (item, [])
        elif isinstance(item, BenchmarkScore):
            found[item.model][1].append(item)
        else:
            continue
        counts[list_of(item)] += 1
    return found


def _model_card_header(items: Iterable[Entity], counts: dict[str, int]) -> str:
    import yaml

    from zoo.catalog.model_index import model_index_of

    found = list(_gathered(items, counts).values())
    if len(found) != 1:
        raise InvalidInput(
            f"A model card describes one model, but {len(found):,} were chosen.", "Choose one: --model ID"
        )
    [(card, scores)] = found
    if not scores:
        raise InvalidInput(f"'{card.id}' has no scores.", f"See its card: zoo show {card.id}")
    header = {"model-index": model_index_of(card.name, scores)}
    text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)
    if visible_lines(text) != text:
        text = yaml.safe_dump(header, sort_keys=False, width=120)
    return f"---\n{text}---\n"


def _bill_of_materials(items: Iterable[Entity], counts: dict[str, int]) -> str:
    from zoo.exchange.bill_of_materials import Entry, document

    return document([Entry(card, scores) for card, scores in _gathered(items, counts).values()])


def _write_json(file: IO[str], items: Iterable[Entity], counts: dict[str, int]) -> None:
    file.write(f'{{\n "format": "{FORMAT}",\n "version": {VERSION}')
    opened = None
    for item in items:
        name = list_of(item)
        if name != opened:
            file.write(f'{"" if opened is None else f"{chr(10)} ]"},\n "{name}": [\n  ')
            opened = name
        else:
            file.write(",\n  ")
        file.write(_dumped(_compact(item), file))
        counts[name] += 1
    file.write("\n}\n" if opened is None else "\n ]\n}\n")


def _write_lines(file: IO[str], items: Iterable[Entity], counts: dict[str, int]) -> None:
    for item in items:
        name = list_of(item)
        file.write(_dumped({"kind": LISTS[name], **_compact(item)}, file) + "\n")
        counts[name] += 1


def _compact(item: Entity) -> dict[str, Any]:
    """The fields that are not empty; empty is the default of the others."""
    values = item.to_dict()
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if not required and values[field.name] in (None, [], {}):
            del values[field.name]
    return values


def _dumped(value: Any, file: IO[str]) -> str:
    return json_text(value, ascii_only=not writes_unicode(file))


@contextmanager
def writer(target: str) -> Iterator[IO[str]]:
    """A text file that is replaced when the block ends without an error, or standard output for ``-``."""
    if target == "-":
        yield sys.stdout
        return
    with replacing(Path(target).expanduser()) as place, place.open("w", encoding="utf-8", newline="\n") as file:
        yield file
