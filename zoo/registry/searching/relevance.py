"""Ranks models by how well they match the words of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.registry.index.words import Wanted, words

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

BLOCK = 120
"""Models per block; blocks are ordered by downloads, and ranked within."""

_MOST_SCORES = 20
_CHUNK = 500


@dataclass(frozen=True)
class Hit:
    """A model and its relevance."""

    key: int
    downloads: int | None
    fit: float


def ranked(connection: Reader, wanted: Wanted, keys: Sequence[int]) -> list[Hit]:
    """The relevance of each of these models, in no particular order.

    A word of the query counts 8 if it is a word of the name, 6 if it is the prefix of one, 4 in the rest of the id or
    the architecture, and 1 elsewhere. To their mean are added twice the share of the name's words that they match, and
    0.5 if they also match the owner, as with the original models of a family. Popularity breaks ties: each digit of the
    downloads adds 0.25 and each score 0.1.
    """
    requested = [*wanted.prefixes, *(word for phrase in wanted.phrases for word in phrase)]
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
            hits.append(Hit(row[0], row[3], round(_fit(requested, row[1], row[2] or "") + known, 6)))
    return hits


def _fit(requested: Sequence[str], id: str, architecture: str) -> float:
    owner, _, name = id.rpartition("/")
    if not owner:
        owner, _, name = id.partition(":")
    names, rest = words(name), None
    worth, covered, owners = 0, set(), words(owner)
    for word in requested:
        matched = [found for found in names if found.startswith(word)]
        covered.update(matched)
        if word in matched:
            worth += 8
        elif matched:
            worth += 6
        else:
            rest = rest if rest is not None else words(f"{owner} {architecture}")
            worth += 4 if any(found.startswith(word) for found in rest) else 1
    own = 0.5 if covered and any(word in owners for word in requested) else 0.0
    return worth / max(len(requested), 1) + 2 * len(covered) / max(len(set(names)), 1) + own
