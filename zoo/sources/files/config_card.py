"""Makes a model card from a ``config.json`` in the format of transformers or timm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.entities import ModelCard, ModelFile
from zoo.errors import InvalidInput, ModelNotFound, storage_errors
from zoo.sources.files.describing import LIBRARY, describe
from zoo.sources.files.model_files import format_of
from zoo.sources.files.safetensors_header import read_header


def count_parameters(root: Path, weights: Sequence[str]) -> int | None:
    """The number of parameters in safetensors files, from their headers; None if a file has another format.

    Raises:
        IntegrityError: a file is malformed.
    """
    if any(format_of(path) != "safetensors" for path in weights):
        return None
    with storage_errors(root, "read"):
        return sum(read_header(root / path).parameters for path in weights)


_NAMED: Mapping[str, type] = {
    "model_type": str,
    "architecture": str,
    "architectures": list,
    "pretrained_cfg": dict,
    "vision_config": dict,
}
"""The keys that a card is made from, with their types in transformers and timm."""


def _check_types(model: str, config: Mapping[str, Any]) -> None:
    for key, wanted in _NAMED.items():
        value = config.get(key)
        if value is not None and not isinstance(value, wanted):
            raise InvalidInput(
                f"The config.json of '{model}' has a {type(value).__name__} under '{key}', where transformers and timm "
                f"write a {wanted.__name__}.",
                "Save the model again.",
            )
    if not all(isinstance(name, str) for name in config.get("architectures") or ()):
        raise InvalidInput(
            f"The config.json of '{model}' has 'architectures' that are not names.", "Save the model again."
        )


def card_from_config(
    model: str, config: Mapping[str, Any], files: tuple[ModelFile, ...], parameters: int | None
) -> ModelCard:
    """The card of ``model`` from its configuration and its files.

    Raises:
        ModelNotFound: the configuration names no architecture.
        InvalidInput: a key does not have the type that these formats specify.
    """
    _check_types(model, config)
    loader: dict[str, Any] = {}
    if isinstance(config.get("architecture"), str) and not config.get("architectures"):
        library, loader["architecture"] = "timm", str(config["architecture"])
        described = replace(describe(config, "image-classification", library), architecture=loader["architecture"])
    elif isinstance(config.get("model_type"), str) or config.get("architectures"):
        library, described = LIBRARY, describe(config)
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
        domain=described.domain,
        tasks=described.tasks,
        architecture=described.architecture or "",
        library=library,
        parameters=parameters,
        bytes=sum(file.bytes or 0 for file in files),
        license=of_hub_tag(published.get("license")) if isinstance(published, Mapping) else None,
        input=described.input,
        embedding_dimension=described.dimension,
        files=files,
        loader=loader,
    )
