"""One registry file: what can be asked of it, and what can be put into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, ModelId, Run
from zoo.errors import InvalidInput, UnknownModel, suggest
from zoo.registry import rows
from zoo.registry.connection import reading
from zoo.registry.query import (
    SearchHit,
    SearchPage,
    SearchQuery,
    best_scores,
    counting,
    cursor,
    match_expression,
    paging,
    without_paging,
)

_CHUNK = 500


class Registry:
    """A registry. Open the user's with ``open_registry``.

    Attributes:
        path: the SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def search(self, query: SearchQuery) -> SearchPage:
        """One page of the models that match.

        Raises:
            InvalidInput: a value of a filter that no model has, with the nearest; UnknownTask likewise.
        """
        with reading(self.path) as connection:
            count, page = counting(query), paging(query)
            total = connection.execute(count.sql, count.parameters).fetchone()[0]
            if total == 0:
                self._check_names(connection, query)
            found = connection.execute(page.sql, page.parameters).fetchall()
            shown = found if query.limit is None else found[: query.limit]
            keys = [row["key"] for row in shown]
            scores = _scores_of(connection, keys)
            sought: dict[int, dict[str, float]] = {}
            for benchmark in query.benchmarks:
                for start in range(0, len(keys), _CHUNK):
                    best = best_scores(benchmark, keys[start : start + _CHUNK])
                    for row in connection.execute(best.sql, best.parameters):
                        sought.setdefault(row["model_key"], {})[benchmark] = row["value"]
        hits = []
        for row in shown:
            card = rows.card_of(row)
            found_scores = tuple(rows.score_of(score, card.id) for score in scores.get(row["key"], ()))
            hits.append(SearchHit(card, found_scores, sought.get(row["key"], {})))
        following = None
        if len(shown) < len(found):
            following = cursor(query, shown[-1]["sort_value"], shown[-1]["id"])
        return SearchPage(total, tuple(hits), following)

    def card(self, reference: str) -> ModelCard:
        """The card of a model by its id, with or without a revision, or by a name that only one model has.

        Raises:
            UnknownModel: there is none; with the nearest ids.
            InvalidInput: several models have that name; with their ids.
        """
        with reading(self.path) as connection:
            return rows.card_of(self._row(connection, reference))

    def cards(self, **filters: Any) -> Iterator[ModelCard]:
        """All cards that match the filters of ``SearchQuery``, by id."""
        query = SearchQuery.of(**{"sort": "name", **filters})
        statement = paging(without_paging(query))
        with reading(self.path) as connection:
            for row in connection.execute(statement.sql, statement.parameters):
                yield rows.card_of(row)

    def everything(
        self, *, own: bool = False, **filters: Any
    ) -> Iterator[ModelCard | BenchmarkScore | Measurement | Run]:
        """All cards, then all scores, measurements and runs, as they are at one moment, each in a settled order.

        Args:
            own: without what plugins brought.
            filters: fields of ``SearchQuery``; with any, only what belongs to the models that match.
        """
        chosen = paging(without_paging(SearchQuery.of(**{"sort": "name", **filters}))) if filters else None
        with reading(self.path) as connection:
            connection.execute("BEGIN")
            connection.execute("CREATE TEMP TABLE chosen (key INTEGER PRIMARY KEY, id TEXT UNIQUE)")
            if chosen is None:
                connection.execute("INSERT INTO chosen SELECT key, id FROM models")
            else:
                connection.execute(f"INSERT INTO chosen SELECT key, id FROM ({chosen.sql})", chosen.parameters)
            only_own = "plugin IS NULL" if own else "1"
            named = "1" if chosen is None else "model IN (SELECT id FROM chosen)"
            for row in connection.execute(
                f"SELECT * FROM models JOIN chosen USING (key, id) WHERE {only_own} ORDER BY id"
            ):
                yield rows.card_of(row)
            for row in connection.execute(
                f"SELECT chosen.id AS model, {rows.SCORE_COLUMNS} FROM {rows.SCORE_TABLES} "
                f"JOIN chosen ON chosen.key = s.model_key WHERE {only_own} "
                "ORDER BY chosen.id, b.task, b.dataset, b.metric, b.split, b.higher_is_better, s.origin"
            ):
                yield rows.score_of(row, row["model"])
            order = "data, task, model, estimator, layer, samples, seed, revision"
            for row in connection.execute(f"SELECT * FROM measurements WHERE {named} ORDER BY {order}"):
                yield rows.measurement_of(row)
            for row in connection.execute(f"SELECT * FROM runs WHERE {named} ORDER BY created, id"):
                yield rows.run_of(row)

    def export(self, target: str, *, form: str | None = None, own: bool = False, **filters: Any) -> dict[str, int]:
        """Write the content to a JSON or JSONL file; see ``zoo.registry.exchange.export``."""
        from zoo.registry import exchange

        return exchange.export(self, target, form=form, own=own, **filters)

    def import_file(self, source: str, *, form: str | None = None) -> dict[str, int]:
        """Add the content of a JSON or JSONL file; see ``zoo.registry.exchange.import_file``."""
        from zoo.registry import exchange

        return exchange.import_file(self, source, form=form)

    def scores(self, model: str) -> tuple[BenchmarkScore, ...]:
        """The benchmark scores of a model, by task and data set; none where the model is unknown."""
        with reading(self.path) as connection:
            row = connection.execute("SELECT key FROM models WHERE id = ?", [model]).fetchone()
            found = _scores_of(connection, [row["key"]]).get(row["key"], []) if row else []
            return tuple(rows.score_of(score, model) for score in found)

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
        with reading(self.path) as connection:
            found = connection.execute(f"{sql} ORDER BY created, key", parameters).fetchall()
        return tuple(rows.measurement_of(row) for row in found)

    def runs(self, *, model: str | None = None, task: str | None = None, limit: int | None = None) -> tuple[Run, ...]:
        """Past adaptations, newest first."""
        conditions = [(column, value) for column, value in (("model", model), ("task", task)) if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in conditions) or "1"
        sql = f"SELECT * FROM runs WHERE {where} ORDER BY created DESC, id LIMIT ?"
        with reading(self.path) as connection:
            found = connection.execute(sql, [*(v for _, v in conditions), -1 if limit is None else limit]).fetchall()
        return tuple(rows.run_of(row) for row in found)

    def run(self, id: str) -> Run:
        """One past adaptation, by its id or the beginning of it.

        Raises:
            InvalidInput: there is none, or several begin so.
        """
        with reading(self.path) as connection:
            found = connection.execute("SELECT * FROM runs WHERE substr(id, 1, ?) = ?", [len(id), id]).fetchall()
            known = [row["id"] for row in connection.execute("SELECT id FROM runs")]
        exact = [row for row in found if row["id"] == id] or found
        if not id or not exact:
            raise InvalidInput(f"There is no run '{id}'.", suggest(id, known) or "See them: zoo runs")
        if len(exact) > 1:
            raise InvalidInput(f"Several runs begin with '{id}'.", f"Choose: {', '.join(r['id'] for r in exact[:5])}.")
        return rows.run_of(exact[0])

    def add(
        self, items: Iterable[ModelCard | BenchmarkScore | Measurement | Run], plugin: str | None = None
    ) -> dict[str, int]:
        """Add or replace items in one transaction; returns how many of each kind.

        Raises:
            InvalidInput: a score of a model that is unknown; nothing is written.
            StorageError: the registry cannot be written.
        """
        from zoo.registry import writing

        return writing.add(self.path, items, plugin)

    def remove(self, reference: str) -> ModelCard:
        """Delete a model's card and scores; measurements and runs stay. Returns the card."""
        from zoo.registry import writing

        with reading(self.path) as connection:
            row = self._row(connection, reference)
        with writing.writing(self.path) as session:
            writing.remove_models(session, [row["key"]])
        return rows.card_of(row)

    def statistics(self) -> dict[str, Any]:
        """How much there is of everything: models by domain, task, source, licence and library, scores, runs..."""
        with reading(self.path) as connection:

            def count(table: str) -> int:
                return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

            def by(column: str, table: str = "models") -> dict[str, int]:
                sql = f"SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
                return {row[0]: row[1] for row in connection.execute(sql)}

            return {
                "path": str(self.path),
                "bytes": self.path.stat().st_size,
                "models": count("models"),
                "models_with_score": count("(SELECT DISTINCT model_key FROM scores)"),
                "scores": count("scores"),
                "benchmarks": count("benchmarks"),
                "measurements": count("measurements"),
                "runs": count("runs"),
                "domains": by("domain"),
                "tasks": by("task", "model_tasks"),
                "sources": by("source"),
                "licenses": by("license"),
                "libraries": by("library"),
            }

    def _row(self, connection: sqlite3.Connection, reference: str) -> sqlite3.Row:
        reference = reference.strip()
        row = connection.execute("SELECT * FROM models WHERE id = ?", [reference]).fetchone()
        if row is None and ":" in reference:
            parsed = ModelId.parse(reference)
            row = connection.execute("SELECT * FROM models WHERE id = ?", [f"{parsed.source}:{parsed.name}"]).fetchone()
        if row is not None:
            return row
        named = connection.execute(
            "SELECT * FROM models WHERE name = ? OR substr(name, -?) = ? ORDER BY id",
            [reference, len(reference) + 1, f"/{reference}"],
        ).fetchall()
        if len(named) == 1:
            return named[0]
        if named:
            ids = [row["id"] for row in named]
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            raise InvalidInput(f"'{reference}' could be {', '.join(ids[:5])}{more}.", "Give the whole id.")
        raise UnknownModel(f"There is no model '{reference}' in the registry.", _nearest(connection, reference))

    def _check_names(self, connection: sqlite3.Connection, query: SearchQuery) -> None:
        """When nothing was found, see whether a filter names something that no model has."""
        if query.task is not None:
            known = {row[0] for row in connection.execute("SELECT DISTINCT task FROM model_tasks")}
            if query.task not in known:
                from zoo.tasks import TASKS, find_task

                if query.task not in TASKS:
                    from zoo.plugins import plugins

                    find_task(query.task, plugins().tasks)
        for column in ("domain", "source", "library"):
            value = getattr(query, column)
            if value is None:
                continue
            known = {row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM models") if row[0]}
            if value not in known:
                hint = suggest(value, known) or f"There are: {', '.join(sorted(known))}."
                raise InvalidInput(f"No model has the {column} '{value}'.", hint)
        for benchmark in query.benchmarks:
            known = {row[0] for row in connection.execute("SELECT DISTINCT dataset FROM benchmarks")}
            names = {name.lower() for name in known}
            if benchmark.lower() not in names and benchmark.rpartition("/")[0].lower() not in names:
                hint = suggest(benchmark, known) or "See a model's benchmarks: zoo show MODEL"
                raise InvalidInput(f"No score is on a benchmark called '{benchmark}'.", hint)


def _scores_of(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, list[sqlite3.Row]]:
    found: dict[int, list[sqlite3.Row]] = {}
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        sql = (
            f"SELECT s.model_key, {rows.SCORE_COLUMNS} FROM {rows.SCORE_TABLES} "
            f"WHERE s.model_key IN ({','.join('?' * len(chunk))}) "
            "ORDER BY b.task, b.dataset, b.metric, b.split, s.origin"
        )
        for row in connection.execute(sql, chunk):
            found.setdefault(row["model_key"], []).append(row)
    return found


def _nearest(connection: sqlite3.Connection, reference: str) -> str:
    """Ids that share words with a name, the nearest first, as a hint."""
    likely: list[str] = []
    match = match_expression(reference.partition(":")[2] or reference)
    if match:
        some = " OR ".join(match.split())
        sql = "SELECT id FROM models_fts WHERE models_fts MATCH ? ORDER BY bm25(models_fts, 8.0) LIMIT 50"
        likely = [row["id"] for row in connection.execute(sql, [f"{{id}} : ({some})"])]
    start = reference.partition(":")[2][:3] or reference[:3]
    sql = "SELECT id FROM models WHERE name LIKE ? OR id LIKE ? ORDER BY id LIMIT 500"
    likely += [row["id"] for row in connection.execute(sql, [f"{start}%", f"%/{start}%"])]
    words = reference.partition(":")[2].split("/")[0] or reference
    return suggest(reference, dict.fromkeys(likely)) or f"Look for it: zoo search {words}"
