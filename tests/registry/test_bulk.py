"""Large imports: sorted runs, columns of cards, chunks of keys, and indexes that are built at the end."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput
from zoo.registry import Registry, SearchQuery
from zoo.registry.database import late_indexes
from zoo.registry.index import bits
from zoo.registry.index.numbers import NUMBERS, numbers_of
from zoo.registry.index.postings import Postings, _pairs
from zoo.registry.index.sets import KNOWN, PREFIX, WORD, digit, digits
from zoo.registry.index.sorted_runs import SortedRuns
from zoo.registry.index.words import prefixes, words_of
from zoo.registry.writing import encoding
from zoo.registry.writing.checking import check
from zoo.registry.writing.deriving import derive
from zoo.registry.writing.transaction import writing

TEXT = st.text("abAB12é_- ß", max_size=12)
CARDS = st.builds(
    ModelCard,
    id=st.from_regex(r"hf:[a-c]{1,5}-[a-c0-9]{1,45}", fullmatch=True),
    domain=st.sampled_from(["vision", "language"]),
    tasks=st.lists(st.sampled_from(["image-classification", "fill-mask"]), max_size=2, unique=True).map(tuple),
    architecture=st.none() | TEXT,
    library=st.none() | st.sampled_from(["timm", "transformers"]),
    description=st.none() | TEXT,
    license=st.none() | st.sampled_from(["MIT", "Apache-2.0"]),
    languages=st.lists(st.sampled_from(["en", "de"]), max_size=2, unique=True).map(tuple),
    tags=st.lists(TEXT, max_size=4).map(tuple),
    parameters=st.none() | st.integers(0, 2**40),
    downloads=st.none() | st.integers(0, 5),
    released=st.none() | st.sampled_from(["2024", "2024-05", "2024-05-31", "someday"]),
    gated=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(TEXT, st.integers(0, 9), st.binary(max_size=3)), max_size=20), max_size=5))
def test_sorted_runs_are_merged(found: list[list[tuple[str, int, bytes]]]) -> None:
    runs = SortedRuns()
    for run in found:
        runs.add(sorted(run))

    assert list(runs.merged()) == sorted(row for run in found for row in run)
    assert not runs


def test_long_runs_are_merged() -> None:
    runs = SortedRuns()
    every = [(f"{n * 7919 % 9001:05}", bytes(n % 300)) for n in range(9001)]
    for start in range(4):
        runs.add(sorted(every[start::4]))

    assert list(runs.merged()) == sorted(every)


@settings(deadline=None)
@given(st.lists(CARDS, min_size=1, max_size=8), st.data())
def test_postings_are_the_sets_that_each_card_is_in(cards: list[ModelCard], data: st.DataObject) -> None:
    offsets = data.draw(st.lists(st.integers(0, 65535), min_size=len(cards), max_size=len(cards), unique=True))
    offsets.sort()
    postings = Postings(3)
    cut = data.draw(st.integers(0, len(cards)))
    for part in (slice(0, cut), slice(cut, None)):
        if cards[part]:
            postings.add(offsets[part], encoding.columns_of(cards[part]))

    expected: dict[tuple[str, str], set[int]] = {}
    for offset, card in zip(offsets, cards, strict=True):
        for place in _places(card):
            expected.setdefault(place, set()).add(offset)
    found = postings.rows()

    assert found == sorted(found)
    assert {(kind, value): set(bits.offsets(members)) for kind, value, _, _, members in found} == expected
    assert all(chunk == 3 and count == len(expected[kind, value]) for kind, value, chunk, count, _ in found)


def _places(card: ModelCard) -> set[tuple[str, str]]:
    found = {("all", ""), ("domain", card.domain), ("source", "hf"), ("gated", "yes" if card.gated else "no")}
    found |= {(name, value) for name in ("license", "library") if (value := getattr(card, name)) is not None}
    found |= {("task", task) for task in card.tasks} | {("language", language) for language in card.languages}
    found |= {("tag", tag) for tag in card.tags}
    for word in words_of(card):
        found |= {(WORD, word), *((PREFIX, prefix) for prefix in prefixes(word))}
    for name, value in zip(NUMBERS, numbers_of(card), strict=True):
        if value is not None:
            found.add((digits(name), KNOWN))
            found |= {(digits(name), digit(n)) for n in range(value.bit_length()) if value >> n & 1}
    return found


@pytest.fixture
def at_the_end_of_a_chunk(registry: Registry) -> Registry:
    """A registry whose only model has the key 65,530."""
    registry.add([card(0), score(0)])
    with writing(registry.path, foreign_keys=False) as session:
        connection = session.connection()
        connection.exec_driver_sql("UPDATE models SET key = 65530")
        connection.exec_driver_sql("UPDATE scores SET model_key = 65530")
        derive(session)
    return registry


def card(number: int, **changed: object) -> ModelCard:
    base = ModelCard(
        f"hf:a/model-{number}",
        "vision",
        ("image-classification",),
        tags=("shared", f"tag{number}"),
        downloads=number,
        base_model="hf:a/base",
        description=f"number {number}",
    )
    return dataclasses.replace(base, **changed)  # type: ignore[arg-type]


def score(number: int) -> BenchmarkScore:
    return BenchmarkScore(f"hf:a/model-{number}", "image-classification", "D", "accuracy", 0.5, source="s")


def test_new_cards_go_over_the_end_of_a_chunk(at_the_end_of_a_chunk: Registry) -> None:
    registry = at_the_end_of_a_chunk
    registry.add([*map(card, range(1, 20)), *map(score, range(1, 20))])

    assert check(registry.path) == []
    assert registry.search(SearchQuery("shared", min_score={"D": 0.1}, limit=3)).total == 20
    assert [hit.card.downloads for hit in registry.search(SearchQuery(limit=3)).models] == [19, 18, 17]


@pytest.mark.parametrize("most", [1, 7])
def test_many_scores_are_written_part_by_part(
    most: int, at_the_end_of_a_chunk: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.registry.writing.items.BATCH", 4)
    monkeypatch.setattr("zoo.registry.index.membership.MOST_SCORES", most)
    registry = at_the_end_of_a_chunk
    twice = [dataclasses.replace(score(n), dataset="E") for n in range(1, 20, 2)]
    registry.add([*map(card, range(1, 20)), *map(score, range(1, 20)), *map(score, range(1, 5)), *twice])

    assert check(registry.path) == []
    assert registry.search(SearchQuery(min_score={"D": 0.1}, limit=1)).total == 20
    assert registry.search(SearchQuery(min_score={"D": 0.1, "E": 0.1}, limit=1)).total == 10


def test_cards_that_change_in_the_import_they_came_in(
    at_the_end_of_a_chunk: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.registry.writing.items.BATCH", 4)
    registry = at_the_end_of_a_chunk
    first = [*map(card, range(1, 20)), *map(score, range(1, 20))]
    again = [card(n, tags=("other",), downloads=None, description="changed") for n in range(0, 20, 3)]
    back = [card(n) for n in range(0, 20, 6)]
    registry.add([*first, *again, card(20), *back, *map(score, range(20)), *map(card, range(21, 30))])

    assert check(registry.path) == []
    assert registry.search(SearchQuery("other", exact=True)).total == len(again) - len(back)
    assert registry.search(SearchQuery("changed", exact=True)).total == len(again) - len(back)
    assert registry.search(SearchQuery(limit=1)).total == 30


def _schema(registry: Registry) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(registry.path)
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("there", [0, 3, 40])
def test_a_large_import_makes_its_indexes_in_the_end(
    there: int, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_indexes, "FROM", 10)
    monkeypatch.setattr("zoo.registry.writing.items.BATCH", 8)
    before = _schema(registry)
    registry.add(card(n) for n in range(100, 100 + there))
    registry.add([*map(card, range(60)), *map(score, range(60))])

    assert _schema(registry) == before
    assert check(registry.path) == []


def test_a_large_import_that_fails_leaves_the_indexes(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_indexes, "FROM", 10)
    monkeypatch.setattr("zoo.registry.writing.items.BATCH", 8)
    before = _schema(registry)
    with pytest.raises(InvalidInput, match="not in the registry"):
        registry.add([*map(card, range(60)), score(99)])

    assert _schema(registry) == before
    assert registry.search(SearchQuery()).total == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from zoo.entities import ModelCard
from zoo.registry import Registry
from zoo.registry.database import late_indexes

late_indexes.FROM, late_indexes.TIMES = 1000, 0

def cards():
    for number in range(6_000):
        yield ModelCard(f"hf:a/m{number}", "vision", tags=("x", f"t{number % 977}"), downloads=number)
    os.kill(os.getpid(), signal.SIGKILL)

Registry(Path(sys.argv[1])).add(cards())
"""


def test_killed_in_the_middle_of_a_large_import_nothing_has_changed(at_the_end_of_a_chunk: Registry) -> None:
    registry = at_the_end_of_a_chunk
    before = _schema(registry)
    done = subprocess.run([sys.executable, "-c", KILLED, str(registry.path)], env={**os.environ}, check=False)

    assert done.returncode == -signal.SIGKILL
    assert _schema(registry) == before
    assert check(Path(registry.path)) == []  # type: ignore[arg-type]
    assert registry.statistics()["models"] == 1
    registry.add([card(2)])
    assert registry.search(SearchQuery("shared")).total == 2


@pytest.mark.parametrize("terms", [1, 5, 63, 64, 1000, 70_000])
@pytest.mark.parametrize("count", [0, 50, 200_001])
def test_pairs_are_sorted_and_each_there_once_however_many_terms(terms: int, count: int) -> None:
    import numpy as np

    random = np.random.default_rng(terms)
    given, offsets = random.integers(0, terms, count, np.uint32), random.integers(0, 65_536, count, np.uint16)
    found = _pairs(given, offsets)
    assert [*zip((found >> 16).tolist(), (found & 0xFFFF).tolist(), strict=True)] == sorted(
        {*zip(given.tolist(), offsets.tolist(), strict=True)}
    )
