"""Writes cards, scores, measurements and runs in batches, with the sets and the lineage that follow from them."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter, methodcaller
from typing import Any

from sqlmodel import Session

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput
from zoo.registry.database.credentials import Item, cleaned
from zoo.registry.database.decoding import CARD_COLUMNS, card_of
from zoo.registry.database.late_indexes import LateIndexes
from zoo.registry.database.location import Location
from zoo.registry.database.statements import Statements
from zoo.registry.index.lineage import BASE_TAG, bases_of
from zoo.registry.index.membership import Membership
from zoo.registry.writing import encoding
from zoo.registry.writing.transaction import write_state, writing
from zoo.registry.writing.validation import all_storable

BATCH = 2000
"""Items that are written together."""

_CHUNK = 500
_MOST_CITATIONS = 20_000


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
    while batch := list(cleaned(islice(stream, BATCH))):
        with _without_collections():
            writer.write(batch)
    with _without_collections():
        writer.finish()
    return writer.counts


@contextmanager
def _without_collections() -> Iterator[None]:
    """No search for circles among what a batch is made of: there are none, and looking takes a fifth of the time."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def remove_models(session: Session, keys: Sequence[int]) -> None:
    """Delete models with their scores."""
    writer = Writer(session, None)
    writer.remove(keys)
    writer.finish()


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
        self._first_key = self._next_key = self._statements.next_key("models")
        self._indexes = LateIndexes(self._statements, self._first_key)
        self._benchmarks: dict[tuple[Any, ...], int] = {
            (*row[1:-1], bool(row[-1])): row[0]
            for row in self._statements.ask(
                "SELECT key, task, dataset, split, metric, higher_is_better FROM benchmarks"
            )
        }
        self._citations: dict[str, int] = {}
        self._touched = False

    def write(self, items: Sequence[Item]) -> None:
        """Write a batch: cards first, whatever their order in it."""
        kinds: dict[str, list[Any]] = {"models": [], "scores": [], "measurements": [], "runs": []}
        if len(set(map(type, items))) == 1:
            kinds[_kind(items[0])] = [*items]
        else:
            for item in items:
                kinds[_kind(item)].append(item)
        self._cards({card.id: card for card in kinds["models"]})
        self._scores(kinds["scores"])
        self._statements.upsert("measurements", [encoding.measurement_row(m) for m in kinds["measurements"]])
        self._statements.upsert("runs", [encoding.run_row(run) for run in kinds["runs"]])
        for kind, found in kinds.items():
            self.counts[kind] += len(found)

    def finish(self) -> None:
        """Write what follows from the items: the sets that are searched in, and a sign that they have changed."""
        self._membership.write()
        self._indexes.make()
        if self._touched:
            write_state(self._session, {"generation": secrets.token_hex(8)})

    def remove(self, keys: Sequence[int]) -> None:
        """Delete models with their scores."""
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            for row in self._statements.ask_named(f"SELECT * FROM models WHERE key IN ({marks})", chunk):
                self._membership.change(row["key"], card_of(row), None)
            sql = f"SELECT DISTINCT model_key, benchmark_key FROM scores WHERE model_key IN ({marks})"
            self._membership.scored(self._statements.ask(sql, chunk), there=False)
            self._statements.run("DELETE FROM models WHERE key = ?", [(key,) for key in chunk])
            self._touched = True

    def forget_scores(self, plugin: str) -> None:
        """Delete the scores that a plugin brought."""
        pairs = "SELECT DISTINCT model_key, benchmark_key FROM scores"
        before = set(self._statements.ask(f"{pairs} WHERE plugin = ?", (plugin,)))
        self._statements.run("DELETE FROM scores WHERE plugin = ?", [(plugin,)])
        still = set(self._statements.ask(pairs)) if before else set()
        self._membership.scored(sorted(before - still), there=False)
        self._touched = self._touched or bool(before)

    def _cards(self, cards: Mapping[str, ModelCard]) -> None:
        if not cards:
            return
        every = [*cards.values()]
        columns = encoding.columns_of(every)
        all_storable(every, columns)
        values = encoding.values_of(columns)
        old = {row["id"]: row for row in self._statements.rows_by_id(columns["id"])}
        come, new = every, values
        changed: list[tuple[Any, ...]] = []
        lineage: list[tuple[str, int, str]] = []
        if old:
            come, new = [card for card in every if card.id not in old], [row for row in values if row[0] not in old]
            columns = encoding.columns_of(come) if come else {}
            for row in values:
                there = old.get(row[0])
                if there is not None and not self._kept(there, row):
                    key, card = there["key"], cards[row[0]]
                    changed.append((*row, self.plugin, key))
                    self._membership.change(key, card_of(there), card)
                    lineage += [(base, key, relation) for base, relation in bases_of(card).items()]
        keys = range(self._next_key, self._next_key + len(come))
        self._next_key += len(come)
        self._membership.add_new(keys, columns)
        for key, card, tags in zip(keys, come, columns.get("tags", ()), strict=True):
            if card.base_model or any(map(_tells_base, tags)):
                lineage += [(base, key, relation) for base, relation in bases_of(card).items()]
        if not new and not changed:
            return
        self._touched = True
        self._indexes.after(self._next_key - self._first_key)
        if new:
            self._statements.run(_NEW_MODEL, [(key, *row, self.plugin) for key, row in zip(keys, new, strict=True)])
        if changed:
            self._statements.run(_CHANGED_MODEL, changed)
            self._statements.run("DELETE FROM lineage WHERE model_key = ?", [row[-1:] for row in changed])
        if lineage:
            lineage.sort()
            self._statements.run("INSERT INTO lineage (base, model_key, relation) VALUES (?, ?, ?)", lineage)

    def _kept(self, there: Mapping[str, Any], values: Sequence[Any]) -> bool:
        """A plugin does not replace the user's own; what a plugin brought just so stays the plugin's."""
        if self.plugin is not None:
            return there["plugin"] is None
        same = zip(CARD_COLUMNS, values, strict=True)
        return there["plugin"] is not None and all(there[name] == value for name, value in same)

    def _scores(self, scores: Sequence[BenchmarkScore]) -> None:
        if not scores:
            return
        keys = self._statements.keys_by_id(list({score.model for score in scores}))
        self._cite([*dict.fromkeys(score.source for score in scores)])
        for score in scores:
            if score.model not in keys:
                raise InvalidInput(
                    f"There is a score of '{score.model}' on {score.dataset}, but no such model in the registry.",
                    "Add the model's card before its scores.",
                )
        models, sources, origins, values, dates = zip(*map(_score_fields, scores), strict=True)
        places = [*zip(map(keys.__getitem__, models), self._on(scores), origins, strict=True)]
        cited = map(self._citations.__getitem__, sources)
        found = dict(zip(places, zip(values, cited, dates, strict=True), strict=True))
        written = [(*place, *found[place], self.plugin) for place in sorted(found)]
        if self._statements.run(_score(self.plugin is not None), written):
            self._touched = True
            self._membership.scored([place[:2] for place in found])

    def _on(self, scores: Sequence[BenchmarkScore]) -> list[int]:
        """The keys of the benchmarks that scores are on."""
        said = [*map(_benchmark_fields, scores)]
        for benchmark in [b for b in dict.fromkeys(said) if b not in self._benchmarks]:
            key = self._benchmarks[benchmark] = self._statements.next_key("benchmarks")
            sql = (
                "INSERT INTO benchmarks (key, task, dataset, split, metric, higher_is_better) VALUES (?, ?, ?, ?, ?, ?)"
            )
            self._statements.run(sql, [(key, *benchmark)])
        return [*map(self._benchmarks.__getitem__, said)]

    def _cite(self, sources: Sequence[str]) -> None:
        """See that these sources, each named once, have keys in ``_citations``, which does not grow for ever."""
        if len(self._citations) > _MOST_CITATIONS:
            self._citations.clear()
        missing = [source for source in sources if source not in self._citations]
        if not missing:
            return
        self._citations.update(self._statements.citations(missing))
        new = [(self._statements.next_key("citations"), s) for s in missing if s not in self._citations]
        if new:
            self._statements.run("INSERT INTO citations (key, source) VALUES (?, ?)", new)
            self._citations.update((source, key) for key, source in new)


_tells_base = methodcaller("startswith", BASE_TAG)
_score_fields = attrgetter("model", "source", "origin", "value", "date")
_benchmark_fields = attrgetter("task", "dataset", "split", "metric", "higher_is_better")
_COLUMNS = ("key", *CARD_COLUMNS, "plugin")
_NEW_MODEL = f"INSERT INTO models ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_CHANGED_MODEL = f"UPDATE models SET {', '.join(f'{name} = ?' for name in _COLUMNS[1:])} WHERE key = ?"


def _score(by_plugin: bool) -> str:
    """The statement that adds a score or replaces what is there.

    The user's own stay when a plugin writes; a plugin's stay the plugin's when the user writes them just so.
    """
    values = ("value", "citation_key", "date")
    differs = " OR ".join(
        f"coalesce(scores.{name} <> excluded.{name}, (scores.{name} IS NULL) <> (excluded.{name} IS NULL))"
        for name in values
    )
    when = "scores.plugin IS NOT NULL" if by_plugin else differs
    return (
        "INSERT INTO scores (model_key, benchmark_key, origin, value, citation_key, date, plugin) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (model_key, benchmark_key, origin) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in (*values, 'plugin'))} WHERE {when}"
    )


_KINDS: dict[type, str] = {ModelCard: "models", BenchmarkScore: "scores", Measurement: "measurements", Run: "runs"}


def _kind(item: Any) -> str:
    kind = _KINDS.get(item.__class__) or next((kind for base, kind in _KINDS.items() if isinstance(item, base)), None)
    if kind is None:
        raise InvalidInput(f"A registry holds cards, scores, measurements and runs, not a {type(item).__name__}.")
    return kind
