"""Runs a search: what matches, one page of it, and the cards and scores of that page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.registry.database.decoding import SCORE_COLUMNS, SCORE_TABLES, card_of, score_of
from zoo.registry.index import benchmarks
from zoo.registry.index.sets import Sets
from zoo.registry.searching import by_name, pages, similar
from zoo.registry.searching.facets import facets
from zoo.registry.searching.query import SearchHit, SearchPage, SearchQuery

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

_CHUNK = 500


def search(connection: Reader, sets: Sets, query: SearchQuery) -> SearchPage:
    """One page of the models that match; if none has the words, of those that have similar words.

    Raises:
        InvalidInput: no model has the value of a filter; with the nearest values. UnknownTask likewise.
    """
    wanted, instead = query.wanted, None
    members, exact = pages.matching(sets, query, wanted)
    if not members:
        by_name.check_names(sets, query)
        corrected = None if query.exact or not wanted else similar.corrected(sets, wanted)
        if corrected is not None:
            members, exact = pages.matching(sets, query, corrected)
            if members:
                wanted, instead = corrected, similar.as_text(corrected)
    elif query.benchmarks:
        by_name.check_names(sets, query)
    found = pages.page(sets, query, wanted, members, exact)
    counts = facets(sets, members) if query.facets else None
    hits = _hits(connection, sets, query, found.keys)
    return SearchPage(found.total, hits, found.next, found.exact, instead, counts)


def _hits(connection: Reader, sets: Sets, query: SearchQuery, keys: Sequence[int]) -> tuple[SearchHit, ...]:
    found = {row["key"]: row for row in pages.rows_of(connection, "*", keys)}
    scores = scores_of(connection, keys)
    requested: dict[int, dict[str, float]] = {}
    for benchmark in query.benchmarks:
        for key, value in benchmarks.figures(sets, benchmark, keys):
            requested.setdefault(key, {})[benchmark] = value
    hits = []
    for key in keys:
        # Another process may have deleted a model since the keys were read.
        if key in found:
            card = card_of(found[key])
            its = tuple(score_of(score, card.id) for score in scores.get(key, ()))
            hits.append(SearchHit(card, its, requested.get(key, {})))
    return tuple(hits)


def scores_of(connection: Reader, keys: Sequence[int]) -> dict[int, list[Any]]:
    """Rows of the scores of models, by the key of the model, sorted by benchmark."""
    found: dict[int, list[Any]] = {}
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        sql = (
            f"SELECT s.model_key, {SCORE_COLUMNS} FROM {SCORE_TABLES} "
            f"WHERE s.model_key IN ({','.join('?' * len(chunk))}) "
            "ORDER BY b.task, b.dataset, b.metric, b.split, s.origin"
        )
        for row in connection.execute(sql, chunk):
            found.setdefault(row["model_key"], []).append(row)
    return found
