"""The multimodal domain of zoo: images with text; its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.kind import Kind
    from zoo.contract.metric import Metric
    from zoo.contract.source import HostedModels
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
    from zoo.tasks import Domain


@hookimpl
def zoo_domains() -> list[Domain]:
    """The multimodal domain."""
    from zoo_multimodal.domain import DOMAIN

    return [DOMAIN]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """Questions about images, and the vectors that retrieval compares."""
    from zoo_multimodal.questions import ImageQuestions
    from zoo_multimodal.retrieval import Vectors

    return [ImageQuestions(), Vectors()]


@hookimpl
def zoo_metrics() -> tuple[Metric, ...]:
    """The metric of captions."""
    from zoo_multimodal.captions import METRICS

    return METRICS


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog's multimodal models and their scores."""
    from zoo.catalog import cards

    return cards("multimodal")


@hookimpl
def zoo_sources() -> list[HostedModels]:
    """The pretrained tags of open_clip."""
    from zoo_multimodal.open_clip_source import OPEN_CLIP

    return [OPEN_CLIP]


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Models of images and text: CLIP, SigLIP and similar ones, of open_clip and of transformers; BLIP."""
    if card.domain != "multimodal" or card.library not in {"open_clip", "transformers"}:
        return None
    if (files.root / "open_clip_config.json").is_file() and card.library == "open_clip":
        from zoo_multimodal.open_clip_towers import load

        return load(card, files, device, dtype)
    if card.library == "transformers":
        from zoo_multimodal.transformers_towers import load as load_transformers

        return load_transformers(card, files, device, dtype)
    return None
