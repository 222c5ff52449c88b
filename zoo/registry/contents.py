"""Reads a registry's content in bulk: cards, columns of cards, or everything in one consistent snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput
from zoo.registry.database.connection import Reader, reading, streamed
from zoo.registry.database.decoding import (
    CARD_COLUMNS,
    SCORE_COLUMNS,
    SCORE_TABLES,
    card_of,
    measurement_of,
    run_of,
    score_of,
)
from zoo.registry.database.location import Location, Server
from zoo.registry.index import bits
from zoo.registry.index.sets import Sets
from zoo.registry.searching import by_name, pages
from zoo.registry.searching.query import SearchQuery

_CHUNK = 500


def cards(location: Location, query: SearchQuery | None) -> Iterator[ModelCard]:
    """All cards that match a query, or all of the registry, by id."""
    with reading(location) as connection:
        chosen = _chosen(connection, query)
        source = "models" if chosen is None else "models JOIN chosen USING (key)"
        for row in streamed(connection, f"SELECT * FROM {source} ORDER BY {'models.' if chosen else ''}id"):
            yield card_of(row)


def everything(
    location: Location, query: SearchQuery | None, *, own: bool
) -> Iterator[ModelCard | BenchmarkScore | Measurement | Run]:
    """All cards, then all scores, measurements and runs, of one snapshot, each in a stable order.

    Args:
        query: only what belongs to the models that match.
        own: without what plugins provide.
    """
    with reading(location) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if isinstance(location, Server) else "BEGIN")
        chosen = _chosen(connection, query)
        joined = "" if chosen is None else f"JOIN {chosen} ON {chosen}.key = m.key"
        only_own = "plugin IS NULL" if own else "1 = 1"
        named = "1 = 1" if chosen is None else f"model IN (SELECT id FROM models m {joined})"
        for row in streamed(connection, f"SELECT m.* FROM models m {joined} WHERE {only_own} ORDER BY m.id"):
            yield card_of(row)
        for row in streamed(
            connection,
            f"SELECT m.id AS model, {SCORE_COLUMNS} FROM {SCORE_TABLES} JOIN models m "
            f"ON m.key = s.model_key {joined} WHERE s.{only_own if own else 'model_key = m.key'} "
            "ORDER BY m.id, b.task, b.dataset, b.metric, b.split, b.higher_is_better, s.origin",
        ):
            yield score_of(row, row["model"])
        order = "data, task, model, estimator, layer, samples, seed, revision"
        for row in connection.execute(f"SELECT * FROM measurements WHERE {named} ORDER BY {order}"):
            yield measurement_of(row)
        for row in connection.execute(f"SELECT * FROM runs WHERE {named} ORDER BY created, id"):
            yield run_of(row)


def columns(
    location: Location, names: Sequence[str], domain: str, task: str | None, at_most: Mapping[str, int]
) -> list[list[str]]:
    """Some columns of ``models`` as text; see ``Registry.columns``."""
    if unknown := {*names, *at_most} - set(CARD_COLUMNS):
        raise InvalidInput(f"There is no column '{min(unknown)}'.", "See the tables in docs/registry.md.")
    server = isinstance(location, Server)
    glue = "string_agg(coalesce({0}::text, ''), chr(10))" if server else "group_concat(coalesce({0}, ''), char(10))"
    wanted = f"count(*), {', '.join(map(glue.format, names))}"
    sql = "FROM models WHERE domain = ?"
    values: list[Any] = [domain]
    if task is not None:
        sql += " AND tasks LIKE ?"
        values.append(f'%"{task}"%')
    for name, limit in at_most.items():
        sql += f" AND ({name} IS NULL OR {name} <= ?)"
        values.append(limit)
    with reading(location) as connection:
        (joined,) = connection.execute(f"SELECT {wanted} {sql}", values).fetchall()
        found = [text.split("\n") for text in tuple(joined)[1:]] if joined[0] else [[] for _ in names]
        if any(len(column) != joined[0] for column in found):  # a value contains a line break
            lines = connection.execute(f"SELECT {', '.join(names)} {sql}", values).fetchall()
            found = [["" if cell is None else str(cell) for cell in column] for column in zip(*lines, strict=True)]
    return found


def cards_called(location: Location, ids: Sequence[str]) -> list[ModelCard]:
    """The cards with these ids, in this order; ids without a card are skipped."""
    found = {}
    with reading(location) as connection:
        for start in range(0, len(ids), _CHUNK):
            chunk = list(ids[start : start + _CHUNK])
            marks = ",".join("?" * len(chunk))
            for row in connection.execute(f"SELECT * FROM models WHERE id IN ({marks})", chunk).fetchall():
                found[row["id"]] = card_of(row)
    return [found[id] for id in ids if id in found]


def _chosen(connection: Reader, query: SearchQuery | None) -> str | None:
    """Store the keys of the models that match in a temporary table of this connection; None without a query."""
    if query is None:
        return None
    sets = Sets()
    sets.use(connection)
    members, _ = pages.matching(sets, query, query.wanted)
    if not members:
        by_name.check_names(sets, query)
    connection.execute("CREATE TEMP TABLE chosen (key INTEGER PRIMARY KEY)")
    keys = [*bits.keys(members)]
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        connection.execute(f"INSERT INTO chosen VALUES {','.join(['(?)'] * len(chunk))}", chunk)
    return "chosen"
