"""A model card from a pipeline's ``model_index.json``, in the format of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.entities import ModelCard, ModelFile
from zoo.errors import ModelNotFound
from zoo.sources.files.config_card import read_json
from zoo.sources.files.model_files import format_of

INDEX = "model_index.json"
LIBRARY = "diffusers"


def card_from_index(
    root: Path, model: str, index: Mapping[str, Any], files: tuple[ModelFile, ...], parameters: int | None
) -> ModelCard:
    """The card of a pipeline in a folder, from its index and the configuration of its U-Net.

    Raises:
        ModelNotFound: the index names no pipeline.
    """
    pipeline = index.get("_class_name")
    if not pipeline:
        raise ModelNotFound(
            f"The {INDEX} of '{model}' names no pipeline ('_class_name').", "Save it with save_pretrained()."
        )
    # Pipelines with one part that has weights may keep it in their own folder.
    unet = read_json(root / "unet" / "config.json") or read_json(root / "config.json") or {}
    prompted = "text_encoder" in index or unet.get("num_class_embeds")
    weights = [file.path for file in files if format_of(file.path)]
    loader: dict[str, Any] = {"pipeline": str(pipeline), "weights": weights[0] if len(weights) == 1 else weights}
    if weights:
        loader["format"] = format_of(weights[0])
    return ModelCard(
        id=model,
        domain="vision",
        tasks=("text-to-image" if prompted else "unconditional-image-generation",),
        architecture="Latent diffusion" if "vae" in index else "DDPM",
        library=LIBRARY,
        parameters=parameters,
        bytes=sum(file.bytes or 0 for file in files),
        input={"kind": "prompt"},
        files=files,
        loader=loader,
    )
