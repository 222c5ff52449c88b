"""Models from other people's files: a list in JSON or YAML, a model card's header, a folder of snapshots, MLflow."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from zoo.catalog.model_index import scores_of
from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import DataError, InvalidInput, ZooError
from zoo.registry.writing.validation import checked
from zoo.untrusted import Malformed, parse_json, parse_yaml

MOST_BYTES = 25_000_000
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
"""What is read of an entry in a list, and which field of a card it becomes; ``scores`` is read besides."""

_AMOUNTS = {"parameters", "bytes"}
_LISTS = {"tasks", "tags", "languages", "pretraining"}
_FRONT = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(\n|\Z)", re.DOTALL)

Items = Iterator[ModelCard | BenchmarkScore]


def model_list(source: str) -> Items:
    """A list of models in JSON or YAML: a list of objects, objects by name, or either under ``models``.

    Raises:
        DataError: it cannot be read, or an entry holds what is not known; names the entry.
    """
    document = _document(source)
    if isinstance(document, Mapping) and "models" in document:
        document = document["models"]
    if isinstance(document, Mapping):
        document = [{"id": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in document.items()]
    if not isinstance(document, list):
        raise DataError(f"{source} holds no list of models.", "Write [{id: hf:org/name, task: ...}, ...].")
    for number, entry in enumerate(document, start=1):
        place = f"{source}, model {number}"
        if not isinstance(entry, Mapping):
            raise DataError(f"{place}: it is a {type(entry).__name__} where an object is expected.")
        yield from _entry(entry, place)


def model_index(source: str, model: str) -> Items:
    """The scores in a model card's header (``README.md``), or in a YAML file that holds ``model-index``.

    Raises:
        DataError: there is none.
    """
    path = Path(source).expanduser()
    text = _text(path)
    front = _FRONT.match(text)
    header = _yaml(front[1] if front else text, source)
    index = header.get("model-index") if isinstance(header, Mapping) else None
    scores = list(scores_of(model, index, str(header.get("url") or f"model-index of {path.name}"))) if index else []
    if not scores:
        raise DataError(f"{source} holds no scores in a 'model-index'.", "It must be a model card, or its header.")
    yield from scores


def snapshots(source: str) -> Items:
    """The models in a folder: each folder in it with a ``config.json``, or a cache of the Hub with its snapshots.

    Raises:
        DataError: it is no folder, or holds none.
    """
    from zoo.sources.local.folder import FileSource

    root = Path(source).expanduser()
    if not root.is_dir():
        raise DataError(f"{source} is not a folder.", "Name the folder that holds the models.")
    found = 0
    for folder, name, commit in _model_folders(root):
        card = FileSource().describe(str(folder))
        if name:
            card = dataclasses.replace(card, id=f"hf:{name}", revision=commit)
        readme = folder / "README.md"
        front = _FRONT.match(_text(readme)) if readme.is_file() else None
        header = _yaml(front[1], str(readme)) if front else None
        header = header if isinstance(header, Mapping) else {}
        found += 1
        yield _described(card, header)
        yield from scores_of(card.id, header.get("model-index"), str(readme.name))
    if not found:
        raise DataError(f"{source} holds no folders with a config.json.", "Name the folder above the models.")


def mlflow(source: str) -> Items:
    """The registered models of an MLflow server, each at its newest version, page by page through its REST API.

    API: https://mlflow.org/docs/latest/api_reference/rest-api.html#search-registeredmodels

    Raises:
        NetworkUnavailable, ModelNotFound: the server does not answer, or has no such API.
        DataError: the answer is not what the API promises.
    """
    from zoo.sources.files.http_files import read_text

    parts = urlsplit(source)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise InvalidInput(
            f"'{parts.hostname or source}' is not the address of an MLflow server.", "Write it as http://host:5000."
        )
    base = source.rstrip("/")
    token = ""
    seen: set[str] = set()
    while True:
        url = f"{base}/api/2.0/mlflow/registered-models/search?max_results=100&page_token={quote(token)}"
        text = read_text(url, "The list of registered models", _mlflow_headers())
        try:
            page = parse_json(text)
            models, token = page.get("registered_models") or [], str(page.get("next_page_token") or "")
            cards = [_registered(base, parts.netloc, entry) for entry in models]
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise DataError(
                f"{base} does not answer as an MLflow server does ({type(error).__name__}).", "Check the address."
            ) from error
        yield from cards
        if not token or token in seen:
            return
        seen.add(token)


def _registered(base: str, host: str, entry: Mapping[str, Any]) -> ModelCard:
    versions = sorted(entry.get("latest_versions") or (), key=lambda version: int(version["version"]))
    tags = {str(tag["key"]): str(tag.get("value", "")) for tag in entry.get("tags") or ()}
    newest = versions[-1] if versions else {}
    told = {name: tags[name] for name in ("domain", "license", "library") if tags.get(name)}
    return checked(
        ModelCard(
            id=f"mlflow:{host}/{entry['name']}",
            domain=told.get("domain", "other"),
            tasks=(tags["task"],) if tags.get("task") else (),
            library=told.get("library", "mlflow"),
            license=told.get("license"),
            description=entry.get("description") or None,
            revision=str(newest["version"]) if newest else None,
            url=f"{base}/#/models/{quote(str(entry['name']))}",
            tags=tuple(f"{key}={value}" if value else key for key, value in tags.items()),
        )
    )


def _mlflow_headers() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _entry(entry: Mapping[str, Any], place: str) -> Items:
    unknown = sorted(str(key) for key in entry if key not in FIELDS and key != "scores")
    if unknown:
        raise DataError(f"{place}: '{unknown[0]}' is not known.", f"Known are: scores, {', '.join(sorted(FIELDS))}.")
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
            raise InvalidInput("it has no id or name.", "")
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
        raise DataError(f"{place}: a field is not of its type ({error}).") from error


def _amount(field: str, value: Any) -> Any:
    """A number that somebody may have written as ``110M`` or ``1.2GB``."""
    from zoo.amounts import amount

    if not isinstance(value, str):
        return value
    found = amount(value)
    if found is None:
        raise InvalidInput(f"{field} is '{value[:40]}', which is no amount.", "Write 110M, 1.5B, 500MB or 1.2GB.")
    return found


def _check_task(name: Any) -> None:
    """Refuse a task that looks like a misspelt one; what nobody knows here may be a platform's own."""
    from zoo.plugins import plugins
    from zoo.sources.files.describing import hub_tasks

    known = {*plugins().tasks, *hub_tasks()}
    if isinstance(name, str) and name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            raise InvalidInput(f"there is no task called '{name}'.", f"Did you mean {near[0]}?")


def _with_domain(card: ModelCard) -> ModelCard:
    from zoo.sources.files.describing import domain

    return card if card.domain != "other" or not card.tasks else dataclasses.replace(card, domain=domain(card.tasks[0]))


def _model_folders(root: Path) -> Iterator[tuple[Path, str | None, str | None]]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name.startswith("models--"):
            name = folder.name.removeprefix("models--").replace("--", "/")
            for snapshot in sorted((folder / "snapshots").glob("*")):
                if (snapshot / "config.json").is_file():
                    yield snapshot, name, snapshot.name
        elif (folder / "config.json").is_file():
            yield folder, None, None


def _described(card: ModelCard, header: Mapping[str, Any]) -> ModelCard:
    """The card with what a model card's header adds."""
    from zoo.sources.files import describing

    task, tags = header.get("pipeline_tag"), header.get("tags")
    return dataclasses.replace(
        card,
        tasks=(task,) if isinstance(task, str) and not card.tasks else card.tasks,
        license=card.license or describing.spdx(header.get("license")),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else card.tags,
    )


def _document(source: str) -> Any:
    path = Path(source).expanduser()
    text = _text(path)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _yaml(text, source)
    try:
        return parse_json(text)
    except ValueError as error:
        raise DataError(f"{source} is not valid JSON: {error}.", "A YAML file ends in .yaml.") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} is larger than {MOST_BYTES:,} bytes; that is no list of models.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{path} cannot be read: {reason}.", "Check the path.") from error


def _yaml(text: str, source: str) -> Any:
    try:
        return parse_yaml(text)
    except Malformed as error:
        raise DataError(f"{source} cannot be read as YAML: {error}.", "Correct it there.") from error
