"""The vision domain of zoo: its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl
from zoo.errors import UnsupportedModel
from zoo.tasks import Domain, tasks_of

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.source import ModelFolder
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard

DESCRIPTION = (
    "Photographs, drawings and scans: classification, detection, segmentation and generation, with convolutional and "
    "transformer backbones of timm, torchvision and transformers."
)


@hookimpl
def zoo_domains() -> list[Domain]:
    """The vision domain."""
    return [Domain("vision", DESCRIPTION, tasks_of("vision"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """Models inside installed packages, then the catalog's, each with its reported scores."""
    from zoo.catalog import cards
    from zoo_vision.cards import packaged

    yield from packaged()
    yield from cards("vision")


@hookimpl
def zoo_recognise(folder: ModelFolder) -> ModelCard | None:
    """Image generators in the format of diffusers."""
    from zoo_vision.generation.pipeline_card import recognise

    return recognise(folder)


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Image models of timm, torchvision, transformers, diffusers and PyTorch Hub."""
    if card.source == "torchhub" and card.domain in {"vision", "other"}:
        from zoo_vision.torch_hub_backbone import load as load_torch_hub

        return load_torch_hub(card, files, device, dtype)
    if card.domain != "vision":
        return None
    if card.library == "timm":
        from zoo_vision.timm_backbone import load

        return load(card, files, device, dtype)
    if card.library == "torchvision":
        from zoo_vision.torchvision_backbone import load as load_torchvision

        return load_torchvision(card, files, device, dtype)
    if card.library == "transformers":
        from zoo_vision.transformers_backbone import load as load_transformers

        return load_transformers(card, files, device, dtype)
    if card.library == "diffusers":
        from zoo_vision.generation.diffusion import load as load_diffusion

        return load_diffusion(card, files, device, dtype)
    return None


@hookimpl
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str) -> Sequence[Any] | None:
    """The five likeliest classes of each image by a published classifier, or its boxes, or its mask; new pictures."""
    if hasattr(backbone, "generate"):
        if task not in backbone.card.tasks:
            raise UnsupportedModel(
                f"'{backbone.card.id}' serves {' and '.join(backbone.card.tasks)}, and not '{task}'.",
                "Find a model that does: zoo search --task " + task,
            )
        return backbone.generate(inputs)
    if backbone.input_kind != "image":
        return None
    if task == "image-classification" and hasattr(backbone, "classify"):
        return backbone.classify(inputs)
    return backbone.answer(task, inputs) if hasattr(backbone, "answer") else None
