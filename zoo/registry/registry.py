"""One registry: search it, read it, write to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput, UnknownModel, ZooError, suggest
from zoo.registry.database.connection import Reader, explained, opened
from zoo.registry.database.decoding import RUN_COLUMNS, card_of, measurement_of, run_of, score_of
from zoo.registry.database.location import Location
from zoo.registry.index.lineage import Family, family, same_weights
from zoo.registry.index.sets import Sets
from zoo.registry.score_table import ScoreTable, score_table
from zoo.registry.searching import by_name
from zoo.registry.searching.query import SearchPage, SearchQuery
from zoo.registry.searching.search import scores_of, search


class Registry:
    """A registry. Open the user's own with ``open_registry``.

    Each thread keeps a connection for reading until ``close``.

    Attributes:
        path: the SQLite file, or the PostgreSQL database.
    """

    def __init__(self, path: Location) -> None:
        self.path = path
        self._threads = threading.local()

    def search(self, query: SearchQuery) -> SearchPage:
        """One page of the models that match; if none has the words, of those that have similar words.

        Raises:
            InvalidInput: no model has the value of a filter; with the nearest values. UnknownTask likewise.
        """
        with self._reading() as (connection, sets):
            return search(connection, sets, query)

    def card(self, reference: str) -> ModelCard:
        """The card of a model by its id, with or without a revision, by a name that only one model has, or by an alias.

        Raises:
            UnknownModel: there is no such model; with the nearest ids.
            InvalidInput: several models have that name; with their ids.
        """
        try:
            with self._reading() as (connection, sets):
                return card_of(by_name.row_of(connection, sets, reference))
        except UnknownModel:
            from zoo.plugins.aliases import alias

            pinned = alias(reference)
            if pinned is None:
                raise
        return pinned.pin(self.card(pinned.id))

    def family(self, card: ModelCard) -> Family:
        """The models that a model is derived from, its own derivatives, and those with the same weights."""
        with self._reading() as (connection, _):
            return family(connection, card)

    def same_weights(self, card: ModelCard) -> tuple[str, ...]:
        """The ids of other models that have the weights of this one, all of its files or some."""
        with self._reading() as (connection, _):
            return same_weights(connection, card)

    def cards(self, query: SearchQuery | None = None) -> Iterator[ModelCard]:
        """All cards, or all that match the words and filters of a query, by id.

        Args:
            query: its sorting, limit and cursor do not apply.
        """
        from zoo.registry import contents

        return contents.cards(self.path, query)

    def columns(
        self, names: Sequence[str], *, domain: str, task: str | None = None, at_most: Mapping[str, int] | None = None
    ) -> list[list[str]]:
        """Some columns of ``models`` as text, for all models of a domain or a task, all columns in the same order.

        The database joins each column into one text, which is much faster than reading a hundred thousand rows.

        Args:
            names: columns, see ``docs/registry.md``; unknown values are empty, lists are JSON.
            at_most: upper limits of columns; models whose value is unknown are included.

        Raises:
            InvalidInput: there is no such column.
        """
        from zoo.registry import contents

        return contents.columns(self.path, names, domain, task, at_most or {})

    def cards_called(self, ids: Sequence[str]) -> list[ModelCard]:
        """The cards with these ids, in this order; ids without a card are skipped."""
        from zoo.registry import contents

        return contents.cards_called(self.path, ids)

    def everything(
        self, query: SearchQuery | None = None, *, own: bool = False
    ) -> Iterator[ModelCard | BenchmarkScore | Measurement | Run]:
        """All cards, then all scores, measurements and runs, of one snapshot, each in a stable order.

        Args:
            query: only what belongs to the models that match; its sorting, limit and cursor do not apply.
            own: without what plugins provide.
        """
        from zoo.registry import contents

        return contents.everything(self.path, query, own=own)

    def scores(self, model: str) -> tuple[BenchmarkScore, ...]:
        """The benchmark scores of a model, by task and data set; empty if the model is unknown."""
        with self._reading() as (connection, _):
            row = connection.execute("SELECT key FROM models WHERE id = ?", [model]).fetchone()
            found = scores_of(connection, [row["key"]]).get(row["key"], []) if row else []
            return tuple(score_of(score, model) for score in found)

    def score_table(self, tasks: Sequence[str]) -> ScoreTable:
        """All scores of all models on these tasks."""
        with self._reading() as (connection, _):
            return score_table(connection, tasks)

    def measurements(
        self, *, data: str, task: str | None = None, models: Sequence[str] | None = None, estimator: str | None = None
    ) -> tuple[Measurement, ...]:
        """The measurements on the data set with fingerprint ``data``, oldest first."""
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
        return tuple(measurement_of(row) for row in found)

    def measurement_key(
        self, *, model: str, task: str, data: str, estimator: str, layer: str, revision: str | None
    ) -> int | None:
        """The number of the newest measurement with these values, by which evidence names it; None without one."""
        sql = (
            "SELECT key FROM measurements WHERE model = ? AND task = ? AND data = ? AND estimator = ? AND layer = ? "
            "AND (revision = ? OR revision IS NULL) ORDER BY created DESC, key DESC LIMIT 1"
        )
        with self._reading() as (connection, _):
            row = connection.execute(sql, (model, task, data, estimator, layer, revision)).fetchone()
        return None if row is None else int(row[0])

    def runs(
        self,
        *,
        model: str | None = None,
        task: str | None = None,
        data: str | None = None,
        limit: int | None = None,
        outcomes: bool = False,
    ) -> tuple[Run, ...]:
        """Recorded runs, newest first.

        Args:
            data: only those on the data set with this fingerprint.
            outcomes: whether to read the predictions for the test samples, which are large.
        """
        wanted = (("model", model), ("task", task), ("data", data))
        conditions = [(column, value) for column, value in wanted if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in conditions) or "1 = 1"
        sql = f"SELECT {'*' if outcomes else RUN_COLUMNS} FROM runs WHERE {where} ORDER BY created DESC, id LIMIT ?"
        most = 2**62 if limit is None else limit
        with self._reading() as (connection, _):
            found = connection.execute(sql, [*(v for _, v in conditions), most]).fetchall()
        return tuple(run_of(row) for row in found)

    def run(self, id: str) -> Run:
        """One recorded run, by its id or a unique prefix of it.

        Raises:
            InvalidInput: no run, or several, match.
        """
        with self._reading() as (connection, _):
            found = connection.execute("SELECT * FROM runs WHERE substr(id, 1, ?) = ?", [len(id), id]).fetchall()
            known = [row["id"] for row in connection.execute("SELECT id FROM runs")]
        exact = [row for row in found if row["id"] == id] or found
        if not id or not exact:
            raise InvalidInput(f"There is no run '{id}'.", suggest(id, known) or "See them: zoo runs")
        if len(exact) > 1:
            raise InvalidInput(f"Several runs begin with '{id}'.", f"Choose: {', '.join(r['id'] for r in exact[:5])}.")
        return run_of(exact[0])

    def run_that_wrote(self, setting: str, revision: str) -> Run | None:
        """The newest run whose plan has a revision as one of its settings; None if there is none."""
        sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE plan LIKE ? ESCAPE '!' ORDER BY created DESC, id"
        pattern = "".join(f"!{character}" if character in "!%_" else character for character in revision)
        with self._reading() as (connection, _):
            found = [run_of(row) for row in connection.execute(sql, (f"%{pattern}%",)).fetchall()]
        return next((run for run in found if run.plan.get(setting) == revision), None)

    def add(
        self, items: Iterable[ModelCard | BenchmarkScore | Measurement | Run], plugin: str | None = None
    ) -> dict[str, int]:
        """Add or replace items in one transaction; return the number of each kind.

        Args:
            plugin: name of the plugin that provides them; None for the user's own.

        Raises:
            InvalidInput: a score is of an unknown model; nothing is written.
            StorageError: the registry cannot be written.
        """
        from zoo.registry.writing.items import add

        return add(self.path, items, plugin)

    def remove(self, reference: str) -> ModelCard:
        """Delete a model's card and scores, and return the card; measurements and runs are kept."""
        from zoo.registry.writing.items import remove_models
        from zoo.registry.writing.transaction import writing

        with self._reading() as (connection, sets):
            row = by_name.row_of(connection, sets, reference)
        with writing(self.path) as session:
            remove_models(session, [row["key"]])
        return card_of(row)

    def statistics(self) -> dict[str, Any]:
        """The number of models by domain, task, source, licence and library, and of scores, measurements and runs."""
        from zoo.registry.statistics import statistics

        with self._reading() as (connection, sets):
            return statistics(self.path, connection, sets)

    def close(self) -> None:
        """Close this thread's connection; the next call opens another."""
        current = self._threads.__dict__.pop("current", None)
        if current is not None:
            with suppress(Exception):
                current[0].close()

    @contextmanager
    def _reading(self) -> Iterator[tuple[Reader, Sets]]:
        """This thread's connection, with the sets read over it; reopened if it was lost."""
        with explained(self.path):
            current = self._current()
            try:
                current[1].use(current[0])
            except Exception:
                # The server was restarted, or the file is not a database.
                self.close()
                current = self._current()
                current[1].use(current[0])
            try:
                yield current[0], current[1]
            except ZooError:
                raise
            except Exception:
                self.close()
                raise

    def _current(self) -> tuple[Reader, Sets, Any]:
        current = self._threads.__dict__.get("current")
        now = (os.getpid(), os.stat(self.path).st_ino if isinstance(self.path, Path) and self.path.exists() else 0)
        if current is None or current[2] != now:
            self.close()
            current = self._threads.current = (opened(self.path), Sets(), now)
        return current
