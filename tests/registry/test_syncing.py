"""Syncing into either database: the same models, complete pages only, a server that restarts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from hub_list_server import ListServer, model, models

import zoo.sources.known
from zoo.cli import run
from zoo.contract.listing import Page
from zoo.entities import BenchmarkScore, ModelCard, ModelFile
from zoo.errors import RegistryError
from zoo.registry import Registry, SearchQuery
from zoo.registry.database.location import Server
from zoo.registry.writing.checking import check
from zoo.sources.hub import requests as hub_requests
from zoo.sources.syncing import sync


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListServer]:
    """A Hub with 50 models, ten on a page, each with a score."""
    scored = [{"data": {"dataset": {"id": "a/bench", "task_id": "all"}, "value": 0.5}}]
    with ListServer([{**entry, "evalResults": scored} for entry in models(50)]) as server:
        server.page_size = 10
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setattr(hub_requests.time, "sleep", lambda seconds: None)
        yield server


class After:
    """Progress that does something after some pages."""

    def __init__(self, pages: int, act: Any) -> None:
        self.left, self.act = pages, act

    def step(self, description: str, total: int | None = None) -> Any:
        import contextlib

        return contextlib.nullcontext(self)

    def advance(self, amount: int = 1) -> None:
        self.left -= 1
        if not self.left:
            self.act()


def test_both_databases_hold_the_same_after_a_sync(hub: ListServer, make_registry) -> None:
    here, there = make_registry("sqlite"), make_registry("postgresql")
    reports = [sync("hf", registry=registry) for registry in (here, there)]
    assert reports[0].models == reports[1].models == 50
    assert reports[1].scores == 50
    assert list(here.everything()) == list(there.everything())
    assert check(there.path) == []
    hub.models[3] = model(3, changed=1000)
    later = sync("hf", registry=there)
    assert (later.requests, later.models) == (1, 1)
    assert there.search(SearchQuery("model", source="hf", task="text-classification")).total == 33


@pytest.mark.slow
def test_the_command_fills_a_server(hub: ListServer, make_registry, monkeypatch, capfd) -> None:
    database = make_registry("postgresql")
    assert isinstance(database.path, Server)
    monkeypatch.setenv("ZOO_REGISTRY", database.path.url)
    assert run(["sync", "hf"]) == 0
    assert "hf listed 50 models in 5 requests" in capfd.readouterr().out
    assert run(["search", "model-7", "--source", "hf"]) == 0
    assert "hf:org-7/model-7" in capfd.readouterr().out


def test_a_server_that_goes_away_in_the_middle(hub: ListServer, server: PostgresServer, make_registry) -> None:
    database = make_registry("postgresql")
    try:
        with pytest.raises(RegistryError, match=r"cannot be reached.*20 models were stored before that"):
            sync("hf", registry=database, progress=After(2, server.stop))
    finally:
        server.start()
    assert database.statistics()["models"] == 20
    assert check(database.path) == []
    asked = len(hub.requests)
    report = sync("hf", registry=database)
    # The page that could not be stored is asked for again, then what changed meanwhile.
    assert (report.models, len(hub.requests) - asked) == (30, 4)
    assert database.statistics()["models"] == 50
    assert check(database.path) == []


def test_a_server_that_was_back_before_the_next_page_is_not_missed(hub, server: PostgresServer, make_registry) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    database = make_registry("postgresql")
    assert sync("hf", registry=database, progress=After(2, restart)).models == 50
    assert check(database.path) == []


def test_two_syncs_at_once_from_two_machines(hub: ListServer, make_registry, tmp_path: Path, monkeypatch) -> None:
    database = make_registry("postgresql")

    def other() -> None:
        # Another machine has another home, and so another lock; the server lets one write at a time.
        monkeypatch.setenv("ZOO_HOME", str(tmp_path / "elsewhere"))
        assert sync("hf", registry=database, full=True).listed == 50

    sync("hf", registry=database, progress=After(2, other))
    assert database.statistics()["models"] == 50
    assert check(database.path) == []


class Odd:
    """A platform that lists whatever it is given."""

    name, title = "odd", "Odd"

    def __init__(self, *items: ModelCard | BenchmarkScore) -> None:
        self.items = items

    def fetch(self, card: Any, store: Any, progress: Any) -> Any: ...
    def locate(self, card: Any) -> Any: ...
    def describe(self, name: str, revision: str | None = None) -> Any: ...
    def verify(self, card: Any, progress: Any) -> Any: ...
    def remove(self, card: Any) -> Any: ...
    def local(self) -> Any: ...
    def pages(self, wanted: Any, state: Any, progress: Any) -> Iterator[Page]:
        yield Page(self.items, {}, (), 1, len(self.items))


GOOD = ModelCard("odd:good", "vision", license="Homemade-1.0")
BAD = {
    "a description of 10,000,000 letters": ModelCard("odd:bad", "vision", description="x" * 10_000_000),
    "5,000 tags": ModelCard("odd:bad", "vision", tags=tuple(f"t{n}" for n in range(5000))),
    "'description' is": ModelCard("odd:bad", "vision", description="a\x00b"),
    "'loader' is": ModelCard("odd:bad", "vision", loader={"a": ["\x00"]}),
    "'files'|'path'|'sha256'": ModelCard("odd:bad", "vision", files=(ModelFile("a\x00b", 1, None),)),
    "'parameters' is": ModelCard("odd:bad", "vision", parameters=2**63),
    "base_model of more than": ModelCard("odd:bad", "vision", base_model="hf:" + "x" * 600),
}


class TestOddCards:
    @pytest.fixture(autouse=True)
    def platform(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listed: tuple[Any, ...] = ()
        monkeypatch.setattr(zoo.sources.known, "source", lambda name: Odd(*self.listed))

    @pytest.mark.parametrize("text", BAD)
    def test_they_are_cut_to_fit_and_told(self, any_registry: Registry, text: str) -> None:
        import re

        self.listed = (GOOD, BAD[text], BenchmarkScore("odd:bad", "t", "d", "m", 1.0))
        report = sync("odd", registry=any_registry)
        assert (report.models, report.scores, report.cut, report.unreadable) == (2, 1, 1, 0)
        assert re.search(text, report.problems[0].reason)
        assert any_registry.card("odd:bad").domain == "vision"
        problems = check(any_registry.path)
        assert len(problems) == 1
        assert "Homemade-1.0" in problems[0]

    def test_what_cannot_be_cut_is_left_out_with_its_scores(self, registry: Registry) -> None:
        bad = ModelCard("odd:" + "x" * 600, "vision")
        self.listed = (
            GOOD,
            bad,
            BenchmarkScore(bad.id, "t", "d", "m", 1.0),
            BenchmarkScore(GOOD.id, "t", "d\x00", "m", 1.0),
        )
        report = sync("odd", registry=registry)
        assert (report.models, report.scores, report.cut, report.unreadable) == (1, 0, 0, 2)
        assert [card.id for card in registry.cards(SearchQuery(source="odd"))] == [GOOD.id]

    def test_the_command_warns(self, registry: Registry, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZOO_REGISTRY", str(registry.path))
        self.listed = (GOOD, BAD["5,000 tags"], ModelCard("odd:" + "x" * 600, "vision"))
        assert run(["sync", "odd"]) == 0
        told = " ".join(capfd.readouterr().err.split())
        assert "1 skipped and 1 truncated, such as 'odd:bad'" in told
        assert "5,000 tags; the limit is 2,000" in told
