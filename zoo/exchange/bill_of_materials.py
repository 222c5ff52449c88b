"""Models as a CycloneDX bill of materials (ML-BOM), version 1.6.

Specification: https://cyclonedx.org/docs/1.6/json/#components_items_modelCard. The Python library of CycloneDX has no
model cards, so the document is built here and validated with the library's schema.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput, RegistryError, needs_extra
from zoo.version import __version__
from zoo.visible import json_text

VERSION = "1.6"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.6")


def document(models: Sequence[tuple[ModelCard, Sequence[BenchmarkScore]]]) -> str:
    """The bill of materials of models with their scores, as JSON; deterministic.

    Raises:
        InvalidInput: there are no models.
        RegistryError: the document violates CycloneDX's schema; names the position.
        MissingExtra: the library that validates it is not installed.
    """
    if not models:
        raise InvalidInput("There are no models for the bill of materials.", "Choose them: --model ID, or --task TASK")
    components = [_component(card, scores) for card, scores in models]
    bom: dict[str, Any] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(components, sort_keys=True))}",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": "zoo", "version": __version__}]}},
        "components": components,
    }
    known = {card.id for card, _ in models}
    related = [(c.id, c.base_model) for c, _ in models if c.base_model in known and c.base_model != c.id]
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


def _component(card: ModelCard, scores: Sequence[BenchmarkScore]) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": card.id,
        "name": card.name,
        "group": card.source,
        "version": card.revision,
        "description": card.description,
        "purl": _purl(card),
        "licenses": _licenses(card),
        "components": [_file(file) for file in card.files if file.sha256],
        "externalReferences": [{"type": "website", "url": card.url}] if card.url else [],
        "pedigree": {"ancestors": [{"type": "machine-learning-model", "name": card.base_model}]}
        if card.base_model
        else {},
        "modelCard": _model_card(card, scores),
        "properties": [
            {"name": f"zoo:{name}", "value": str(value)}
            for name in ("domain", "library", "parameters", "bytes", "embedding_dimension", "released", "gated")
            if (value := getattr(card, name)) not in (None, False)
        ],
        "tags": list(dict.fromkeys(card.tags)),
    }
    return {name: value for name, value in component.items() if value not in (None, [], {})}


def _model_card(card: ModelCard, scores: Sequence[BenchmarkScore]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "task": card.tasks[0] if card.tasks else None,
        "architectureFamily": card.architecture,
        "datasets": [{"type": "dataset", "name": name} for name in card.pretraining],
        "inputs": [{"format": str(card.input["kind"])}] if card.input.get("kind") else [],
    }
    metrics = [
        {"type": score.metric, "value": repr(score.value), "slice": f"{score.dataset}, {score.split}"}
        for score in scores
    ]
    found: dict[str, Any] = {
        "modelParameters": {name: value for name, value in parameters.items() if value},
        "quantitativeAnalysis": {"performanceMetrics": metrics} if metrics else {},
        "considerations": {"useCases": list(card.tasks)} if card.tasks else {},
    }
    return {name: value for name, value in found.items() if value}


def _licenses(card: ModelCard) -> list[dict[str, Any]]:
    with needs_extra("bom", "write a bill of materials"):
        from cyclonedx.spdx import is_supported_id

    if not card.license:
        return []
    field = "id" if is_supported_id(card.license) else "name"
    return [{"license": {field: card.license}}]


def _file(file: Any) -> dict[str, Any]:
    return {"type": "file", "name": file.path, "hashes": [{"alg": "SHA-256", "content": file.sha256.lower()}]}


def _purl(card: ModelCard) -> str | None:
    """The package URL of a model on the Hub; package URLs have no type for other platforms."""
    if card.source != "hf" or "/" not in card.name:
        return None
    return f"pkg:huggingface/{card.name}{f'@{card.revision}' if card.revision else ''}"
