"""Encodes entities as rows of the database, without the ORM."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from zoo.entities import Entity, Measurement, ModelCard, Run
from zoo.registry.database.decoding import CARD_COLUMNS, LISTS, NESTED, SCALARS
from zoo.registry.index.lineage import weights_of
from zoo.registry.index.memory import needed

_FIELDS = (*SCALARS, *LISTS, *NESTED, "gated")


def card_row(card: ModelCard) -> dict[str, Any]:
    """The columns of a card."""
    return dict(zip(CARD_COLUMNS, values_of(columns_of([card]))[0], strict=True))


def columns_of(cards: Sequence[ModelCard]) -> dict[str, Sequence[Any]]:
    """The fields of cards, column by column, with the derived columns ``source``, ``memory`` and ``weights``."""
    found: dict[str, Sequence[Any]] = dict(zip(_FIELDS, zip(*map(_fields, cards), strict=True), strict=True))
    found["source"] = [id.partition(":")[0] for id in found["id"]]
    found["memory"], found["weights"] = [*map(needed, cards)], [*map(weights_of, cards)]
    return found


def values_of(columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The values of ``CARD_COLUMNS``, one tuple per card."""
    documents: dict[str, Iterable[Any]] = {name: map(_shared, columns[name]) for name in LISTS}
    documents["tags"] = map(_texts, columns["tags"])
    documents["files"] = [
        _document([file.to_dict() for file in files]) if files else None for files in columns["files"]
    ]
    documents["input"], documents["loader"] = map(_document, columns["input"]), map(_document, columns["loader"])
    return [*zip(*(documents.get(name, columns[name]) for name in CARD_COLUMNS), strict=True)]


def measurement_row(measurement: Measurement) -> dict[str, Any]:
    """The columns of a measurement."""
    return _flat(measurement, revision=measurement.revision or "")


def run_row(run: Run) -> dict[str, Any]:
    """The columns of a run."""
    return _flat(run)


def _flat(entity: Measurement | Run, **changed: Any) -> dict[str, Any]:
    values = {**entity.to_dict(), **changed}
    return {
        # In the given order: the first metric of a run is the primary one.
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def _texts(values: tuple[str, ...]) -> str | None:
    """A list of texts as JSON; the JSON of each text is cached, because thousands of cards share a tag."""
    return f"[{','.join(map(_text, values))}]" if values else None


def _document(value: Any) -> str | None:
    return _encode(value) if value else None


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Entity) else dict(value) if isinstance(value, Mapping) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode
_text = functools.lru_cache(maxsize=50_000)(_encode)
_shared = functools.lru_cache(maxsize=20_000)(_texts)
_fields = attrgetter(*_FIELDS)
