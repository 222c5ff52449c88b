"""Writing: one transaction for everything that belongs together, through SQLModel."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, event, text
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, create_engine, select

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput
from zoo.registry.connection import BUSY_SECONDS, explained, explanation
from zoo.registry.rows import card_row, full_text_row
from zoo.registry.tables import (
    BenchmarkRow,
    CitationRow,
    MeasurementRow,
    ModelLanguageRow,
    ModelRow,
    ModelTagRow,
    ModelTaskRow,
    PluginRow,
    RunRow,
    ScoreRow,
    StateRow,
)

Item = ModelCard | BenchmarkScore | Measurement | Run
BATCH = 500


@contextmanager
def writing(path: Path, *, synchronous: str = "FULL") -> Iterator[Session]:
    """A session in a transaction that has the registry to itself: all of it lands, or none.

    Raises:
        StorageError: read-only, or the disk is full.
        RegistryError: not a database, damaged, or locked for too long.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # SQLAlchemy begins transactions itself, so that the driver must not.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with explained(path, "write to"), Session(engine) as session:
            yield session
            session.commit()
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise explanation(error.orig, path, "write to") from error
        raise
    finally:
        engine.dispose()


def add(path: Path, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """Add or replace items; returns how many of each kind.

    Args:
        items: cards, scores, measurements and runs; a score's model must be there or come before it.
        plugin: the plugin that they come from, or None for the user's own. A plugin never replaces the user's own.

    Raises:
        InvalidInput: a score of a model that is unknown; nothing is written.
    """
    with writing(path) as session:
        return write_items(session, items, plugin)


def write_items(session: Session, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """As ``add``, inside a session that the caller commits."""
    writer = _Writer(session, plugin)
    stream = iter(items)
    while batch := list(islice(stream, BATCH)):
        writer.write(batch)
    return writer.counts


def remove_models(session: Session, keys: Sequence[int]) -> None:
    """Delete models with their scores and their full-text rows."""
    for key in keys:
        session.execute(text("DELETE FROM models_fts WHERE rowid = :key"), {"key": key})
        session.execute(delete(ModelRow).where(_column(ModelRow, "key") == key))


def write_plugins(session: Session, versions: Mapping[str, str]) -> None:
    """Remember whose cards are in the registry."""
    session.execute(delete(PluginRow))
    session.add_all(PluginRow(name=name, version=version) for name, version in sorted(versions.items()))


def write_state(session: Session, notes: Mapping[str, str]) -> None:
    """Note something about the registry itself."""
    for name, value in notes.items():
        session.merge(StateRow(name=name, value=value))


class _Writer:
    def __init__(self, session: Session, plugin: str | None) -> None:
        self.session, self.plugin = session, plugin
        self.counts = {"models": 0, "scores": 0, "measurements": 0, "runs": 0}
        self._benchmarks = {
            (b.task, b.dataset, b.split, b.metric, b.higher_is_better): b.key
            for b in session.exec(select(BenchmarkRow)).all()
        }
        self._citations = {c.source: c.key for c in session.exec(select(CitationRow)).all()}

    def write(self, items: Sequence[Item]) -> None:
        """Write a batch: cards first, whatever their order in it."""
        kinds: dict[str, list[Any]] = {"models": [], "scores": [], "measurements": [], "runs": []}
        for item in items:
            kinds[_kind(item)].append(item)
        self._cards(list({card.id: card for card in kinds["models"]}.values()))
        self._scores(kinds["scores"])
        self._insert(MeasurementRow, [_flat(m, revision=m.revision or "") for m in kinds["measurements"]])
        self._insert(RunRow, [_flat(run) for run in kinds["runs"]])
        for kind, found in kinds.items():
            self.counts[kind] += len(found)

    def _cards(self, cards: Sequence[ModelCard]) -> None:
        if self.plugin is not None:
            own = self._look_up([card.id for card in cards], only_own=True)
            cards = [card for card in cards if card.id not in own]
        else:
            cards = self._changed_cards(cards)
        if not cards:
            return
        before = self._look_up([card.id for card in cards])
        self._insert(ModelRow, [{**card_row(card), "plugin": self.plugin} for card in cards], keep=("key",))
        keys = self._look_up([card.id for card in cards])
        known = list(before.values())
        for table in (ModelTaskRow, ModelTagRow, ModelLanguageRow):
            if known:
                self.session.execute(delete(table).where(_column(table, "model_key").in_(known)))
        for key in known:
            self.session.execute(text("DELETE FROM models_fts WHERE rowid = :key"), {"key": key})
        links: dict[type[SQLModel], list[dict[str, Any]]] = {ModelTaskRow: [], ModelTagRow: [], ModelLanguageRow: []}
        for card in cards:
            key = keys[card.id]
            links[ModelTaskRow] += [{"model_key": key, "task": task} for task in dict.fromkeys(card.tasks)]
            links[ModelTagRow] += [{"model_key": key, "tag": tag} for tag in dict.fromkeys(card.tags)]
            links[ModelLanguageRow] += [{"model_key": key, "language": la} for la in dict.fromkeys(card.languages)]
        for link, rows in links.items():
            if rows:
                self.session.execute(insert(link), rows)
        self.session.execute(
            text(
                "INSERT INTO models_fts (rowid, id, architecture, tasks, tags, description) "
                "VALUES (:key, :id, :architecture, :tasks, :tags, :description)"
            ),
            [full_text_row(card, keys[card.id]) for card in cards],
        )

    def _scores(self, scores: Sequence[BenchmarkScore]) -> None:
        if not scores:
            return
        keys = self._look_up({score.model for score in scores})
        rows: dict[tuple[int, int, str], dict[str, Any]] = {}
        for score in scores:
            if score.model not in keys:
                raise InvalidInput(
                    f"There is a score of '{score.model}' on {score.dataset}, but no such model in the registry.",
                    "Add the model's card before its scores.",
                )
            benchmark = self._benchmark(score)
            rows[keys[score.model], benchmark, score.origin] = {
                "model_key": keys[score.model],
                "benchmark_key": benchmark,
                "origin": score.origin,
                "value": score.value,
                "citation_key": self._citation(score.source),
                "date": score.date,
                "plugin": self.plugin,
            }
        self._insert(ScoreRow, self._changed_scores(rows))

    def _changed_cards(self, cards: Sequence[ModelCard]) -> list[ModelCard]:
        """Without those that a plugin brought just so, which stay the plugin's."""
        known: dict[str, Any] = {}
        for start in range(0, len(cards), BATCH):
            ids = [card.id for card in cards[start : start + BATCH]]
            query = select(ModelRow).where(_column(ModelRow, "id").in_(ids), _column(ModelRow, "plugin").is_not(None))
            known.update({row.id: row.model_dump() for row in self.session.exec(query).all()})
        self.session.expunge_all()
        return [card for card in cards if card.id not in known or not card_row(card).items() <= known[card.id].items()]

    def _changed_scores(self, rows: Mapping[tuple[int, int, str], dict[str, Any]]) -> list[dict[str, Any]]:
        """Without those that are the user's own, when a plugin writes; without equal ones, when the user does."""
        columns = [_column(ScoreRow, name) for name in next(iter(rows.values()))]
        wanted = sorted({model for model, _, _ in rows})
        kept = dict(rows)
        for start in range(0, len(wanted), BATCH):
            query = sql_select(*columns).where(_column(ScoreRow, "model_key").in_(wanted[start : start + BATCH]))
            for found in self.session.execute(query).mappings():
                place = (found["model_key"], found["benchmark_key"], found["origin"])
                if place not in kept:
                    continue
                equal = {**found, "plugin": None} == kept[place]
                if equal if self.plugin is None else found["plugin"] is None:
                    del kept[place]
        return list(kept.values())

    def _benchmark(self, score: BenchmarkScore) -> int:
        benchmark = (score.task, score.dataset, score.split, score.metric, score.higher_is_better)
        if benchmark not in self._benchmarks:
            row = BenchmarkRow(
                task=score.task,
                dataset=score.dataset,
                split=score.split,
                metric=score.metric,
                higher_is_better=score.higher_is_better,
            )
            self._benchmarks[benchmark] = self._added(row)
        return int(self._benchmarks[benchmark] or 0)

    def _citation(self, source: str) -> int:
        if source not in self._citations:
            self._citations[source] = self._added(CitationRow(source=source))
        return int(self._citations[source] or 0)

    def _added(self, row: BenchmarkRow | CitationRow) -> int | None:
        self.session.add(row)
        self.session.flush()
        return row.key

    def _look_up(self, ids: Iterable[str], only_own: bool = False) -> dict[str, int]:
        wanted, found = list(ids), {}
        for start in range(0, len(wanted), BATCH):
            query = select(ModelRow.id, ModelRow.key).where(_column(ModelRow, "id").in_(wanted[start : start + BATCH]))
            if only_own:
                query = query.where(_column(ModelRow, "plugin").is_(None))
            found.update({name: key for name, key in self.session.exec(query).all() if key is not None})
        return found

    def _insert(self, table: type[SQLModel], rows: list[dict[str, Any]], keep: Sequence[str] = ()) -> None:
        """Insert rows, each in place of the one that it collides with."""
        if not rows:
            return
        columns = getattr(table, "__table__").columns  # noqa: B009
        unique = _UNIQUE.get(table) or [column.name for column in columns if column.primary_key]
        statement = insert(table)
        replaced = {name: statement.excluded[name] for name in rows[0] if name not in unique and name not in keep}
        self.session.execute(statement.on_conflict_do_update(index_elements=unique, set_=replaced), rows)


_UNIQUE: dict[type[SQLModel], list[str]] = {
    ModelRow: ["id"],
    MeasurementRow: ["model", "task", "data", "estimator", "layer", "samples", "seed", "revision"],
}


def _kind(item: Any) -> str:
    for kind, name in ((ModelCard, "models"), (BenchmarkScore, "scores"), (Measurement, "measurements"), (Run, "runs")):
        if isinstance(item, kind):
            return name
    raise InvalidInput(f"A registry holds cards, scores, measurements and runs, not a {type(item).__name__}.")


def _flat(entity: Measurement | Run, **changed: Any) -> dict[str, Any]:
    values = {**entity.to_dict(), **changed}
    return {
        name: json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def _column(table: type[SQLModel], name: str) -> Any:
    return getattr(table, "__table__").columns[name]  # noqa: B009
