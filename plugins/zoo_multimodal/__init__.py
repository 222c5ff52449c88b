"""The multimodal domain of zoo: images with text; its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl
from zoo.tasks import Domain, tasks_of

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.source import Source
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard

DESCRIPTION = "Images and text in one model: zero-shot classification, retrieval, captions and questions about images."
ZERO_SHOT = "zero-shot-image-classification"


@hookimpl
def zoo_domains() -> list[Domain]:
    """The multimodal domain."""
    return [Domain("multimodal", DESCRIPTION, tasks_of("multimodal"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog's multimodal models and their scores."""
    from zoo.catalog import cards

    return cards("multimodal")


@hookimpl
def zoo_sources() -> list[Source]:
    """The pretrained tags of open_clip."""
    from zoo_multimodal.open_clip_source import OpenClipSource

    return [OpenClipSource()]


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Models of images and text: CLIP, SigLIP and their kin, of open_clip and of transformers; BLIP."""
    if card.domain != "multimodal" or card.library not in {"open_clip", "transformers"}:
        return None
    if (files.root / "open_clip_config.json").is_file() and card.library == "open_clip":
        from zoo_multimodal.open_clip_towers import load

        return load(card, files, device, dtype)
    if card.library == "transformers":
        from zoo_multimodal.transformers_towers import load as load_transformers

        return load_transformers(card, files, device, dtype)
    return None


@hookimpl
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str, labels: Sequence[str]) -> Sequence[Any] | None:
    """The likeliest of the labels for each image, by the nearness of its name; captions; answers to questions."""
    if task == ZERO_SHOT and hasattr(backbone, "zero_shot"):
        return backbone.zero_shot(inputs, labels)
    if task == "image-to-text" and hasattr(backbone, "describe"):
        return backbone.describe(inputs)
    if task == "visual-question-answering" and hasattr(backbone, "answer"):
        return backbone.answer(inputs)
    return None
