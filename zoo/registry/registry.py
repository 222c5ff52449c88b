"""One registry: what can be asked of it, and what can be put into it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput, ZooError, suggest
from zoo.registry.database import decoding, schema
from zoo.registry.database.connection import Reader, explained, opened, reading, streamed
from zoo.registry.database.location import Location, Server
from zoo.registry.index import benchmarks, bits
from zoo.registry.index.lineage import Family, family
from zoo.registry.index.sets import BENCHMARK, Sets
from zoo.registry.score_table import ScoreTable, score_table
from zoo.registry.searching import by_name as finding
from zoo.registry.searching import pages as searching
from zoo.registry.searching import similar
from zoo.registry.searching.facets import facets
from zoo.registry.searching.query import SearchHit, SearchPage, SearchQuery

_CHUNK = 500


class Registry:
    """A registry. Open the user's with ``open_registry``.

    Each thread keeps a connection that it reads over, until ``close``.

    Attributes:
        path: the SQLite file, or the PostgreSQL database.
    """

    def __init__(self, path: Location) -> None:
        self.path = path
        self._threads = threading.local()

    def search(self, query: SearchQuery) -> SearchPage:
        """One page of the models that match; where no model has the words, those that have the most similar ones.

        Raises:
            InvalidInput: a value of a filter that no model has, with the nearest; UnknownTask likewise.
        """
        with self._reading() as (connection, sets):
            wanted, instead = query.wanted, None
            members, exact = searching.matching(sets, query, wanted)
            if not members:
                finding.check_names(sets, query)
                mended = similar.instead(sets, wanted) if query.fuzzy and wanted else None
                if mended is not None:
                    members, exact = searching.matching(sets, query, mended)
                    if members:
                        wanted, instead = mended, similar.said(mended)
            elif query.benchmarks:
                finding.check_names(sets, query)
            found = searching.page(sets, query, wanted, members, exact)
            counts = facets(sets, members) if query.facets else None
            hits = _hits(connection, sets, query, found.keys)
        return SearchPage(found.total, hits, found.next, found.exact, instead, counts)

    def card(self, reference: str) -> ModelCard:
        """The card of a model by its id, with or without a revision, or by a name that only one model has.

        Raises:
            UnknownModel: there is none; with the nearest ids.
            InvalidInput: several models have that name; with their ids.
        """
        with self._reading() as (connection, sets):
            return decoding.card_of(finding.row_of(connection, sets, reference))

    def family(self, card: ModelCard) -> Family:
        """What a model was made from, what was made from it, and which have the same weights."""
        with self._reading() as (connection, _):
            return family(connection, card)

    def cards(self, **filters: Any) -> Iterator[ModelCard]:
        """All cards that match the filters of ``SearchQuery``, by id."""
        with reading(self.path) as connection:
            chosen = self._chosen(connection, filters)
            source = "models" if chosen is None else "models JOIN chosen USING (key)"
            for row in streamed(connection, f"SELECT * FROM {source} ORDER BY {'models.' if chosen else ''}id"):
                yield decoding.card_of(row)

    def columns(
        self, names: Sequence[str], *, domain: str, task: str | None = None, at_most: Mapping[str, int] | None = None
    ) -> list[list[str]]:
        """Some columns of ``models`` as text, for all models of a domain, or of one of its tasks, in one order.

        The database puts each column together, so that a hundred thousand models take a fraction of the time that
        their rows would.

        Args:
            names: columns, see ``docs/registry.md``; empty where nothing is known, lists as JSON.
            at_most: upper limits of columns; models of which the figure is unknown stay.
        """
        if unknown := {*names, *(at_most or ())} - set(decoding.CARD_COLUMNS):
            raise InvalidInput(f"There is no column '{min(unknown)}'.", "See the tables in docs/registry.md.")
        server = isinstance(self.path, Server)
        glue = "string_agg(coalesce({0}::text, ''), chr(10))" if server else "group_concat(coalesce({0}, ''), char(10))"
        wanted = f"count(*), {', '.join(map(glue.format, names))}"
        sql = "FROM models WHERE domain = ?"
        values: list[Any] = [domain]
        if task is not None:
            sql += " AND tasks LIKE ?"
            values.append(f'%"{task}"%')
        for name, limit in (at_most or {}).items():
            sql += f" AND ({name} IS NULL OR {name} <= ?)"
            values.append(limit)
        with reading(self.path) as connection:
            (joined,) = connection.execute(f"SELECT {wanted} {sql}", values).fetchall()
            found = [text.split("\n") for text in tuple(joined)[1:]] if joined[0] else [[] for _ in names]
            if any(len(column) != joined[0] for column in found):  # somebody has a line break in a name
                lines = connection.execute(f"SELECT {', '.join(names)} {sql}", values).fetchall()
                found = [["" if cell is None else str(cell) for cell in column] for column in zip(*lines, strict=True)]
        return found

    def cards_called(self, ids: Sequence[str]) -> list[ModelCard]:
        """The cards with these ids, in this order; those that there are not are left out."""
        found = {}
        with reading(self.path) as connection:
            for start in range(0, len(ids), _CHUNK):
                chunk = list(ids[start : start + _CHUNK])
                marks = ",".join("?" * len(chunk))
                for row in connection.execute(f"SELECT * FROM models WHERE id IN ({marks})", chunk).fetchall():
                    found[row["id"]] = decoding.card_of(row)
        return [found[id] for id in ids if id in found]

    def _chosen(self, connection: Reader, filters: dict[str, Any]) -> str | None:
        """Put the keys of the models that match into a temporary table, for this connection; None without filters."""
        if not filters:
            return None
        query = SearchQuery.of(**filters)
        sets = Sets()
        sets.use(connection)
        members, _ = searching.matching(sets, query, query.wanted)
        if not members:
            finding.check_names(sets, query)
        connection.execute("CREATE TEMP TABLE chosen (key INTEGER PRIMARY KEY)")
        keys = [*bits.keys(members)]
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            connection.execute(f"INSERT INTO chosen VALUES {','.join(['(?)'] * len(chunk))}", chunk)
        return "chosen"

    def everything(
        self, *, own: bool = False, **filters: Any
    ) -> Iterator[ModelCard | BenchmarkScore | Measurement | Run]:
        """All cards, then all scores, measurements and runs, as they are at one moment, each in a settled order.

        Args:
            own: without what plugins brought.
            filters: fields of ``SearchQuery``; with any, only what belongs to the models that match.
        """
        with reading(self.path) as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if isinstance(self.path, Server) else "BEGIN")
            chosen = self._chosen(connection, filters)
            joined = "" if chosen is None else f"JOIN {chosen} ON {chosen}.key = m.key"
            only_own = "plugin IS NULL" if own else "1 = 1"
            named = "1 = 1" if chosen is None else f"model IN (SELECT id FROM models m {joined})"
            for row in streamed(connection, f"SELECT m.* FROM models m {joined} WHERE {only_own} ORDER BY m.id"):
                yield decoding.card_of(row)
            for row in streamed(
                connection,
                f"SELECT m.id AS model, {decoding.SCORE_COLUMNS} FROM {decoding.SCORE_TABLES} JOIN models m "
                f"ON m.key = s.model_key {joined} WHERE s.{only_own if own else 'model_key = m.key'} "
                "ORDER BY m.id, b.task, b.dataset, b.metric, b.split, b.higher_is_better, s.origin",
            ):
                yield decoding.score_of(row, row["model"])
            order = "data, task, model, estimator, layer, samples, seed, revision"
            for row in connection.execute(f"SELECT * FROM measurements WHERE {named} ORDER BY {order}"):
                yield decoding.measurement_of(row)
            for row in connection.execute(f"SELECT * FROM runs WHERE {named} ORDER BY created, id"):
                yield decoding.run_of(row)

    def export(self, target: str, *, form: str | None = None, own: bool = False, **filters: Any) -> dict[str, int]:
        """Write the content to a file; see ``zoo.exchange.export``."""
        from zoo import exchange

        return exchange.export(self, target, form=form, own=own, **filters)

    def import_file(self, source: str, *, form: str | None = None, model: str | None = None) -> dict[str, int]:
        """Add the content of a file; see ``zoo.exchange.import_file``."""
        from zoo import exchange

        return exchange.import_file(self, source, form=form, model=model)

    def scores(self, model: str) -> tuple[BenchmarkScore, ...]:
        """The benchmark scores of a model, by task and data set; none where the model is unknown."""
        with self._reading() as (connection, _):
            row = connection.execute("SELECT key FROM models WHERE id = ?", [model]).fetchone()
            found = _scores_of(connection, [row["key"]]).get(row["key"], []) if row else []
            return tuple(decoding.score_of(score, model) for score in found)

    def score_table(self, tasks: Sequence[str]) -> ScoreTable:
        """All scores of these tasks, of all models."""
        with self._reading() as (connection, _):
            return score_table(connection, tasks)

    def measurements(
        self, *, data: str, task: str | None = None, models: Sequence[str] | None = None, estimator: str | None = None
    ) -> tuple[Measurement, ...]:
        """What was measured on the data set with fingerprint ``data``, oldest first."""
        sql, parameters = "SELECT * FROM measurements WHERE data = ?", [data]
        for column, value in (("task", task), ("estimator", estimator)):
            if value is not None:
                sql += f" AND {column} = ?"
                parameters.append(value)
        if models is not None:
            sql += f" AND model IN ({','.join('?' * len(models))})"
            parameters += models
        with self._reading() as (connection, _):
            found = connection.execute(f"{sql} ORDER BY created, key", parameters).fetchall()
        return tuple(decoding.measurement_of(row) for row in found)

    def runs(self, *, model: str | None = None, task: str | None = None, limit: int | None = None) -> tuple[Run, ...]:
        """Past adaptations, newest first."""
        conditions = [(column, value) for column, value in (("model", model), ("task", task)) if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in conditions) or "1 = 1"
        sql = f"SELECT * FROM runs WHERE {where} ORDER BY created DESC, id LIMIT ?"
        most = 2**62 if limit is None else limit
        with self._reading() as (connection, _):
            found = connection.execute(sql, [*(v for _, v in conditions), most]).fetchall()
        return tuple(decoding.run_of(row) for row in found)

    def run(self, id: str) -> Run:
        """One past adaptation, by its id or the beginning of it.

        Raises:
            InvalidInput: there is none, or several begin so.
        """
        with self._reading() as (connection, _):
            found = connection.execute("SELECT * FROM runs WHERE substr(id, 1, ?) = ?", [len(id), id]).fetchall()
            known = [row["id"] for row in connection.execute("SELECT id FROM runs")]
        exact = [row for row in found if row["id"] == id] or found
        if not id or not exact:
            raise InvalidInput(f"There is no run '{id}'.", suggest(id, known) or "See them: zoo runs")
        if len(exact) > 1:
            raise InvalidInput(f"Several runs begin with '{id}'.", f"Choose: {', '.join(r['id'] for r in exact[:5])}.")
        return decoding.run_of(exact[0])

    def add(
        self, items: Iterable[ModelCard | BenchmarkScore | Measurement | Run], plugin: str | None = None
    ) -> dict[str, int]:
        """Add or replace items in one transaction; returns how many of each kind.

        Raises:
            InvalidInput: a score of a model that is unknown; nothing is written.
            StorageError: the registry cannot be written.
        """
        from zoo.registry.writing.items import add

        return add(self.path, items, plugin)

    def remove(self, reference: str) -> ModelCard:
        """Delete a model's card and scores; measurements and runs stay. Returns the card."""
        from zoo.registry.writing.items import remove_models
        from zoo.registry.writing.transaction import writing

        with self._reading() as (connection, sets):
            row = finding.row_of(connection, sets, reference)
        with writing(self.path) as session:
            remove_models(session, [row["key"]])
        return decoding.card_of(row)

    def statistics(self) -> dict[str, Any]:
        """How much there is of everything: models by domain, task, source, licence and library, scores, runs..."""
        with self._reading() as (connection, sets):

            def count(table: str) -> int:
                return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

            def by(kind: str) -> dict[str, int]:
                return dict(sorted(sets.values(kind).items(), key=lambda item: (-item[1], item[0])))

            scored = 0
            for key in sets.values(BENCHMARK):
                scored |= sets.one(BENCHMARK, key)
            return {
                "path": str(self.path),
                "bytes": self._bytes(connection),
                "models": sets.all().bit_count(),
                "models_with_score": scored.bit_count(),
                "scores": count("scores"),
                "benchmarks": count("benchmarks"),
                "measurements": count("measurements"),
                "runs": count("runs"),
                "domains": by("domain"),
                "tasks": by("task"),
                "sources": by("source"),
                "licenses": by("license"),
                "libraries": by("library"),
            }

    def _bytes(self, connection: Reader) -> int:
        if isinstance(self.path, Path):
            return self.path.stat().st_size
        sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in schema.TABLES)
        return int(connection.execute(f"SELECT {sizes}").fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection; the next question opens another."""
        kept = self._threads.__dict__.pop("kept", None)
        if kept is not None:
            with suppress(Exception):
                kept[0].close()

    @contextmanager
    def _reading(self) -> Iterator[tuple[Reader, Sets]]:
        """This thread's connection, with the sets that were read over it; opened again where it was lost."""
        with explained(self.path):
            kept = self._kept()
            try:
                kept[1].use(kept[0])
            except Exception:
                # A server that was started again since; or a file that is none.
                self.close()
                kept = self._kept()
                kept[1].use(kept[0])
            try:
                yield kept[0], kept[1]
            except ZooError:
                raise
            except Exception:
                self.close()
                raise

    def _kept(self) -> tuple[Reader, Sets, Any]:
        kept = self._threads.__dict__.get("kept")
        now = (os.getpid(), os.stat(self.path).st_ino if isinstance(self.path, Path) and self.path.exists() else 0)
        if kept is None or kept[2] != now:
            self.close()
            kept = self._threads.kept = (opened(self.path), Sets(), now)
        return kept


def _hits(connection: Reader, sets: Sets, query: SearchQuery, keys: Sequence[int]) -> tuple[SearchHit, ...]:
    found = {row["key"]: row for row in searching.rows_of(connection, "*", keys)}
    scores = _scores_of(connection, keys)
    sought: dict[int, dict[str, float]] = {}
    for benchmark in query.benchmarks:
        for key, value in benchmarks.figures(sets, benchmark, keys):
            sought.setdefault(key, {})[benchmark] = value
    hits = []
    for key in keys:
        # A model that another process deleted since is left out.
        if key in found:
            card = decoding.card_of(found[key])
            its = tuple(decoding.score_of(score, card.id) for score in scores.get(key, ()))
            hits.append(SearchHit(card, its, sought.get(key, {})))
    return tuple(hits)


def _scores_of(connection: Reader, keys: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        sql = (
            f"SELECT s.model_key, {decoding.SCORE_COLUMNS} FROM {decoding.SCORE_TABLES} "
            f"WHERE s.model_key IN ({','.join('?' * len(chunk))}) "
            "ORDER BY b.task, b.dataset, b.metric, b.split, s.origin"
        )
        for row in connection.execute(sql, chunk):
            found.setdefault(row["model_key"], []).append(row)
    return found
