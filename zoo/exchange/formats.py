"""The file formats that a registry is exported to and imported from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.entities import BenchmarkScore, Entity, Measurement, ModelCard, Run
from zoo.errors import InvalidInput

FORMATS = ("json", "jsonl", "parquet")
"""Formats that hold a complete registry."""

IMPORTED = (*FORMATS, "models", "model-index", "snapshots", "mlflow")
"""Formats that can be imported: also lists of models, scores in a model card, folders of models, an MLflow server."""

EXPORTED = (*FORMATS, "model-index", "cyclonedx")
"""Formats that can be exported: also a model's scores as the header of a model card, and a bill of materials."""

FORMAT, VERSION = "zoo-registry", 1
"""Name and version of the JSON document."""

KINDS: dict[str, type[Entity]] = {"model": ModelCard, "score": BenchmarkScore, "measurement": Measurement, "run": Run}
"""The kinds of items."""

LISTS = {"models": "model", "scores": "score", "measurements": "measurement", "runs": "run"}
"""The lists of the JSON document, with the kind of their items."""

_BY_SUFFIX = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".yaml": "models",
    ".yml": "models",
    ".md": "model-index",
}


def list_of(item: Entity) -> str:
    """The list that holds items of this kind."""
    return next(name for name, kind in LISTS.items() if isinstance(item, KINDS[kind]))


def format_of(name: str, allowed: Sequence[str]) -> str:
    """The format of a file or address, by its name.

    Raises:
        InvalidInput: the name does not determine one of the allowed formats.
    """
    if name.startswith(("http://", "https://")) and "mlflow" in allowed:
        return "mlflow"
    path = Path(name)
    if path.is_dir() and "snapshots" in allowed:
        return "snapshots"
    found = _BY_SUFFIX.get(path.suffix.lower(), "json" if name == "-" else "")
    if path.name.lower().endswith((".cdx.json", "bom.json")):
        found = "cyclonedx"
    if found in allowed:
        return found
    if found == "cyclonedx":
        raise InvalidInput(
            f"'{name}' looks like a bill of materials, which zoo can write but not read.",
            "Export the models as models.jsonl, and import that.",
        )
    raise InvalidInput(
        f"The name '{name}' does not determine a format.", f"Choose one with --format: {', '.join(allowed)}."
    )


def checked_file(name: str) -> str:
    """The name of a Parquet file, which cannot be streamed.

    Raises:
        InvalidInput: it is ``-``.
    """
    if name == "-":
        raise InvalidInput("Parquet needs a file; it cannot be streamed.", "Name one, such as registry.parquet.")
    return name
