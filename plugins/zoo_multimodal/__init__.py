"""The multimodal domain of zoo: images with text; its tasks and the models that the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import BenchmarkScore, ModelCard
from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of

DESCRIPTION = "Images and text in one model: zero-shot classification, retrieval, captions and questions about images."


@hookimpl
def zoo_domains() -> list[Domain]:
    """The multimodal domain."""
    return [Domain("multimodal", DESCRIPTION, tasks_of("multimodal"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog's multimodal models and their scores."""
    from zoo.catalog import cards

    return cards("multimodal")
