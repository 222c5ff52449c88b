"""The card of a diffusers pipeline in a folder, from its ``model_index.json``."""

from __future__ import annotations

from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard
from zoo.errors import ModelNotFound
from zoo.untrusted import read_json

INDEX = "model_index.json"
LIBRARY = "diffusers"


def recognise(folder: ModelFolder) -> ModelCard | None:
    """The card of a pipeline, from its index and the configuration of its U-Net; None if there is no index.

    Raises:
        ModelNotFound: the index names no pipeline, or there are no weights.
    """
    index = read_json(folder.root / INDEX)
    if index is None:
        return None
    if not folder.weights:
        raise ModelNotFound(
            f"The folder {folder.root} has no weights.", "The parts of a pipeline are in folders next to its index."
        )
    pipeline = index.get("_class_name")
    if not pipeline:
        raise ModelNotFound(
            f"The {INDEX} of '{folder.id}' names no pipeline ('_class_name').", "Save it with save_pretrained()."
        )
    # Pipelines with weights in only one part may have them in their own folder.
    unet = read_json(folder.root / "unet" / "config.json") or read_json(folder.root / "config.json") or {}
    prompted = "text_encoder" in index or unet.get("num_class_embeds")
    return ModelCard(
        id=folder.id,
        domain="vision",
        tasks=("text-to-image" if prompted else "unconditional-image-generation",),
        architecture="Latent diffusion" if "vae" in index else "DDPM",
        library=LIBRARY,
        input={"kind": "prompt"},
        loader={"pipeline": str(pipeline), **folder.loader},
    )
