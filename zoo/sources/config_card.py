"""A model card from a model's own ``config.json``, in the format of transformers or of timm."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.entities import ModelCard, ModelFile
from zoo.errors import InvalidInput, ModelNotFound, storage_errors
from zoo.sources import describing
from zoo.sources.model_files import format_of
from zoo.sources.safetensors_header import read_header

MAX_JSON_BYTES = 25_000_000


def read_json(path: Path) -> dict[str, Any] | None:
    """The table in a JSON file, or None where there is no such file.

    Raises:
        InvalidInput: it cannot be read, is not JSON, or is no table.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_JSON_BYTES} bytes; that is no configuration.")
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is not JSON: {error}.", "Save the model again.") from error
    if not isinstance(document, dict):
        raise InvalidInput(
            f"{path} holds a {type(document).__name__} where a table is expected.", "Save the model again."
        )
    return document


def count_parameters(root: Path, weights: Sequence[str]) -> int | None:
    """The parameters in safetensors files, from their headers; None where a file has another format.

    Raises:
        IntegrityError: a file is malformed.
    """
    if any(format_of(path) != "safetensors" for path in weights):
        return None
    with storage_errors(root, "read"):
        return sum(read_header(root / path).parameters for path in weights)


def card_from_config(
    model: str, config: Mapping[str, Any], files: tuple[ModelFile, ...], parameters: int | None
) -> ModelCard:
    """The card of ``model`` from its configuration and its files.

    Raises:
        ModelNotFound: the configuration names no architecture.
    """
    named = config.get("architectures")
    architectures = [str(name) for name in named] if isinstance(named, list) else []
    model_type = config.get("model_type")
    loader: dict[str, Any] = {}
    tasks: tuple[str, ...]
    chronos: str | None = None
    if isinstance(config.get("architecture"), str) and not architectures:
        library, tasks, architecture, domain = "timm", ("image-classification",), str(config["architecture"]), "vision"
        loader["architecture"] = architecture
    elif chronos := describing.chronos_family(config):
        # Its tensors are those of a T5, which transformers alone would take for a language model.
        library, tasks, architecture = "chronos-forecasting", ("time-series-forecasting",), chronos
        domain = "scientific"
    elif model_type == "aurora":
        library, tasks, architecture, domain = "aurora", ("weather-forecasting",), "Aurora", "scientific"
        config = {**config, "input_kind": "grid"}
    elif isinstance(model_type, str) or architectures:
        library, architecture = "transformers", describing.family(model_type, architectures) or ""
        tasks = describing.tasks(model_type, architectures)
        domain = describing.domain(tasks[0] if tasks else None, model_type, library)
        read = describing.sequence_kind(config)
        if read and domain != "scientific":
            domain, tasks = "scientific", (describing.SEQUENCES[read],)
    else:
        raise ModelNotFound(
            f"The config.json of '{model}' names neither 'architectures', 'model_type' nor 'architecture'.",
            "zoo reads models in the format of transformers or of timm.",
        )
    weights = [file.path for file in files if format_of(file.path)]
    loader["weights"] = weights[0] if len(weights) == 1 else weights
    loader["format"] = format_of(weights[0])
    if config.get("auto_map"):
        loader["remote_code"] = True
    published = config.get("pretrained_cfg")
    return ModelCard(
        id=model,
        domain=domain,
        tasks=tasks,
        architecture=architecture,
        library=library,
        parameters=parameters,
        bytes=sum(file.bytes or 0 for file in files),
        license=describing.spdx(published.get("license")) if isinstance(published, Mapping) else None,
        input={"kind": "time-series"} if chronos else describing.input_recipe(domain, config),
        embedding_dimension=describing.embedding_dimension(config),
        files=files,
        loader=loader,
    )
