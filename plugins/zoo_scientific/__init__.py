"""The scientific domain of zoo: molecules, proteins, materials and weather; its tasks and the catalog's models."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import BenchmarkScore, ModelCard
from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of

DESCRIPTION = "Molecules, proteins, crystals and the atmosphere: drug discovery, folding, materials and weather."


@hookimpl
def zoo_domains() -> list[Domain]:
    """The scientific domain."""
    return [Domain("scientific", DESCRIPTION, tasks_of("scientific"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog's scientific models and their scores."""
    from zoo.catalog import cards

    return cards("scientific")
