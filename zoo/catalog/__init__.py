"""Our own curated cards and benchmark scores, by domain, each with its source.

The tables are CSV files inside the package; ``docs/catalog.md`` describes them and how to add a model.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from zoo.catalog import reading
from zoo.catalog.reading import Citation
from zoo.entities import BenchmarkScore, ModelCard

__all__ = ["Citation", "cards", "domains", "sources"]


def cards(domain: str) -> Iterator[ModelCard | BenchmarkScore]:
    """The catalog of one domain, sorted by model id: each model's card, then its scores.

    A model in several tables is returned once: each field has the value of the first table that fills it, curated
    tables before converted ones, and the scores of all tables are kept. A domain without tables is empty.
    """
    scores = reading.scores(domain)
    for card in reading.models(domain):
        yield card
        yield from scores.get(card.id, ())


@functools.lru_cache(maxsize=1)
def sources() -> Mapping[str, Citation]:
    """The sources of the scores, by the key in ``BenchmarkScore.source``."""
    return reading.citations()


def domains() -> tuple[str, ...]:
    """The domains that have tables, by name."""
    return reading.domains()
