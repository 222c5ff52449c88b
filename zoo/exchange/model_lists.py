"""Reads lists of models in JSON or YAML, with the field names of several tools."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.amounts import amount
from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import DataError, InvalidInput, ZooError
from zoo.exchange.documents import document
from zoo.plugins import plugins
from zoo.registry.writing.validation import checked
from zoo.sources.files.describing import describe, hub_tasks

FIELDS = {
    "id": "id",
    "name": "id",
    "model": "id",
    "repo_id": "id",
    "model_id": "id",
    "domain": "domain",
    "task": "tasks",
    "tasks": "tasks",
    "pipeline_tag": "tasks",
    "license": "license",
    "licence": "license",
    "parameters": "parameters",
    "params": "parameters",
    "num_parameters": "parameters",
    "bytes": "bytes",
    "size": "bytes",
    "description": "description",
    "tags": "tags",
    "language": "languages",
    "languages": "languages",
    "library": "library",
    "library_name": "library",
    "url": "url",
    "architecture": "architecture",
    "base_model": "base_model",
    "revision": "revision",
    "released": "released",
    "datasets": "pretraining",
    "downloads": "downloads",
    "likes": "likes",
    "gated": "gated",
}
"""The keys of an entry, with the field of the card that each becomes; ``scores`` is read as well."""

_AMOUNTS = {"parameters", "bytes"}
_LISTS = {"tasks", "tags", "languages", "pretraining"}
Items = Iterator[ModelCard | BenchmarkScore]


def model_list(source: str) -> Items:
    """A list of models in JSON or YAML: a list of objects, objects by name, or either under ``models``.

    Raises:
        DataError: it cannot be read, or an entry has an unknown key; names the entry.
    """
    models = document(source)
    if isinstance(models, Mapping) and "models" in models:
        models = models["models"]
    if isinstance(models, Mapping):
        models = [{"id": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in models.items()]
    if not isinstance(models, list):
        raise DataError(f"{source} has no list of models.", "Write [{id: hf:org/name, task: ...}, ...].")
    for number, entry in enumerate(models, start=1):
        place = f"{source}, model {number}"
        if not isinstance(entry, Mapping):
            raise DataError(f"{place}: expected an object, not a {type(entry).__name__}.")
        yield from _entry(entry, place)


def _entry(entry: Mapping[str, Any], place: str) -> Items:
    unknown = sorted(str(key) for key in entry if key not in FIELDS and key != "scores")
    if unknown:
        raise DataError(f"{place}: unknown key '{unknown[0]}'.", f"Known keys: scores, {', '.join(sorted(FIELDS))}.")
    values: dict[str, Any] = {"domain": "other"}
    for key, value in entry.items():
        if key != "scores" and value is not None:
            field = FIELDS[key]
            listed = [value] if isinstance(value, str) else value
            values[field] = tuple(listed) if field in _LISTS and isinstance(listed, list) else value
    named = str(values.get("id") or "")
    values["id"] = named if ":" in named else f"hf:{named}"
    try:
        if not named:
            raise InvalidInput("it has no id or name.")
        for field in _AMOUNTS & values.keys():
            values[field] = _amount(field, values[field])
        for task in values.get("tasks", ()):
            _check_task(task)
        card = checked(_with_domain(ModelCard.from_dict(values)))
        yield card
        for score in entry.get("scores") or ():
            defaults = {"model": card.id, "task": card.tasks[0] if card.tasks else "other"}
            yield checked(BenchmarkScore.from_dict({**defaults, **score}))
    except ZooError as error:
        raise DataError(f"{place}: {error.message}", error.hint) from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: a field has the wrong type ({error}).") from error


def _amount(field: str, value: Any) -> Any:
    """A number, which may be text such as ``110M`` or ``1.2GB``."""
    if not isinstance(value, str):
        return value
    found = amount(value)
    if found is None:
        raise InvalidInput(
            f"{field} is '{value[:40]}', which is not a valid amount.", "Write 110M, 1.5B, 500MB or 1.2GB."
        )
    return found


def _check_task(name: Any) -> None:
    """Refuse a task that looks misspelt; another unknown name may be a task of the platform."""
    known = {*plugins().tasks, *hub_tasks()}
    if isinstance(name, str) and name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            raise InvalidInput(f"there is no task called '{name}'.", f"Did you mean {near[0]}?")


def _with_domain(card: ModelCard) -> ModelCard:
    if card.domain != "other" or not card.tasks:
        return card
    return dataclasses.replace(card, domain=describe({}, card.tasks[0], library=None).domain)
