"""Writing: one transaction for everything that belongs together."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, create_engine, delete

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput
from zoo.registry import rows
from zoo.registry.connection import BUSY_SECONDS, explained
from zoo.registry.lineage import bases_of
from zoo.registry.location import Location, Server
from zoo.registry.membership import Membership
from zoo.registry.statements import Statements
from zoo.registry.tables import PluginRow, StateRow
from zoo.registry.validation import storable

Item = ModelCard | BenchmarkScore | Measurement | Run
BATCH = 500


@contextmanager
def writing(location: Location, *, foreign_keys: bool = True) -> Iterator[Session]:
    """A session in a transaction that has the registry to itself: all of it lands, or none.

    Raises:
        StorageError: read-only, or the disk is full.
        RegistryError: not a database, damaged, locked for too long, or a server that cannot be reached.
    """
    with explained(location, "write to"):
        engine = _postgres(location) if isinstance(location, Server) else _sqlite(str(location), foreign_keys)
        try:
            with Session(engine) as session:
                yield session
                session.commit()
        except DBAPIError as error:
            raise error.orig or error from error
        finally:
            engine.dispose()


def _sqlite(path: str, foreign_keys: bool) -> Any:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # SQLAlchemy begins transactions itself, so that the driver must not.
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -131072")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres(server: Server) -> Any:
    from zoo.registry.postgres import CONNECT_SECONDS, LOCK

    url = server.dsn.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    return engine


def add(location: Location, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """Add or replace items; returns how many of each kind.

    Args:
        items: cards, scores, measurements and runs; a score's model must be there or come before it.
        plugin: the plugin that they come from, or None for the user's own. A plugin never replaces the user's own.

    Raises:
        InvalidInput: a score of a model that is unknown; nothing is written.
    """
    with writing(location) as session:
        return write_items(session, items, plugin)


def write_items(session: Session, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """As ``add``, inside a session that the caller commits."""
    writer = Writer(session, plugin)
    stream = iter(items)
    while batch := list(islice(stream, BATCH)):
        writer.write(batch)
    writer.finish()
    return writer.counts


def remove_models(session: Session, keys: Sequence[int]) -> None:
    """Delete models with their scores."""
    writer = Writer(session, None)
    writer.remove(keys)
    writer.finish()


def write_plugins(session: Session, versions: Mapping[str, str]) -> None:
    """Remember whose cards are in the registry."""
    session.exec(delete(PluginRow))
    session.add_all(PluginRow(name=name, version=version) for name, version in sorted(versions.items()))


def write_state(session: Session, notes: Mapping[str, str]) -> None:
    """Note something about the registry itself."""
    for name, value in notes.items():
        session.merge(StateRow(name=name, value=value))


class Writer:
    """Writes batches of items inside a session; ``finish`` when there are no more.

    Attributes:
        counts: how many of each kind were given.
    """

    def __init__(self, session: Session, plugin: str | None) -> None:
        self.plugin = plugin
        self.counts = {"models": 0, "scores": 0, "measurements": 0, "runs": 0}
        self._session = session
        self._statements = Statements(session.connection())
        self._membership = Membership(self._statements.run, self._statements.ask)
        self._next_key = self._statements.next_key("models")
        self._benchmarks: dict[tuple[Any, ...], int] = {
            tuple(row)[1:]: row[0]
            for row in self._statements.ask(
                "SELECT key, task, dataset, split, metric, higher_is_better FROM benchmarks"
            )
        }
        self._citations = {row[1]: row[0] for row in self._statements.ask("SELECT key, source FROM citations")}
        self._touched = False

    def write(self, items: Sequence[Item]) -> None:
        """Write a batch: cards first, whatever their order in it."""
        kinds: dict[str, list[Any]] = {"models": [], "scores": [], "measurements": [], "runs": []}
        for item in items:
            kinds[_kind(item)].append(item)
        self._cards({card.id: card for card in kinds["models"]})
        self._scores(kinds["scores"])
        self._statements.upsert("measurements", [rows.measurement_row(m) for m in kinds["measurements"]])
        self._statements.upsert("runs", [rows.run_row(run) for run in kinds["runs"]])
        for kind, found in kinds.items():
            self.counts[kind] += len(found)

    def finish(self) -> None:
        """Write what follows from the items: the sets that are searched in, and a sign that they have changed."""
        self._membership.write()
        if self._touched:
            write_state(self._session, {"generation": secrets.token_hex(8)})

    def remove(self, keys: Sequence[int]) -> None:
        """Delete models with their scores."""
        for start in range(0, len(keys), BATCH):
            chunk = keys[start : start + BATCH]
            marks = ",".join("?" * len(chunk))
            for row in self._statements.ask(f"SELECT * FROM models WHERE key IN ({marks})", chunk):
                self._membership.change(row["key"], rows.card_of(row), None)
            sql = f"SELECT DISTINCT model_key, benchmark_key FROM scores WHERE model_key IN ({marks})"
            for row in self._statements.ask(sql, chunk):
                self._membership.score(row[0], row[1], there=False)
            self._statements.run("DELETE FROM models WHERE key = ?", [(key,) for key in chunk])
            self._touched = True

    def forget_scores(self, plugin: str) -> None:
        """Delete the scores that a plugin brought."""
        pairs = "SELECT DISTINCT model_key, benchmark_key FROM scores"
        before = {tuple(row) for row in self._statements.ask(f"{pairs} WHERE plugin = ?", (plugin,))}
        self._statements.run("DELETE FROM scores WHERE plugin = ?", [(plugin,)])
        still = {tuple(row) for row in self._statements.ask(f"{pairs}")} if before else set()
        for model, benchmark in before - still:
            self._membership.score(model, benchmark, there=False)
        self._touched = self._touched or bool(before)

    def _cards(self, cards: Mapping[str, ModelCard]) -> None:
        old = {row["id"]: row for row in self._statements.rows_by_id(list(cards))}
        models, lineage, changed = [], [], []
        for id, card in cards.items():
            row = rows.card_row(card)
            storable(card, row)
            there = old.get(id)
            if there is not None and self._kept(there, row):
                continue
            key = self._next_key if there is None else there["key"]
            self._next_key += there is None
            models.append((key, *row.values(), self.plugin))
            if there is not None:
                changed.append((key,))
            lineage += [(base, key, relation) for base, relation in bases_of(card).items()]
            self._membership.change(key, None if there is None else rows.card_of(there), card)
        if not models:
            return
        self._touched = True
        self._statements.run(_MODEL, models)
        if changed:
            self._statements.run("DELETE FROM lineage WHERE model_key = ?", changed)
        if lineage:
            self._statements.run("INSERT INTO lineage (base, model_key, relation) VALUES (?, ?, ?)", lineage)

    def _kept(self, there: Any, row: Mapping[str, Any]) -> bool:
        """A plugin does not replace the user's own; what a plugin brought just so stays the plugin's."""
        if self.plugin is not None:
            return there["plugin"] is None
        return there["plugin"] is not None and all(there[name] == value for name, value in row.items())

    def _scores(self, scores: Sequence[BenchmarkScore]) -> None:
        if not scores:
            return
        keys = self._statements.keys_by_id(list({score.model for score in scores}))
        found: dict[tuple[int, int, str], tuple[Any, ...]] = {}
        for score in scores:
            if score.model not in keys:
                raise InvalidInput(
                    f"There is a score of '{score.model}' on {score.dataset}, but no such model in the registry.",
                    "Add the model's card before its scores.",
                )
            place = (keys[score.model], self._benchmark(score), score.origin)
            found[place] = (score.value, self._citation(score.source), score.date)
        for model, benchmark, origin, *values, plugin in self._statements.scores_of(sorted({m for m, _, _ in found})):
            place = (model, benchmark, origin)
            # The user's own stay when a plugin writes; a plugin's stay the plugin's when the user writes them just so.
            keep = plugin is None if self.plugin is not None else found.get(place) == tuple(values)
            if place in found and keep:
                del found[place]
        if found:
            self._touched = True
            self._statements.run(_SCORE, [(*place, *values, self.plugin) for place, values in found.items()])
            for model, benchmark, _ in found:
                self._membership.score(model, benchmark)

    def _benchmark(self, score: BenchmarkScore) -> int:
        benchmark = (score.task, score.dataset, score.split, score.metric, score.higher_is_better)
        key = self._benchmarks.get(benchmark)
        if key is None:
            key = self._benchmarks[benchmark] = self._statements.next_key("benchmarks")
            sql = (
                "INSERT INTO benchmarks (key, task, dataset, split, metric, higher_is_better) VALUES (?, ?, ?, ?, ?, ?)"
            )
            self._statements.run(sql, [(key, *benchmark)])
        return key

    def _citation(self, source: str) -> int:
        key = self._citations.get(source)
        if key is None:
            key = self._citations[source] = self._statements.next_key("citations")
            self._statements.run("INSERT INTO citations (key, source) VALUES (?, ?)", [(key, source)])
        return key


_COLUMNS = ("key", *rows.CARD_COLUMNS, "plugin")
_MODEL = (
    f"INSERT INTO models ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_SCORE = (
    "INSERT INTO scores (model_key, benchmark_key, origin, value, citation_key, date, plugin) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (model_key, benchmark_key, origin) DO UPDATE SET value = excluded.value, "
    "citation_key = excluded.citation_key, date = excluded.date, plugin = excluded.plugin"
)


def _kind(item: Any) -> str:
    for kind, name in ((ModelCard, "models"), (BenchmarkScore, "scores"), (Measurement, "measurements"), (Run, "runs")):
        if isinstance(item, kind):
            return name
    raise InvalidInput(f"A registry holds cards, scores, measurements and runs, not a {type(item).__name__}.")
