"""A registry's content in files: JSON, one document, or JSONL, one item a line, which streams.

Each item has a ``kind`` (``model``, ``score``, ``measurement`` or ``run``) in JSONL, and stands in the list of its kind
in JSON. What is exported and imported into an empty registry is exported again byte for byte.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zoo.entities import BenchmarkScore, Entity, Measurement, ModelCard, Run
from zoo.errors import DataError, InvalidInput, ZooError, storage_errors
from zoo.registry.registry import Registry
from zoo.registry.validation import checked

FORMATS = ("json", "jsonl")
FORMAT, VERSION = "zoo-registry", 1
KINDS: dict[str, type[Entity]] = {"model": ModelCard, "score": BenchmarkScore, "measurement": Measurement, "run": Run}
_LISTS = {"models": "model", "scores": "score", "measurements": "measurement", "runs": "run"}


def export(
    registry: Registry, target: str, *, form: str | None = None, own: bool = False, **filters: Any
) -> dict[str, int]:
    """Write the registry's content to a file, whole or not at all; returns how many of each kind.

    Args:
        target: path of the file, or ``-`` for standard output.
        form: ``json`` or ``jsonl``; None goes by the file's name.
        own: only what the user added, without the cards and scores that plugins brought.
        filters: fields of ``SearchQuery`` that choose the models; with any, scores, measurements and runs are those of
            the chosen models.

    Raises:
        InvalidInput: the format cannot be told.
        StorageError: the file cannot be written; an older one of that name is untouched.
    """
    form = form or _form(target)
    counts = dict.fromkeys(_LISTS, 0)
    items = registry.everything(own=own, **filters)
    with _writer(target) as file:
        (_write_json if form == "json" else _write_lines)(file, items, counts)
    return counts


def import_file(registry: Registry, source: str, *, form: str | None = None) -> dict[str, int]:
    """Add the content of a file to a registry in one transaction; returns how many of each kind it held.

    What is added is the user's own: plugins do not replace it. What is there already and equal stays as it is.

    Args:
        source: path of the file, or ``-`` for standard input.
        form: as in ``export``.

    Raises:
        DataError: the file cannot be read, or an item is not what it should be; names the place. Nothing is added.
        StorageError: the registry cannot be written.
    """
    form = form or _form(source)
    with _reader(source) as file:
        items = _read_json(file, source) if form == "json" else _read_lines(file, source)
        return registry.add(items)


def _form(name: str) -> str:
    suffix = Path(name).suffix.lower().removeprefix(".")
    if suffix == "ndjson":
        return "jsonl"
    if suffix in FORMATS or name == "-":
        return suffix or "json"
    raise InvalidInput(f"'{name}' ends neither in .json nor in .jsonl.", "Say which it is: --format json")


def _write_json(file: IO[str], items: Iterable[Entity], counts: dict[str, int]) -> None:
    file.write(f'{{\n "format": "{FORMAT}",\n "version": {VERSION}')
    opened = None
    for item in items:
        name = _list_of(item)
        if name != opened:
            file.write(f'{"" if opened is None else f"{chr(10)} ]"},\n "{name}": [\n  ')
            opened = name
        else:
            file.write(",\n  ")
        file.write(_dumped(_compact(item)))
        counts[name] += 1
    file.write("\n}\n" if opened is None else "\n ]\n}\n")


def _write_lines(file: IO[str], items: Iterable[Entity], counts: dict[str, int]) -> None:
    for item in items:
        name = _list_of(item)
        file.write(_dumped({"kind": _LISTS[name], **_compact(item)}) + "\n")
        counts[name] += 1


def _compact(item: Entity) -> dict[str, Any]:
    """The fields that say something; those left out are empty by default."""
    values = item.to_dict()
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if not required and values[field.name] in (None, [], {}):
            del values[field.name]
    return values


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _list_of(item: Entity) -> str:
    return next(name for name, kind in _LISTS.items() if isinstance(item, KINDS[kind]))


def _read_json(file: IO[str], source: str) -> Iterator[Any]:
    try:
        document = json.load(file, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{source} is not valid JSON: {error}.", "A file of one item a line is --format jsonl."
        ) from error
    if not isinstance(document, dict) or not set(document) & set(_LISTS):
        raise DataError(f"{source} holds none of the lists {', '.join(_LISTS)}.", 'Write {"models": [{"id": ...}]}.')
    if document.get("version", VERSION) != VERSION:
        raise DataError(
            f"{source} is of version {document['version']}; this zoo reads version {VERSION}.",
            "Upgrade zoo: pip install --upgrade foundation-zoo",
        )
    unknown = sorted(set(document) - set(_LISTS) - {"format", "version"})
    if unknown:
        raise DataError(f"{source} holds '{unknown[0]}', which is not known.", f"Lists: {', '.join(_LISTS)}.")
    for name, kind in _LISTS.items():
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
            entry = json.loads(line, parse_constant=_refuse)
            kind = entry.pop("kind", None) if isinstance(entry, dict) else None
            if kind not in KINDS:
                raise DataError(f'{source}, line {number}: there is no "kind" of {", ".join(KINDS)}.')
            yield _item(kind, entry, f"{source}, line {number}")
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}, line {number}: not valid JSON: {error}.") from error


def _item(kind: str, entry: Any, place: str) -> Entity:
    if not isinstance(entry, dict):
        raise DataError(f"{place}: it is a {type(entry).__name__} where an object is expected.")
    try:
        return checked(KINDS[kind].from_dict(entry))
    except ZooError as error:
        raise DataError(f"{place}: {error.message}", error.hint) from error
    except (TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{place}: a field is not of its type ({error}).") from error


def _refuse(name: str) -> float:
    raise ValueError(f"it holds {name}, which is no figure")


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


@contextmanager
def _writer(target: str) -> Iterator[IO[str]]:
    if target == "-":
        yield sys.stdout
        return
    path = Path(target).expanduser()
    place = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    with storage_errors(path):
        try:
            with place.open("w", encoding="utf-8", newline="\n") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(place, path)
        finally:
            place.unlink(missing_ok=True)
