"""Between entities and rows, without the ORM."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from zoo.entities import BenchmarkScore, Entity, Measurement, ModelCard, Run
from zoo.errors import RegistryError
from zoo.registry.index.lineage import weights_of
from zoo.registry.index.memory import needed
from zoo.untrusted import parse_json

_SCALARS = (
    "id",
    "domain",
    "architecture",
    "library",
    "description",
    "parameters",
    "bytes",
    "license",
    "embedding_dimension",
    "released",
    "downloads",
    "likes",
    "base_model",
    "revision",
    "url",
)
_LISTS = ("tasks", "tags", "languages", "pretraining", "requires")
_NESTED = ("files", "input", "loader")

CARD_COLUMNS = (*_SCALARS, *_LISTS, *_NESTED, "source", "gated", "memory", "weights")
"""The columns that ``card_row`` gives."""

_FIELDS = (*_SCALARS, *_LISTS, *_NESTED, "gated")

SCORE_COLUMNS = "b.task, b.dataset, b.split, b.metric, b.higher_is_better, s.value, s.origin, c.source, s.date"
SCORE_TABLES = "scores s JOIN benchmarks b ON b.key = s.benchmark_key JOIN citations c ON c.key = s.citation_key"


def card_row(card: ModelCard) -> dict[str, Any]:
    """The columns of a card."""
    return dict(zip(CARD_COLUMNS, values_of(columns_of([card]))[0], strict=True))


def columns_of(cards: Sequence[ModelCard]) -> dict[str, Sequence[Any]]:
    """What cards have in each of their fields, and what follows from them: ``source``, ``memory`` and ``weights``."""
    found: dict[str, Sequence[Any]] = dict(zip(_FIELDS, zip(*map(_fields, cards), strict=True), strict=True))
    found["source"] = [id.partition(":")[0] for id in found["id"]]
    found["memory"], found["weights"] = [*map(needed, cards)], [*map(weights_of, cards)]
    return found


def values_of(columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The values of ``CARD_COLUMNS``, a tuple a card."""
    documents: dict[str, Iterable[Any]] = {name: map(_shared, columns[name]) for name in _LISTS}
    documents["tags"] = map(_texts, columns["tags"])
    documents["files"] = [
        _document([file.to_dict() for file in files]) if files else None for files in columns["files"]
    ]
    documents["input"], documents["loader"] = map(_document, columns["input"]), map(_document, columns["loader"])
    return [*zip(*(documents.get(name, columns[name]) for name in CARD_COLUMNS), strict=True)]


def parsed(text: str) -> Any:
    """The value in a column that holds JSON.

    Raises:
        RegistryError: it holds something else; another program has written there.
    """
    try:
        return parse_json(text, finite=False)
    except ValueError as error:
        raise RegistryError(
            f"A row of the registry is damaged: {error}.", "See how far: zoo registry check. Then restore a copy of it."
        ) from error


def card_of(row: Any) -> ModelCard:
    """The card of a row of ``models``."""
    values: dict[str, Any] = {name: row[name] for name in _SCALARS}
    for name in _LISTS:
        if row[name] is not None:
            values[name] = tuple(parsed(row[name]))
    for name in _NESTED:
        if row[name] is not None:
            values[name] = _frozen(parsed(row[name]))
    return ModelCard(**values, gated=bool(row["gated"]))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def score_of(row: Any, model: str) -> BenchmarkScore:
    """The score of a row of ``SCORE_COLUMNS``."""
    return BenchmarkScore(
        model=model,
        task=row["task"],
        dataset=row["dataset"],
        metric=row["metric"],
        value=row["value"],
        split=row["split"],
        higher_is_better=bool(row["higher_is_better"]),
        origin=row["origin"],
        source=row["source"],
        date=row["date"],
    )


def measurement_of(row: Any) -> Measurement:
    """The measurement of a row of ``measurements``."""
    values = {name: row[name] for name in row.keys() if name != "key"}  # noqa: SIM118
    values["versions"] = parsed(values["versions"])
    return Measurement.from_dict({**values, "revision": values["revision"] or None})


def measurement_row(measurement: Measurement) -> dict[str, Any]:
    """The columns of a measurement."""
    return _flat(measurement, revision=measurement.revision or "")


def run_row(run: Run) -> dict[str, Any]:
    """The columns of a run."""
    return _flat(run)


def _flat(entity: Measurement | Run, **changed: Any) -> dict[str, Any]:
    values = {**entity.to_dict(), **changed}
    return {
        name: json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def run_of(row: Any) -> Run:
    """The run of a row of ``runs``."""
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118
    return Run.from_dict(
        {**values, **{name: parsed(values[name]) for name in ("metrics", "baseline", "plan", "versions")}}
    )


def _texts(values: tuple[str, ...]) -> str | None:
    """A list of texts as JSON; what they are is worked out once, as thousands of cards share a tag."""
    return f"[{','.join(map(_text, values))}]" if values else None


def _document(value: Any) -> str | None:
    return _encode(value) if value else None


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Entity) else dict(value) if isinstance(value, Mapping) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode
_text = functools.lru_cache(maxsize=50_000)(_encode)
_shared = functools.lru_cache(maxsize=20_000)(_texts)
_fields = attrgetter(*_FIELDS)
