"""``openclip:MODEL/TAG``: the pretrained tags of open_clip, whose files are on the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import replace

from zoo.contract.source import HostedModels
from zoo.entities import ModelCard
from zoo.errors import ModelNotFound, needs_extra, suggest

TASKS = ("zero-shot-image-classification", "image-text-retrieval")


def repository(name: str) -> str:
    """The repository on the Hub of ``MODEL/TAG``.

    Raises:
        ModelNotFound: there is no such tag, or its weights are not on the Hub.
    """
    with needs_extra("multimodal", "look up tags of open_clip"):
        import open_clip

    config = open_clip.get_pretrained_cfg(*_parts(name))
    if not config:
        near = suggest(name, (f"{model}/{tag}" for model, tag in open_clip.list_pretrained()))
        raise ModelNotFound(
            f"open_clip has no pretrained tag '{name}'.", near or "An id looks like openclip:MODEL/TAG."
        )
    found = "/".join(str(config.get("hf_hub") or "").split("/")[:2]).strip("/")
    if not found:
        raise ModelNotFound(
            f"The weights of the open_clip tag '{name}' are not on the Hub.",
            "Choose another model: zoo search --source openclip",
        )
    return found


def describe(name: str, hosted: ModelCard) -> ModelCard:
    """The card of ``MODEL/TAG``, from the card of its repository."""
    model, tag = _parts(name)
    return replace(
        hosted,
        domain="multimodal",
        tasks=TASKS,
        architecture="SigLIP" if "siglip" in model.lower() else "CLIP",
        library="open_clip",
        input={"kind": "image"},
        loader={"model": model, "pretrained": tag},
    )


def _parts(name: str) -> tuple[str, str]:
    model, _, tag = name.rpartition("/")
    return model, tag


OPEN_CLIP = HostedModels("openclip", "open_clip", "hf", repository, describe)
