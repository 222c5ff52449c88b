"""A registry's content in files: JSON, one document; JSONL, one item a line, which streams; Parquet; and others' forms.

Each item has a ``kind`` (``model``, ``score``, ``measurement`` or ``run``) in JSONL, and stands in the list of its kind
in JSON. What is exported and imported into an empty registry is exported again byte for byte.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zoo.entities import BenchmarkScore, Entity, Measurement, ModelCard, Run
from zoo.errors import DataError, InvalidInput, ZooError, storage_errors
from zoo.registry.registry import Registry
from zoo.registry.writing.validation import checked
from zoo.untrusted import parse_json
from zoo.visible import json_text, visible_lines, writes_unicode

FORMATS = ("json", "jsonl", "parquet")
"""What a whole registry is written to and read from."""

IMPORTED = (*FORMATS, "models", "model-index", "snapshots", "mlflow")
"""What can be imported: also others' lists of models, scores in a model card, folders of models, MLflow's registry."""

EXPORTED = (*FORMATS, "model-index", "cyclonedx")
"""What can be exported: also a model's scores as a model card's header, and a bill of materials."""

FORMAT, VERSION = "zoo-registry", 1
KINDS: dict[str, type[Entity]] = {"model": ModelCard, "score": BenchmarkScore, "measurement": Measurement, "run": Run}
_LISTS = {"models": "model", "scores": "score", "measurements": "measurement", "runs": "run"}


def export(
    registry: Registry,
    target: str,
    *,
    form: str | None = None,
    own: bool = False,
    models: Sequence[str] = (),
    **filters: Any,
) -> dict[str, int]:
    """Write the registry's content to a file, whole or not at all; returns how many of each kind.

    Args:
        target: path of the file, or ``-`` for standard output.
        form: one of ``EXPORTED``; None goes by the file's name.
        own: only what the user added, without the cards and scores that plugins brought.
        models: only these models and their scores.
        filters: fields of ``SearchQuery`` that choose the models; with any, scores, measurements and runs are those of
            the chosen models.

    Raises:
        InvalidInput: the format cannot be told, or does not suit what was chosen.
        StorageError: the file cannot be written; an older one of that name is untouched.
    """
    form = form or _form(target, EXPORTED)
    counts = dict.fromkeys(_LISTS, 0)
    items = _chosen(registry, models) if models else registry.everything(own=own, **filters)
    if form == "parquet":
        from zoo.exchange.parquet import write

        for item in write(items, _a_file(target)):
            counts[_list_of(item)] += 1
        return counts
    if form in {"model-index", "cyclonedx"}:
        text = (_model_card_header if form == "model-index" else _bill_of_materials)(items, counts)
        with _writer(target) as file:
            file.write(text)
        return counts
    with _writer(target) as file:
        (_write_json if form == "json" else _write_lines)(file, items, counts)
    return counts


def import_file(
    registry: Registry, source: str, *, form: str | None = None, model: str | None = None
) -> dict[str, int]:
    """Add the content of a file to a registry in one transaction; returns how many of each kind it held.

    What is added is the user's own: plugins do not replace it. What is there already and equal stays as it is.

    Args:
        source: path of the file or folder, ``-`` for standard input, or the address of an MLflow server.
        form: one of ``IMPORTED``; None goes by the name.
        model: whose scores they are, for ``model-index``.

    Raises:
        DataError: the file cannot be read, or an item is not what it should be; names the place. Nothing is added.
        StorageError: the registry cannot be written.
    """
    form = form or _form(source, IMPORTED)
    if form == "parquet":
        from zoo.exchange import parquet as exchange_parquet

        rows = exchange_parquet.read(_a_file(source))
        return registry.add(_known(kind, row, place) for kind, row, place in rows)
    if form not in FORMATS:
        return registry.add(_foreign(registry, form, source, model))
    with _reader(source) as file:
        items = _read_json(file, source) if form == "json" else _read_lines(file, source)
        return registry.add(items)


def _foreign(registry: Registry, form: str, source: str, model: str | None) -> Iterator[Any]:
    from zoo.exchange import foreign as exchange_foreign

    if form == "model-index":
        if model is None:
            raise InvalidInput("A model card does not tell which model it is of.", "Say it: --model ID")
        return exchange_foreign.model_index(source, registry.card(model).id)
    readers = {
        "models": exchange_foreign.model_list,
        "snapshots": exchange_foreign.snapshots,
        "mlflow": exchange_foreign.mlflow,
    }
    return readers[form](source)


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
        counts[_list_of(item)] += 1
    return found


def _model_card_header(items: Iterable[Entity], counts: dict[str, int]) -> str:
    import yaml

    from zoo.catalog.model_index import model_index_of

    found = list(_gathered(items, counts).values())
    if len(found) != 1:
        raise InvalidInput(
            f"A model card's header is of one model, and {len(found):,} were chosen.", "Choose one: --model ID"
        )
    [(card, scores)] = found
    if not scores:
        raise InvalidInput(f"'{card.id}' has no scores.", f"See what is known of it: zoo show {card.id}")
    header = {"model-index": model_index_of(card.name, scores)}
    text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)
    if visible_lines(text) != text:
        text = yaml.safe_dump(header, sort_keys=False, width=120)
    return f"---\n{text}---\n"


def _bill_of_materials(items: Iterable[Entity], counts: dict[str, int]) -> str:
    from zoo.exchange.bill_of_materials import document

    return document(list(_gathered(items, counts).values()))


def _form(name: str, allowed: Sequence[str]) -> str:
    """The format that a name means."""
    if name.startswith(("http://", "https://")) and "mlflow" in allowed:
        return "mlflow"
    path = Path(name)
    lowered = path.name.lower()
    if path.is_dir() and "snapshots" in allowed:
        return "snapshots"
    found = {
        ".json": "json",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".parquet": "parquet",
        ".yaml": "models",
        ".yml": "models",
        ".md": "model-index",
    }.get(path.suffix.lower(), "json" if name == "-" else "")
    if lowered.endswith((".cdx.json", "bom.json")):
        found = "cyclonedx"
    if found in allowed:
        return found
    if found == "cyclonedx":
        raise InvalidInput(
            f"'{name}' looks like a bill of materials, which zoo writes and does not read.",
            "Export the models as models.jsonl, and import that.",
        )
    raise InvalidInput(f"The name '{name}' does not tell its format.", f"Say it with --format: {', '.join(allowed)}.")


def _a_file(name: str) -> str:
    if name == "-":
        raise InvalidInput("Parquet goes to and comes from a file.", "Name one, such as registry.parquet.")
    return name


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
        file.write(_dumped(_compact(item), file))
        counts[name] += 1
    file.write("\n}\n" if opened is None else "\n ]\n}\n")


def _write_lines(file: IO[str], items: Iterable[Entity], counts: dict[str, int]) -> None:
    for item in items:
        name = _list_of(item)
        file.write(_dumped({"kind": _LISTS[name], **_compact(item)}, file) + "\n")
        counts[name] += 1


def _compact(item: Entity) -> dict[str, Any]:
    """The fields that say something; those left out are empty by default."""
    values = item.to_dict()
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if not required and values[field.name] in (None, [], {}):
            del values[field.name]
    return values


def _dumped(value: Any, file: IO[str]) -> str:
    return json_text(value, ascii_only=not writes_unicode(file))


def _list_of(item: Entity) -> str:
    return next(name for name, kind in _LISTS.items() if isinstance(item, KINDS[kind]))


def _read_json(file: IO[str], source: str) -> Iterator[Any]:
    try:
        document = parse_json(file.read())
    except UnicodeDecodeError:
        raise
    except ValueError as error:
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
            entry = parse_json(line)
            kind = entry.pop("kind", None) if isinstance(entry, dict) else None
            if not isinstance(kind, str) or kind not in KINDS:
                raise DataError(f'{source}, line {number}: there is no "kind" of {", ".join(KINDS)}.')
            yield _item(kind, entry, f"{source}, line {number}")
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise DataError(f"{source}, line {number}: not valid JSON: {error}.") from error


def _known(kind: str, entry: Any, place: str) -> Any:
    if not isinstance(kind, str) or kind not in KINDS:
        raise DataError(f"{place}: there is no kind '{str(kind)[:40]}'.", f"There are: {', '.join(KINDS)}.")
    return _item(kind, entry, place)


def _item(kind: str, entry: Any, place: str) -> Entity:
    if not isinstance(entry, dict):
        raise DataError(f"{place}: it is a {type(entry).__name__} where an object is expected.")
    try:
        return checked(KINDS[kind].from_dict(entry))
    except ZooError as error:
        raise DataError(f"{place}: {error.message}", error.hint) from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: a field is not of its type ({error}).") from error


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
