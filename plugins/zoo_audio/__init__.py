"""The audio domain of zoo: speech, sounds, voices and music; its tasks and the models that the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import BenchmarkScore, ModelCard
from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of

DESCRIPTION = "Speech recognition, sound and speaker classification, voice synthesis and music from recordings or text."


@hookimpl
def zoo_domains() -> list[Domain]:
    """The audio domain."""
    return [Domain("audio", DESCRIPTION, tasks_of("audio"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog's audio models and their scores."""
    from zoo.catalog import cards

    return cards("audio")
