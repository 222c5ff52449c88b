"""PostgreSQL: copies without loss, a server that restarts, passwords that are never shown."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from commands import zoo
from postgres_server import PASSWORD, URL_PASSWORD, PostgresServer

from zoo.entities import BenchmarkScore, Measurement, ModelCard, ModelFile, Run
from zoo.errors import InvalidInput, RegistryError
from zoo.registry import Registry, SearchQuery, open_registry
from zoo.registry.copying import copy
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Server, located
from zoo.registry.writing.checking import check

CARD = ModelCard(
    "hf:some/model",
    "vision",
    ("image-classification",),
    "ViT",
    description="Ünïcode, 100 % 'quoted'?",
    parameters=2**40,
    bytes=2**42,
    license="MIT",
    tags=("a", "b"),
    languages=("de",),
    input={"size": [1, 2]},
    files=(ModelFile("model.safetensors", 5, "ab" * 32),),
    gated=True,
    released="2024-05",
)
OTHER = ModelCard("pkg:Other", "language", base_model=CARD.id)
ITEMS = [
    CARD,
    OTHER,
    BenchmarkScore(CARD.id, "image-classification", "ImageNet-1k", "accuracy", 0.1 + 0.2, source="a paper"),
    BenchmarkScore(OTHER.id, "t", "WER", "wer", 3.0, higher_is_better=False, date="2024-01-01"),
    Measurement(CARD.id, "image-classification", "f" * 64, "photos", "logme", 1.25, 1.0, samples=10),
    Run(
        "20260101-1", CARD.id, "image-classification", "photos", "f" * 64, "full", {"accuracy": 0.9}, {"accuracy": 0.1}
    ),
]


def rows(registry: Registry) -> list[object]:
    return list(registry.everything())


@pytest.fixture
def database(make_registry) -> Registry:
    return make_registry("postgresql")


def test_a_copy_there_and_back_loses_nothing(registry: Registry, database: Registry, tmp_path: Path) -> None:
    registry.add(ITEMS)
    database.add([ModelCard("hf:replaced/by-the-copy", "vision")])
    counts = copy(registry.path, database.path)
    copy(database.path, tmp_path / "back.db")
    back = Registry(tmp_path / "back.db")

    assert (counts["models"], counts["scores"], counts["runs"]) == (2, 2, 1)
    assert rows(registry) == rows(database) == rows(back)
    assert registry.search(SearchQuery("some", facets=True)) == database.search(SearchQuery("some", facets=True))
    assert check(database.path) == check(back.path) == []
    for one in (database, back):
        one.add([ModelCard("hf:new/one", "vision"), BenchmarkScore("hf:new/one", "t", "d", "m", 1.0), ITEMS[4]])
        assert one.search(SearchQuery("new")).total == 1
        assert check(one.path) == []


def test_a_registry_is_not_copied_into_itself(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="itself"):
        copy(registry.path, registry.path)


def test_the_first_use_fills_an_empty_database(server: PostgresServer, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    monkeypatch.setenv("ZOO_REGISTRY", server.database())
    registry = open_registry()

    assert registry.statistics()["models"] >= 3000
    assert registry.search(SearchQuery("efficientnet lite0", source="pkg")).total == 1
    assert registry.cards(SearchQuery(task="image-classification", license="mit")).__next__().license == "MIT"


def test_a_server_that_goes_away_and_comes_back(server: PostgresServer, database: Registry) -> None:
    database.add(ITEMS)
    server.stop()
    try:
        for question in (
            lambda: database.search(SearchQuery("some")),
            lambda: database.add([OTHER]),
            database.statistics,
        ):
            with pytest.raises(RegistryError, match="cannot be reached") as caught:
                question()
            assert PASSWORD not in str(caught.value)
            assert URL_PASSWORD not in str(caught.value)
    finally:
        server.start()

    assert database.search(SearchQuery("some")).total == 1
    server.stop()
    server.start()
    assert database.search(SearchQuery("some")).total == 1
    assert database.add([OTHER])["models"] == 1


def test_what_is_written_when_the_server_goes_away_is_not_there(server: PostgresServer, database: Registry) -> None:
    def items():
        for n in range(1200):
            yield ModelCard(f"hf:lost/{n}", "vision")
        server.stop()
        yield from (ModelCard(f"hf:lost/{n}", "vision") for n in range(1200, 2500))

    try:
        with pytest.raises(RegistryError, match="Nothing was changed"):
            database.add(items())
    finally:
        server.start()
    assert database.statistics()["models"] == 0


def test_two_writers_wait_for_each_other(database: Registry) -> None:
    def write(who: str) -> None:
        for n in range(5):
            database.add([ModelCard(f"hf:{who}/{n}", "vision"), ModelCard("hf:shared/model", "vision", tags=(who,))])

    writers = [threading.Thread(target=write, args=(who,)) for who in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert database.statistics()["models"] == 16
    assert check(database.path) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda url: url.replace(URL_PASSWORD, "sesame"), "password authentication failed"),
        (lambda url: url + "_none", "does not exist"),
        (lambda url: url.replace("127.0.0.1", "nowhere.invalid"), "cannot be reached"),
    ],
)
def test_errors_say_what_to_do_and_no_password(database: Registry, tmp_path: Path, change, text: str) -> None:
    assert isinstance(database.path, Server)
    result = zoo("search", "vit", "--json", home=tmp_path, ZOO_REGISTRY=change(database.path.url))

    assert result.returncode == 1
    assert text in json.loads(result.stdout)["error"]["message"]
    assert len(result.stderr.strip().splitlines()) == 1
    for secret in (PASSWORD, URL_PASSWORD, quote(PASSWORD), "sesame"):
        assert secret not in result.stdout + result.stderr


def test_the_command_line_shows_no_password(database: Registry, tmp_path: Path) -> None:
    assert isinstance(database.path, Server)
    database.add(ITEMS)
    for command in (
        ("stats",),
        ("registry", "check"),
        ("registry", "copy", database.path.url, str(tmp_path / "c.db")),
        ("doctor",),
    ):
        result = zoo(*command, home=tmp_path, ZOO_REGISTRY=database.path.url)
        assert URL_PASSWORD not in result.stdout + result.stderr, command
        assert PASSWORD not in result.stdout + result.stderr, command
    assert CARD in rows(Registry(tmp_path / "c.db"))
    assert repr(database.path) == "Server()"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("mysql://user:secret@host/db", "cannot be stored at mysql"),
        ("postgresql://user:secret@host:port/db", "not a number"),
        ("postgresql://user:secret@host", "names no database"),
    ],
)
def test_other_urls_are_refused_without_their_password(where: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=text) as caught:
        located(where)
    assert "secret" not in str(caught.value)


def test_a_larger_registry_is_copied_both_ways_row_by_row(
    database: Registry, registry: Registry, tmp_path: Path
) -> None:
    """More rows than are read or written at a time, and sets that fill several blocks."""
    cards = [
        ModelCard(
            f"hf:org-{n % 97}/model-{n}",
            "vision",
            ("image-classification",),
            description=f"The {n}th: 'ü' 100 %",
            parameters=n * 10**6,
            tags=("a", f"t{n % 7}"),
            gated=n % 5 == 0,
            base_model="hf:org-0/model-0",
        )
        for n in range(4321)
    ]
    registry.add([*cards, *(BenchmarkScore(card.id, "t", "d", "m", n / 7) for n, card in enumerate(cards))])
    copy(registry.path, database.path)
    copy(database.path, tmp_path / "back.db")
    back = Registry(tmp_path / "back.db")

    for table in schema.TABLES:
        with reading(registry.path) as first, reading(database.path) as second, reading(back.path) as third:
            contents = [
                sorted(map(repr, map(plain, c.execute(f"SELECT * FROM {table}")))) for c in (first, second, third)
            ]
        assert contents[0] == contents[1] == contents[2], table
    query = SearchQuery("model-43", task="image-classification", min_parameters=10**9, facets=True)
    assert registry.search(query) == database.search(query) == back.search(query)


def plain(row: object) -> list[object]:
    """A row's values as SQLite keeps them."""
    return [int(value) if isinstance(value, bool) else value for value in row]  # type: ignore[attr-defined]
