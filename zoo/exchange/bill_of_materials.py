"""Models as a CycloneDX bill of materials (ML-BOM), version 1.6.

Specification: https://cyclonedx.org/docs/1.6/json/#components_items_modelCard. The Python library of CycloneDX has no
model cards, so the document is built here and validated with the library's schema.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput, RegistryError, needs_extra
from zoo.version import __version__
from zoo.visible import json_text

VERSION = "1.6"
MOST_EXPRESSION = 1000
"""Characters up to which a licence is parsed as an expression."""

_OPERATOR = re.compile(r" (?:AND|OR|WITH) ")
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.6")


@dataclass(frozen=True)
class Entry:
    """One model of a bill of materials.

    Attributes:
        ancestors: ids of the models that it was derived from, the nearest first; its base model if it is empty.
        properties: further facts, by names that begin with ``zoo:``.
    """

    card: ModelCard
    scores: Sequence[BenchmarkScore] = ()
    ancestors: Sequence[str] = ()
    properties: Sequence[tuple[str, str]] = ()


def document(models: Sequence[Entry], properties: Sequence[tuple[str, str]] = ()) -> str:
    """The bill of materials of models with their scores, as JSON; deterministic.

    A time is written only if the environment variable SOURCE_DATE_EPOCH gives one
    (https://reproducible-builds.org/specs/source-date-epoch/).

    Args:
        properties: facts on the document, by names that begin with ``zoo:``.

    Raises:
        InvalidInput: there are no models, or SOURCE_DATE_EPOCH is not a time.
        RegistryError: the document violates CycloneDX's schema; names the position.
        MissingExtra: the library that validates it is not installed.
    """
    if not models:
        raise InvalidInput("There are no models for the bill of materials.", "Choose them: --model ID, or --task TASK")
    ids = Counter(entry.card.id for entry in models)
    refs = [_ref(entry.card, unique=ids[entry.card.id] == 1) for entry in models]
    components = [_component(entry, ref) for entry, ref in zip(models, refs, strict=True)]
    tool = {"type": "application", "name": "zoo", "version": __version__}
    metadata: dict[str, Any] = {"tools": {"components": [tool]}}
    if properties:
        metadata["properties"] = _properties(properties)
    content = json.dumps([components, metadata.get("properties", [])], sort_keys=True)
    if (when := _source_date()) is not None:
        metadata = {"timestamp": when, **metadata}
    bom: dict[str, Any] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}",
        "version": 1,
        "metadata": metadata,
        "components": components,
    }
    by_id = {entry.card.id: ref for entry, ref in zip(models, refs, strict=True)}
    related = [
        (ref, by_id[base])
        for entry, ref in zip(models, refs, strict=True)
        if (base := entry.card.base_model) in by_id and base is not None and by_id[base] != ref
    ]
    if related:
        bom["dependencies"] = [{"ref": ref, "dependsOn": [base]} for ref, base in related]
    text = json_text(bom, indent=2) + "\n"
    check(text)
    return text


def check(text: str) -> None:
    """Validate a document against the schema.

    Raises:
        RegistryError: it violates the schema; names the position.
    """
    with needs_extra("bom", "check a bill of materials"):
        from cyclonedx.exception import MissingOptionalDependencyException
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    try:
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except MissingOptionalDependencyException as error:
        raise ModuleNotFoundError(str(error), name="jsonschema") from error
    if problem is not None:
        where = getattr(problem.data, "json_path", "the document")
        raise RegistryError(
            f"The bill of materials violates the schema of CycloneDX {VERSION} at {where}.",
            "See the model: zoo show ID",
        )


def _component(entry: Entry, ref: str) -> dict[str, Any]:
    card = entry.card
    ancestors = entry.ancestors or ([card.base_model] if card.base_model else [])
    facts = [
        (f"zoo:{name}", str(value))
        for name in ("domain", "library", "parameters", "bytes", "embedding_dimension", "released", "gated")
        if (value := getattr(card, name)) not in (None, False)
    ]
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": card.name,
        "group": card.source,
        "version": card.revision,
        "description": card.description,
        "purl": _purl(card),
        "licenses": _licenses(card),
        "components": [_file(file) for file in card.files if file.sha256],
        "externalReferences": [{"type": "website", "url": card.url}] if _is_address(card.url) else [],
        "pedigree": {"ancestors": [_ancestor(one) for one in ancestors]} if ancestors else {},
        "modelCard": _model_card(card, entry.scores),
        "properties": _properties([*facts, *entry.properties]),
        "tags": list(dict.fromkeys(card.tags)),
    }
    return {name: value for name, value in component.items() if value not in (None, [], {})}


def _ref(card: ModelCard, *, unique: bool) -> str:
    return card.id if unique or not card.revision else f"{card.id}@{card.revision}"


def _properties(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _ancestor(id: str) -> dict[str, Any]:
    source, _, name = id.partition(":")
    purl = _hub_purl(name) if source == "hf" else None
    return {"type": "machine-learning-model", "name": id, **({"purl": purl} if purl else {})}


def _model_card(card: ModelCard, scores: Sequence[BenchmarkScore]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "task": card.tasks[0] if card.tasks else None,
        "architectureFamily": card.architecture,
        "datasets": [{"type": "dataset", "name": name} for name in card.pretraining],
        "inputs": [{"format": str(card.input["kind"])}] if card.input.get("kind") else [],
        "outputs": [{"format": answer} for answer in _outputs(card)],
    }
    metrics = [{"type": score.metric, "value": repr(score.value), "slice": _slice(score)} for score in scores]
    found: dict[str, Any] = {
        "modelParameters": {name: value for name, value in parameters.items() if value},
        "quantitativeAnalysis": {"performanceMetrics": metrics} if metrics else {},
        "considerations": {"useCases": list(card.tasks)} if card.tasks else {},
    }
    return {name: value for name, value in found.items() if value}


def _outputs(card: ModelCard) -> list[str]:
    """What the model's main task predicts, such as ``classes``; empty if the task is unknown."""
    from zoo.plugins import plugins

    task = plugins().tasks.get(card.tasks[0]) if card.tasks else None
    return [task.target] if task is not None and task.target else []


def _slice(score: BenchmarkScore) -> str:
    """The data of a score, and where it is from, for which the schema has no field of its own."""
    source = f": {score.source}" if score.source else "; source not known"
    return f"{score.dataset}, {score.split} ({score.origin}{source})"


def _licenses(card: ModelCard) -> list[dict[str, Any]]:
    with needs_extra("bom", "write a bill of materials"):
        from cyclonedx.spdx import is_expression, is_supported_id

    if not card.license:
        return []
    if is_supported_id(card.license):
        return [{"license": {"id": card.license}}]
    if len(card.license) < MOST_EXPRESSION and _OPERATOR.search(card.license) and is_expression(card.license):
        return [{"expression": card.license}]
    return [{"license": {"name": card.license}}]


def _file(file: Any) -> dict[str, Any]:
    return {"type": "file", "name": file.path, "hashes": [{"alg": "SHA-256", "content": file.sha256.lower()}]}


def _purl(card: ModelCard) -> str | None:
    """The package URL of a model on the Hub or in a Python package; there is no type for other platforms.

    Specification: https://github.com/package-url/purl-spec, types ``huggingface`` and ``pypi``.
    """
    if card.source == "hf":
        return _hub_purl(card.name, card.revision)
    package = _PACKAGE.match(card.requires[0]) if card.source == "pkg" and card.requires else None
    if package is None:
        return None
    from packageurl import PackageURL

    return str(PackageURL("pypi", None, package[0], card.revision))


def _hub_purl(name: str, revision: str | None = None) -> str:
    from packageurl import PackageURL

    owner, _, rest = name.rpartition("/")
    return str(PackageURL("huggingface", owner or None, rest, revision))


def _is_address(url: str | None) -> bool:
    """Whether a card's address is one that a reader can follow, without spaces and control characters."""
    return bool(url and _ADDRESS.fullmatch(url))


def _source_date() -> str | None:
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    try:
        return datetime.fromtimestamp(int(value), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            f"SOURCE_DATE_EPOCH is '{value}'; it must be a number of seconds since 1970.",
            "Unset it, and no time is written: unset SOURCE_DATE_EPOCH",
        ) from None
