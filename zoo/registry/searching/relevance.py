"""How well models fit the words that they were found by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.registry.index.words import Wanted, words

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

BLOCK = 120
"""Models that are ranked together, from the most downloaded on."""

_MOST_SCORES = 20
_CHUNK = 500


@dataclass(frozen=True)
class Hit:
    """A model and how well it fits."""

    key: int
    downloads: int | None
    fit: float


def ranked(connection: Reader, wanted: Wanted, keys: Sequence[int]) -> list[Hit]:
    """How well each of these models fits, in whatever order.

    A word counts 8 as a word of the name, 6 as the beginning of one, 4 in the rest of the id or the architecture, and 1
    elsewhere; their mean is added to twice the share of the name that they cover, and half a point for an owner that is
    named by them too, as those who made a family often are. Of those that words fit equally well, people look for the
    well-known ones: each digit of the downloads adds a quarter and each score a tenth.
    """
    sought = [*wanted.beginnings, *(word for phrase in wanted.phrases for word in phrase)]
    hits = []
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        counts = {
            row[0]: row[1]
            for row in connection.execute(
                f"SELECT model_key, count(*) FROM scores WHERE model_key IN ({marks}) GROUP BY model_key", chunk
            )
        }
        for row in connection.execute(
            f"SELECT key, id, architecture, downloads FROM models WHERE key IN ({marks})", chunk
        ):
            known = 0.25 * len(str(row[3])) if row[3] is not None else 0.0
            known += 0.1 * min(counts.get(row[0], 0), _MOST_SCORES)
            hits.append(Hit(row[0], row[3], round(_fit(sought, row[1], row[2] or "") + known, 6)))
    return hits


def _fit(sought: Sequence[str], id: str, architecture: str) -> float:
    owner, _, name = id.rpartition("/")
    if not owner:
        owner, _, name = id.partition(":")
    names, rest = words(name), None
    worth, covered, owners = 0, set(), words(owner)
    for word in sought:
        begun = [found for found in names if found.startswith(word)]
        covered.update(begun)
        if word in begun:
            worth += 8
        elif begun:
            worth += 6
        else:
            rest = rest if rest is not None else words(f"{owner} {architecture}")
            worth += 4 if any(found.startswith(word) for found in rest) else 1
    own = 0.5 if covered and any(word in owners for word in sought) else 0.0
    return worth / max(len(sought), 1) + 2 * len(covered) / max(len(set(names)), 1) + own
