"""Checks that what a registry derives from its cards and scores matches them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from zoo.registry.database.connection import Reader, reading, streamed
from zoo.registry.database.decoding import card_of
from zoo.registry.database.location import Location
from zoo.registry.index.bits import SPAN
from zoo.registry.index.lineage import bases_of
from zoo.registry.index.membership import Membership
from zoo.registry.writing.encoding import columns_of

_BATCH = 1000
Stored = tuple[str, str, int]


class _Expected:
    """The rows of ``sets`` of one chunk, as derived from its cards."""

    def __init__(self) -> None:
        self.rows: dict[Stored, tuple[int, bytes]] = {}
        self.membership = Membership(self._run, self._ask)

    def _run(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        for kind, value, chunk, *rest in parameters:
            if rest:
                self.rows[kind, value, chunk] = (rest[0], rest[1])

    def _ask(self, sql: str, parameters: Sequence[Any]) -> Iterable[Any]:
        found = self.rows.get(tuple(parameters)) if len(parameters) == 3 else None
        return () if found is None else ((found[1],),)


def derived_problems(location: Location) -> Iterator[str]:
    """The problems of sets, lineage and derived columns, in sentences."""
    wrong = {"sets": 0, "lineage": 0, "models": 0}
    rows_of_sets = 0
    with reading(location) as cards, reading(location) as stored:
        for first, found in _by_chunk(cards):
            expected = _Expected()
            lineage = set()
            while part := [*islice(found, _BATCH)]:
                parsed = [card_of(row) for _, row in part]
                columns = columns_of(parsed)
                expected.membership.add_new([key for key, _ in part], columns)
                for (key, row), card, *derived in zip(part, parsed, columns["memory"], columns["weights"], strict=True):
                    lineage |= {(base, key, relation) for base, relation in bases_of(card).items()}
                    wrong["models"] += derived != [row["memory"], row["weights"]]
            chunk = (first, first + SPAN)
            sql = "SELECT DISTINCT model_key, benchmark_key FROM scores WHERE model_key >= ? AND model_key < ?"
            expected.membership.scored([(row[0], row[1]) for row in streamed(stored, sql, chunk)])
            expected.membership.write()
            rows_of_sets += len(expected.rows)
            for place, (models, members) in expected.rows.items():
                row = _stored(stored, place)
                wrong["sets"] += row is None or (row[0], bytes(row[1])) != (models, members)
            sql = "SELECT base, model_key, relation FROM lineage WHERE model_key >= ? AND model_key < ?"
            wrong["lineage"] += len(lineage ^ {tuple(row) for row in streamed(stored, sql, chunk)})
        wrong["sets"] += abs(stored.execute("SELECT count(*) FROM sets").fetchone()[0] - rows_of_sets)
    if wrong["sets"]:
        yield f"{wrong['sets']:,} sets of the search index do not match the cards."
    if wrong["lineage"]:
        yield f"{wrong['lineage']:,} rows of 'lineage' do not match the cards."
    if wrong["models"]:
        yield f"{wrong['models']:,} cards have a wrong 'memory' or 'weights'."


def _stored(connection: Reader, place: Stored) -> Any:
    sql = "SELECT models, members FROM sets WHERE kind = ? AND value = ? AND chunk = ?"
    return connection.execute(sql, place).fetchone()


def _by_chunk(connection: Reader) -> Iterator[tuple[int, Iterator[tuple[int, Any]]]]:
    """First key, and (key, row) of the models, of each chunk."""
    last = connection.execute("SELECT max(key) FROM models").fetchone()[0]
    for first in range(0, (last or -1) + 1, SPAN):
        sql = "SELECT * FROM models WHERE key >= ? AND key < ? ORDER BY key"
        yield first, ((row["key"], row) for row in streamed(connection, sql, (first, first + SPAN)))
