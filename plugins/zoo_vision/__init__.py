"""The vision domain of zoo: its tasks, kinds, models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.kind import Kind
    from zoo.contract.option import Option
    from zoo.contract.reader import Reader
    from zoo.contract.source import ModelFolder
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
    from zoo.tasks import Domain


@hookimpl
def zoo_domains() -> list[Domain]:
    """The vision domain."""
    from zoo_vision.domain import DOMAIN

    return [DOMAIN]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """Boxes, masks, prompts and generated images."""
    from zoo_vision.detection.kind import BoxesKind
    from zoo_vision.generation.kinds import GeneratedImageKind, PromptKind
    from zoo_vision.segmentation.kind import MaskKind

    return [BoxesKind(), MaskKind(), PromptKind(), GeneratedImageKind()]


@hookimpl
def zoo_options() -> Sequence[Option]:
    """How images are generated, and the model that evaluates them."""
    from zoo_vision.generation.options import OPTIONS

    return OPTIONS


@hookimpl
def zoo_readers() -> list[Reader]:
    """Readers of COCO's JSON, and of folders of images and masks."""
    from zoo_vision.detection.coco import BoxReader
    from zoo_vision.segmentation.files import MaskReader

    return [BoxReader(), MaskReader()]


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
