"""Syncing with a Hub: what is listed, when it ends, how it resumes, and errors that it survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from commands import zoo
from hub_list_server import EXPANDABLE, ListServer, model, models

from zoo.entities import ModelCard, ModelFile
from zoo.errors import GatedModel, InvalidInput, NetworkUnavailable, RegistryError, SourceError, UnknownTask
from zoo.registry import SearchQuery, open_registry
from zoo.registry.writing.checking import check
from zoo.sources import sync
from zoo.sources.hub import requests as hub_requests
from zoo.sources.hub.listing import EXPAND
from zoo.sources.syncing import refreshed


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListServer]:
    """A Hub with 50 models, ten on a page, which the registry does not know."""
    with ListServer(list(models(50))) as server:
        server.page_size = 10
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setattr(hub_requests.time, "sleep", lambda seconds: None)
        yield server


def indexed() -> set[str]:
    return {card.id for card in open_registry().cards(SearchQuery(source="hf")) if "/model-" in card.id}


def ids(*numbers: int) -> set[str]:
    return {f"hf:{model(number)['id']}" for number in numbers}


class Stopping:
    """Progress that stops the sync after some pages."""

    def __init__(self, pages: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.left, self.error = pages, error

    def step(self, description: str, total: int | None = None):
        import contextlib

        return contextlib.nullcontext(self)

    def advance(self, amount: int = 1) -> None:
        self.left -= 1
        if not self.left:
            raise self.error


def test_the_first_sync_brings_every_model(hub: ListServer) -> None:
    report = sync("hf")
    assert (report.listed, report.models, report.requests, report.unreadable) == (50, 50, 5, 0)
    assert indexed() == ids(*range(50))


def test_what_the_hub_lists_becomes_a_card(hub: ListServer) -> None:
    sync("hf")
    card = open_registry().card("hf:org-7/model-7")
    listed = model(7)
    assert (card.domain, card.tasks, card.architecture) == ("language", ("text-classification",), "BERT")
    assert (card.parameters, card.bytes, card.license) == (1017, 1007 * 4 + 10 * 2, "Apache-2.0")
    assert (card.downloads, card.likes, card.revision) == (listed["downloads"], 7, listed["sha"])
    assert (card.base_model, card.languages) == ("hf:google-bert/bert-base-uncased", ("en",))
    assert card.loader["dtype"] == "F32"
    assert open_registry().card("hf:org-0/model-0").gated is True


def test_only_fields_that_the_hub_knows_are_asked_for(hub: ListServer) -> None:
    sync("hf")
    query = parse_qs(urlsplit(hub.requests[0][0]).query)
    assert set(query["expand"]) == set(EXPAND) <= EXPANDABLE
    assert (query["sort"], query["limit"]) == (["lastModified"], ["1000"])


def test_a_second_sync_asks_for_one_page_and_writes_nothing(hub: ListServer) -> None:
    sync("hf")
    report = sync("hf")
    assert (report.requests, report.models) == (1, 0)


def test_a_later_sync_brings_only_what_changed(hub: ListServer) -> None:
    sync("hf")
    hub.models[3] = model(3, changed=1000)
    hub.models.append(model(77, changed=1001))
    report = sync("hf")
    assert (report.requests, report.models) == (1, 2)
    assert indexed() == ids(*range(50), 77)
    assert open_registry().card("hf:org-3/model-3").revision == model(3, changed=1000)["sha"]


def test_full_lists_everything_again_with_new_downloads(hub: ListServer) -> None:
    sync("hf")
    hub.models[20]["downloads"] = 123_456_789
    assert sync("hf").models == 0
    report = sync("hf", full=True)
    assert (report.listed, report.models) == (50, 1)
    assert open_registry().card("hf:org-20/model-20").downloads == 123_456_789


@pytest.mark.parametrize("pages", [1, 3, 4])
def test_interrupted_it_continues_where_it_stopped(pages: int, hub: ListServer) -> None:
    with pytest.raises(KeyboardInterrupt):
        sync("hf", progress=Stopping(pages))
    assert len(indexed()) == 10 * pages
    hub.models.append(model(90))
    report = sync("hf")
    assert report.requests == 5 - pages + 1
    assert indexed() == ids(*range(50), 90)


def test_an_interrupted_later_sync_goes_on_too(hub: ListServer) -> None:
    sync("hf")
    hub.models += [model(number) for number in range(100, 140)]
    with pytest.raises(KeyboardInterrupt):
        sync("hf", progress=Stopping(2))
    sync("hf")
    assert indexed() == ids(*range(50), *range(100, 140))


def test_a_cursor_that_has_gone_stale_starts_over(hub: ListServer) -> None:
    with pytest.raises(KeyboardInterrupt):
        sync("hf", progress=Stopping(2))
    hub.answers.append((400, {}))
    sync("hf")
    assert indexed() == ids(*range(50))


def test_a_task_a_limit_and_a_date_choose(hub: ListServer) -> None:
    sync("hf", task="image-classification")
    assert indexed() == ids(*range(0, 50, 3))
    hub.requests.clear()
    report = sync("hf", limit=15)
    top = sorted(range(50), key=lambda n: (model(n)["downloads"], model(n)["_id"]), reverse=True)[:15]
    assert report.listed == 15
    assert ids(*top) <= indexed()
    hub.models.append(model(60, changed=144))
    assert sync("hf", since="2024-01-02").listed == 1


def test_a_limit_below_a_page_asks_for_no_more(hub: ListServer) -> None:
    assert sync("hf", limit=3).listed == 3
    assert parse_qs(urlsplit(hub.requests[0][0]).query)["limit"] == ["3"]


class TestTrouble:
    def test_a_limit_of_requests_is_waited_for(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr(hub_requests.HubRequests, "_wait", lambda self, seconds: waited.append(seconds))
        hub.answers += [(429, {"Retry-After": "7"}), (429, {"ratelimit": '"api";r=0;t=55'})]
        assert sync("hf").listed == 50
        assert waited == [7, 55]

    def test_the_last_request_allowed_is_followed_by_a_wait(self, hub: ListServer, monkeypatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr(hub_requests.HubRequests, "_wait", lambda self, seconds: waited.append(seconds))
        hub.headers["ratelimit"] = '"api";r=0;t=9'
        sync("hf")
        assert waited == [9, 9, 9, 9]

    def test_a_requested_wait_that_is_too_long(self, hub: ListServer) -> None:
        hub.answers.append((429, {"Retry-After": "7200"}))
        with pytest.raises(NetworkUnavailable, match="asks to wait 7200 seconds"):
            sync("hf")

    def test_an_error_that_passes_is_tried_again(self, hub: ListServer) -> None:
        hub.answers += [(503, {}), (500, {}), (502, {})]
        report = sync("hf")
        assert (report.listed, report.requests) == (50, 8)

    def test_a_permanent_error_keeps_the_pages_before_it(self, hub: ListServer) -> None:
        with pytest.raises(KeyboardInterrupt):
            sync("hf", progress=Stopping(1))
        hub.answers += [(503, {})] * 6
        with pytest.raises(NetworkUnavailable, match="error 503"):
            sync("hf")
        assert len(indexed()) == 10
        sync("hf")
        assert indexed() == ids(*range(50))

    def test_an_unreachable_server(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
        with pytest.raises(NetworkUnavailable, match="localhost:9 cannot be reached"):
            sync("hf")

    @pytest.mark.parametrize("body", [b'{"error": "no"}', b"<html>", b'[{"id": "a/b"}'])
    def test_a_response_that_is_not_a_list(self, body: bytes, hub: ListServer) -> None:
        hub.answers.append(body)
        with pytest.raises(SourceError, match="does not respond like a Hub"):
            sync("hf")
        assert indexed() == set()

    def test_a_list_that_repeats_a_page(self, hub: ListServer) -> None:
        hub.repeating = True
        with pytest.raises(SourceError, match=r"repeats itself\. 10 models were stored before that"):
            sync("hf")
        hub.repeating = False
        sync("hf", full=True)
        assert indexed() == ids(*range(50))

    def test_a_list_of_empty_pages(self, hub: ListServer) -> None:
        hub.empty, hub.page_size = True, 3
        with pytest.raises(SourceError, match="repeats itself"):
            sync("hf")

    def test_pages_may_have_any_size(self, hub: ListServer) -> None:
        hub.page_size = 3
        sync("hf")
        assert indexed() == ids(*range(50))

    def test_a_list_that_ends_early_is_noticed(self, hub: ListServer) -> None:
        sync("hf")
        hub.most_pages = 1
        with pytest.raises(SourceError, match=r"ended after 10; the last time it had 50"):
            sync("hf", full=True)
        hub.models += [model(number) for number in range(100, 120)]
        with pytest.raises(SourceError, match="ended after 10"):
            sync("hf")
        hub.most_pages = None
        sync("hf")
        assert indexed() == ids(*range(50), *range(100, 120))

    def test_a_list_that_is_not_sorted_is_read_to_its_end(self, hub: ListServer) -> None:
        sync("hf")
        hub.models.append(model(500))
        hub.page = lambda query: (  # type: ignore[method-assign]
            sorted((m for m in hub.models), key=lambda m: m["_id"][::-1]),
            None,
        )
        sync("hf")
        assert indexed() == ids(*range(50), 500)


class TestOddEntries:
    def test_what_a_registry_cannot_hold_is_cleaned(self, hub: ListServer) -> None:
        hub.models = [
            model(1, tags=[f"tag-{n}" for n in range(5000)] + ["license:apache-2.0"], downloads=-5, likes=2**70),
            model(
                2,
                library_name="a\x00b",
                pipeline_tag="text-classification\x00",
                tags=["x" * 10_000, 7, None, "\ud800y"],
            ),
            model(3, cardData={"license": "unheard-of", "language": "x" * 10_000_000}),
            model(4, safetensors={"parameters": {"Q9": 5}, "total": -1}, sha="../../etc"),
        ]
        report = sync("hf")
        assert (report.models, report.unreadable) == (4, 0)
        registry = open_registry()
        one, two, three, four = (registry.card(f"hf:{m['id']}") for m in hub.models)
        assert (len(one.tags), one.downloads, one.likes, one.license) == (200, None, None, "Apache-2.0")
        assert (two.library, two.tasks, two.tags) == ("ab", ("text-classification",), ("x" * 200, "y"))
        assert (three.license, three.languages) == ("other", ())
        assert (four.bytes, four.parameters, four.revision) == (None, None, None)
        assert check(registry.path) == []

    def test_invalid_entries_are_skipped_and_reported(self, hub: ListServer) -> None:
        hub.models += [
            {**model(200), "id": "../escape"},
            {**model(201), "safetensors": {"total": 1}},
            {**model(202), "lastModified": "whenever"},
            {**model(203), "id": 5},
        ]
        report = sync("hf")
        assert (report.models, report.unreadable) == (50, 4)
        assert {problem.item for problem in report.problems} == {
            "../escape",
            *(f"org-{n % 97}/model-{n}" for n in (201, 202)),
            "5",
        }

    def test_scores_in_both_forms(self, hub: ListServer) -> None:
        index = [
            {
                "name": "m",
                "results": [
                    {
                        "task": {"type": "text-classification"},
                        "dataset": {"name": "IMDB", "type": "imdb", "split": "test"},
                        "metrics": [
                            {"type": "accuracy", "value": 93.1},
                            {"type": "loss", "value": 0.2},
                            {"type": "f1", "value": "n/a"},
                        ],
                        "source": {"url": "https://example.org/paper"},
                    }
                ],
            }
        ]
        results = [
            {
                "filename": "a.yaml",
                "data": {
                    "dataset": {"id": "Idavidrein/gpqa", "task_id": "gpqa_diamond"},
                    "value": 63.3,
                    "date": "2026-01-28",
                    "source": {"url": "https://example.org/card"},
                },
            },
            {"filename": "b.yaml", "error": "broken"},
        ]
        hub.models = [model(1, **{"model-index": index, "evalResults": results})]
        assert sync("hf").scores == 3
        scores = {(s.dataset, s.metric): s for s in open_registry().scores("hf:org-1/model-1")}
        accuracy, loss = scores["IMDB", "accuracy"], scores["IMDB", "loss"]
        assert accuracy.value == pytest.approx(0.931)
        assert (accuracy.higher_is_better, loss.higher_is_better) == (True, False)
        assert (accuracy.source, accuracy.origin) == ("https://example.org/paper", "reported")
        gpqa = scores["Idavidrein/gpqa", "score"]
        assert (gpqa.value, gpqa.split, gpqa.date) == (63.3, "gpqa_diamond", "2026-01-28")


class TestKnownCards:
    KNOWN = ModelCard(
        id="hf:org-7/model-7",
        domain="language",
        description="by hand",
        license="MIT",
        revision=model(7)["sha"],
        files=(ModelFile("model.safetensors", 4048, "0" * 64),),
        bytes=4048,
        embedding_dimension=32,
        downloads=1,
    )

    def test_what_a_list_does_not_tell_is_kept(self, hub: ListServer) -> None:
        open_registry().add([self.KNOWN])
        sync("hf")
        card = open_registry().card(self.KNOWN.id)
        assert (card.description, card.embedding_dimension, card.bytes) == ("by hand", 32, 4048)
        assert card.files == self.KNOWN.files
        assert (card.downloads, card.license) == (model(7)["downloads"], "Apache-2.0")

    def test_files_of_another_revision_are_not(self) -> None:
        found = ModelCard(id=self.KNOWN.id, domain="other", license="other", revision="a" * 40, bytes=9)
        card = refreshed(self.KNOWN, found)
        assert (card.files, card.bytes, card.domain, card.license) == ((), 9, "language", "MIT")


class TestToken:
    def test_it_goes_to_the_hub_and_nowhere_else(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", hub.token)
        with ListServer(hub.models) as other:
            other.page_size, hub.onward = 10, other.url
            sync("hf")
            assert [sent.get("authorization") for _, sent in hub.requests] == [f"Bearer {hub.token}"]
            assert len(other.requests) == 4
            assert not any("authorization" in sent or hub.token in str(sent) for _, sent in other.requests)
        assert indexed() == ids(*range(50))

    def test_a_redirect_elsewhere_loses_it(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", hub.token)
        with ListServer(hub.models) as other:
            hub.answers.append((302, {"Location": f"{other.url}/api/models?sort=lastModified"}))
            sync("hf")
            assert not any("authorization" in sent for _, sent in other.requests)

    def test_a_wrong_one_is_one_sentence(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_wr0ngcanary")
        with pytest.raises(GatedModel, match="refused the token") as error:
            sync("hf")
        assert "hf_wr0ngcanary" not in str(error.value)

    def test_it_is_not_kept(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HF_TOKEN", hub.token)
        with pytest.raises(KeyboardInterrupt):
            sync("hf", progress=Stopping(2))
        stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert hub.token.encode() not in stored


class TestRefusals:
    def test_a_source_that_is_none(self) -> None:
        with pytest.raises(InvalidInput, match="no source called 'hff'"):
            sync("hff")

    def test_a_platform_by_another_of_its_names(self) -> None:
        with pytest.raises(InvalidInput, match="Did you mean hf"):
            sync("HuggingFace")

    def test_a_source_that_lists_nothing(self) -> None:
        with pytest.raises(InvalidInput, match="'pkg' cannot list its models"):
            sync("pkg")

    @pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-1-1"])
    def test_a_date_that_is_none(self, date: str) -> None:
        with pytest.raises(InvalidInput, match="not a date"):
            sync("hf", since=date)

    def test_a_task_that_is_none(self) -> None:
        with pytest.raises(UnknownTask, match="image-classification"):
            sync("hf", task="image-clasification")

    def test_offline(self, hub: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        with pytest.raises(NetworkUnavailable, match="offline"):
            sync("hf")
        assert hub.requests == []


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from zoo.cli import main; main()", *arguments]


def test_a_second_sync_says_that_another_is_running(hub: ListServer) -> None:
    hub.pause = threading.Event()
    first = threading.Thread(target=sync, args=("hf",))
    first.start()
    while not hub.requests:
        time.sleep(0.01)
    with pytest.raises(RegistryError, match="Another sync of 'hf'"):
        sync("hf")
    hub.pause.set()
    first.join()
    assert indexed() == ids(*range(50))
    assert sync("hf").models == 0


def test_killed_in_the_middle_it_leaves_the_registry_whole(hub: ListServer, tmp_path: Path) -> None:
    open_registry()
    process = subprocess.Popen(command("sync", "hf"), env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(hub.requests) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    path = tmp_path / "zoo" / "registry.db"
    assert check(path) == []
    stored = len(indexed())
    assert stored % 10 == 0
    asked = len(hub.requests)
    sync("hf")
    assert indexed() == ids(*range(50))
    assert len(hub.requests) - asked == (50 - stored) // 10 + (1 if stored else 0)


def test_the_command(hub: ListServer, tmp_path: Path) -> None:
    result = zoo("sync", "hf", "--json", home=tmp_path / "zoo", HF_HUB_OFFLINE="0")
    assert json.loads(result.stdout)["models"] == 50
    result = zoo("sync", "hf", home=tmp_path / "zoo", HF_HUB_OFFLINE="0")
    assert "1 request" in result.stdout
    assert "new or changed: nothing" in result.stdout
    wrong = subprocess.run(
        command("--traceback", "sync", "hf"),
        env={**os.environ, "HF_TOKEN": "hf_wr0ngcanary"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert "refused the token" in wrong.stderr
    assert "hf_wr0ngcanary" not in wrong.stdout + wrong.stderr
