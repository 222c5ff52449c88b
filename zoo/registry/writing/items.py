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
"""Items per batch."""

_CHUNK = 500
_MOST_CITATIONS = 20_000


def add(location: Location, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """Add or replace items; return the number of each kind.

    Args:
        items: cards, scores, measurements and runs; a score's model must be in the registry or before it.
        plugin: the plugin that provides them, or None for the user's own, which plugins never replace.

    Raises:
        InvalidInput: a score is of an unknown model; nothing is written.
    """
    with writing(location) as session:
        return write_items(session, items, plugin)


def write_items(session: Session, items: Iterable[Item], plugin: str | None = None) -> dict[str, int]:
    """Like ``add``, in a session that the caller commits."""
    writer = Writer(session, plugin)
    stream = iter(items)
    while batch := list(cleaned(islice(stream, BATCH))):
        with _no_garbage_collection():
            writer.write(batch)
    with _no_garbage_collection():
        writer.finish()
    return writer.counts


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector: a batch has no reference cycles, and looking for them takes a fifth of the time."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def remove_models(session: Session, keys: Sequence[int]) -> None:
    """Delete models and their scores."""
    writer = Writer(session, None)
    writer.remove(keys)
    writer.finish()


class Writer:
    """Writes batches of items in a session; call ``finish`` after the last one.

    Attributes:
        counts: number of items of each kind.
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
        """Write a batch, its cards first."""
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
        """Write the sets that are derived from the items, and mark them as changed."""
        self._membership.write()
        self._indexes.make()
        if self._touched:
            write_state(self._session, {"generation": secrets.token_hex(8)})

    def remove(self, keys: Sequence[int]) -> None:
        """Delete models and their scores."""
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
        """Delete the scores of a plugin."""
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
        added, new = every, values
        changed: list[tuple[Any, ...]] = []
        lineage: list[tuple[str, int, str]] = []
        if old:
            added, new = [card for card in every if card.id not in old], [row for row in values if row[0] not in old]
            columns = encoding.columns_of(added) if added else {}
            for row in values:
                there = old.get(row[0])
                if there is not None and not self._stays(there, row):
                    key, card = there["key"], cards[row[0]]
                    changed.append((*row, self.plugin, key))
                    self._membership.change(key, card_of(there), card)
                    lineage += [(base, key, relation) for base, relation in bases_of(card).items()]
        keys = range(self._next_key, self._next_key + len(added))
        self._next_key += len(added)
        self._membership.add_new(keys, columns)
        for key, card, tags in zip(keys, added, columns.get("tags", ()), strict=True):
            if card.base_model or any(map(_names_base, tags)):
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

    def _stays(self, there: Mapping[str, Any], values: Sequence[Any]) -> bool:
        """Whether a stored card stays: a plugin does not replace the user's, and an equal card stays the plugin's."""
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
                    f"There is a score of '{score.model}' on {score.dataset}, but that model is not in the registry.",
                    "Add the model's card before its scores.",
                )
        models, sources, origins, values, dates = zip(*map(_score_fields, scores), strict=True)
        places = [*zip(map(keys.__getitem__, models), self._benchmark_keys(scores), origins, strict=True)]
        cited = map(self._citations.__getitem__, sources)
        found = dict(zip(places, zip(values, cited, dates, strict=True), strict=True))
        written = [(*place, *found[place], self.plugin) for place in sorted(found)]
        if self._statements.run(_score(self.plugin is not None), written):
            self._touched = True
            self._membership.scored([place[:2] for place in found])

    def _benchmark_keys(self, scores: Sequence[BenchmarkScore]) -> list[int]:
        """The keys of the benchmarks of scores."""
        named = [*map(_benchmark_fields, scores)]
        for benchmark in [b for b in dict.fromkeys(named) if b not in self._benchmarks]:
            key = self._benchmarks[benchmark] = self._statements.next_key("benchmarks")
            sql = (
                "INSERT INTO benchmarks (key, task, dataset, split, metric, higher_is_better) VALUES (?, ?, ?, ?, ?, ?)"
            )
            self._statements.run(sql, [(key, *benchmark)])
        return [*map(self._benchmarks.__getitem__, named)]

    def _cite(self, sources: Sequence[str]) -> None:
        """Add keys of these distinct sources to ``_citations``, whose size is limited."""
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


_names_base = methodcaller("startswith", BASE_TAG)
_score_fields = attrgetter("model", "source", "origin", "value", "date")
_benchmark_fields = attrgetter("task", "dataset", "split", "metric", "higher_is_better")
_COLUMNS = ("key", *CARD_COLUMNS, "plugin")
_NEW_MODEL = f"INSERT INTO models ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_CHANGED_MODEL = f"UPDATE models SET {', '.join(f'{name} = ?' for name in _COLUMNS[1:])} WHERE key = ?"


def _score(by_plugin: bool) -> str:
    """The statement that adds or replaces a score.

    A plugin does not replace the user's scores; an equal score stays the plugin's if the user adds it.
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
