"""Imports files into a registry, in one transaction."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from zoo.entities import Entity
from zoo.errors import DataError, InvalidInput, ZooError
from zoo.exchange.formats import FORMATS, IMPORTED, KINDS, LISTS, VERSION, checked_file, format_of
from zoo.keywords import explains_keywords
from zoo.registry.writing.validation import checked
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.registry import Registry


@explains_keywords
def import_file(
    registry: Registry, file: str, *, format: str | None = None, model: str | None = None
) -> dict[str, int]:
    """Add the content of a file to a registry in one transaction; return the number of items by kind.

    Imported items are the user's own, so plugins do not replace them. Items that the registry has already stay as they
    are.

    Args:
        file: path of a file or folder, ``-`` for standard input, or address of an MLflow server.
        format: one of ``IMPORTED``; None chooses by the name.
        model: the model that the scores of a ``model-index`` belong to.

    Raises:
        DataError: the file cannot be read, or an item is not valid; names the position. Nothing is added.
        StorageError: the registry cannot be written.
    """
    format = format or format_of(file, IMPORTED)
    if format == "parquet":
        from zoo.exchange import parquet

        rows = parquet.read(checked_file(file))
        return registry.add(_known(kind, row, place) for kind, row, place in rows)
    if format not in FORMATS:
        return registry.add(_foreign(registry, format, file, model))
    with _reader(file) as stream:
        items = _read_json(stream, file) if format == "json" else _read_lines(stream, file)
        return registry.add(items)


def _foreign(registry: Registry, format: str, source: str, model: str | None) -> Iterator[Any]:
    """Items of a format of another tool."""
    if format == "model-index":
        from zoo.exchange.model_cards import model_index

        if model is None:
            raise InvalidInput("A model card does not name its model.", "Name it: --model ID")
        return model_index(source, registry.card(model).id)
    if format == "models":
        from zoo.exchange.model_lists import model_list

        return model_list(source)
    if format == "snapshots":
        from zoo.exchange.snapshots import snapshots

        return snapshots(source)
    from zoo.exchange.mlflow import registered_models

    return registered_models(source)


def _read_json(file: IO[str], source: str) -> Iterator[Any]:
    try:
        document = parse_json(file.read())
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise DataError(
            f"{source} is not valid JSON: {error}.", "If it has one item per line, use --format jsonl."
        ) from error
    if not isinstance(document, dict) or not set(document) & set(LISTS):
        raise DataError(f"{source} has none of the lists {', '.join(LISTS)}.", 'Write {"models": [{"id": ...}]}.')
    if document.get("version", VERSION) != VERSION:
        raise DataError(
            f"{source} has version {document['version']}; this zoo reads version {VERSION}.",
            "Upgrade zoo: pip install --upgrade foundation-zoo",
        )
    unknown = sorted(set(document) - set(LISTS) - {"format", "version"})
    if unknown:
        raise DataError(f"{source} has an unknown list '{unknown[0]}'.", f"Lists: {', '.join(LISTS)}.")
    for name, kind in LISTS.items():
        entries = document.get(name, [])
        if not isinstance(entries, list):
            raise DataError(f"{source}: '{name}' is not a list.")
        for number, entry in enumerate(entries, start=1):
            yield _item(kind, entry, f"{source}, {kind} {number}")


def _read_lines(file: IO[str], source: str) -> Iterator[Any]:
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            entry = parse_json(line)
            kind = entry.pop("kind", None) if isinstance(entry, dict) else None
            if not isinstance(kind, str) or kind not in KINDS:
                raise DataError(f'{source}, line {number}: "kind" must be one of {", ".join(KINDS)}.')
            yield _item(kind, entry, f"{source}, line {number}")
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise DataError(f"{source}, line {number}: not valid JSON: {error}.") from error


def _known(kind: str, entry: Any, place: str) -> Any:
    if not isinstance(kind, str) or kind not in KINDS:
        raise DataError(f"{place}: there is no kind '{str(kind)[:40]}'.", f"Kinds: {', '.join(KINDS)}.")
    return _item(kind, entry, place)


def _item(kind: str, entry: Any, place: str) -> Entity:
    if not isinstance(entry, dict):
        raise DataError(f"{place}: expected an object, not a {type(entry).__name__}.")
    try:
        return checked(KINDS[kind].from_dict(entry))
    except ZooError as error:
        raise DataError(f"{place}: {error.message}", error.hint) from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: a field has the wrong type ({error}).") from error


@contextmanager
def _reader(source: str) -> Iterator[IO[str]]:
    try:
        if source == "-":
            yield sys.stdin
            return
        with Path(source).expanduser().open(encoding="utf-8-sig") as file:
            yield file
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise DataError(
            f"{source} cannot be read: {(error.strerror or str(error)).lower()}.", "Check the path."
        ) from error
