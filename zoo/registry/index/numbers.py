"""The numbers of cards that can be filtered and sorted by, as integers."""

from __future__ import annotations

import functools
import re

from zoo.entities import ModelCard
from zoo.registry.index.memory import needed

NUMBERS = ("downloads", "likes", "parameters", "bytes", "released", "embedding_dimension", "memory")
"""Their names; the columns of the first four have an index."""

WITH_INDEX = frozenset(NUMBERS[:4])
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}).*)?)?\Z", re.DOTALL)


def numbers_of(card: ModelCard) -> tuple[int | None, ...]:
    """The values of a card in the order of ``NUMBERS``; None if unknown."""
    return (
        card.downloads,
        card.likes,
        card.parameters,
        card.bytes,
        day(card.released),
        card.embedding_dimension,
        needed(card),
    )


@functools.lru_cache(maxsize=10_000)
def day(date: str | None) -> int | None:
    """A date as a number that sorts: 20240131 for 2024-01-31, 20240100 for 2024-01; None if it is not a date."""
    found = _DATE.match(date or "")
    if not found:
        return None
    year, month, of_month = found.groups()
    return int(year) * 10_000 + int(month or 0) * 100 + int(of_month or 0)
