"""Kaggle Models through kagglehub: pulled, checked, listed, and no token anywhere."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kaggle_server import KaggleServer, instance

from zoo.cli import run
from zoo.contract.backbone import SilentProgress
from zoo.contract.listing import ListRequest
from zoo.errors import GatedModel, IntegrityError, InvalidInput, ModelNotFound, NetworkUnavailable
from zoo.registry import open_registry
from zoo.sources import local_models, pull, remove, sync, verify
from zoo.sources.kaggle import KaggleSource
from zoo.sources.kaggle import names as kaggle_names
from zoo.sources.kaggle.names import Handle

kagglehub = pytest.importorskip("kagglehub", reason="the extra 'kaggle' is not installed")

HANDLE = "google/small/tensorFlow2/tiny"
MODEL = f"kaggle:{HANDLE}"
FILES = {"saved_model.pb": b"graph" * 100, "variables/variables.index": b"index", "assets/vocab.txt": b"words"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KaggleServer]:
    from kagglesdk import kaggle_env

    with KaggleServer() as started:
        # The client's test environment is the one that prints what it sends.
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.TEST, started.url)
        monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("KAGGLE_API_TOKEN", started.token)
        # For each request the client looks through the whole call stack, which is deep under pytest, for other libraries.
        monkeypatch.setattr(kagglehub.clients, "get_user_agent", functools.cache(kagglehub.clients.get_user_agent))
        started.versions[HANDLE] = {1: {"saved_model.pb": b"old"}, 2: dict(FILES)}
        yield started


def test_a_pull_brings_the_newest_version_checked(server: KaggleServer, tmp_path: Path) -> None:
    files = pull(MODEL)
    assert files.revision == "2"
    assert str(files.root).startswith(str(tmp_path / "kagglehub"))
    assert {f.path: f.sha256 for f in files.files} == {n: hashlib.sha256(c).hexdigest() for n, c in FILES.items()}
    assert {path: files.path(path).read_bytes() for path in FILES} == FILES


def test_what_is_here_is_not_downloaded_again(server: KaggleServer) -> None:
    pull(MODEL)
    server.requests.clear()
    pull(MODEL)
    assert [path.rpartition("/")[2] for _, _, path, _, _ in server.requests if "Download" in path] == []
    server.requests.clear()
    pull(f"{MODEL}@2")
    assert server.requests == []


def test_a_version_may_be_named_in_each_way(server: KaggleServer) -> None:
    for name in (
        f"{HANDLE}/1",
        "https://www.kaggle.com/models/google/small/frameworks/tensorFlow2/variations/tiny/versions/1",
    ):
        assert Handle.parse(name) == Handle("google", "small", "tensorFlow2", "tiny", 1)
    assert pull(f"{MODEL}@1").files[0].bytes == 3


def test_the_card(server: KaggleServer) -> None:
    card = KaggleSource().describe(HANDLE)
    assert (card.id, card.revision, card.library, card.license) == (MODEL, "2", "tensorflow", "Apache-2.0")
    assert card.description == "A small model."
    assert card.bytes == sum(len(content) for content in FILES.values())


def test_the_token_is_sent_to_kaggle_alone_and_never_printed(server: KaggleServer, capfd, tmp_path: Path) -> None:
    assert run(["pull", MODEL]) == 0
    assert run(["sync", "kaggle"]) == 0
    sent = [(role, headers.get("authorization")) for role, _, _, headers, _ in server.requests]
    assert {value for role, value in sent if role == "api"} == {f"Bearer {server.token}"}
    assert {value for role, value in sent if role == "storage"} == {None}
    printed = capfd.readouterr()
    assert server.token not in printed.out + printed.err
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert server.token.encode() not in stored


def test_a_wrong_token_is_one_sentence(server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "kgl_wr0ng")
    with pytest.raises(GatedModel, match="the token is wrong, missing"):
        pull(MODEL)
    assert run(["--traceback", "pull", MODEL]) == 1
    printed = capfd.readouterr()
    assert "kgl_wr0ng" not in printed.out + printed.err


def test_a_flipped_bit_is_found(server: KaggleServer, tmp_path: Path) -> None:
    server.flipped.add("saved_model.pb")
    with pytest.raises(IntegrityError, match="another MD5"):
        pull(MODEL)
    assert not [path for path in tmp_path.rglob("saved_model.pb") if path.is_file()]
    server.flipped.clear()
    assert pull(MODEL).path("saved_model.pb").read_bytes() == FILES["saved_model.pb"]


def test_a_shorter_file_without_a_hash_is_found(server: KaggleServer) -> None:
    server.short.add("saved_model.pb")
    with pytest.raises(IntegrityError, match="has 499 bytes and was published with 500"):
        pull(MODEL)
    server.short.clear()
    assert pull(MODEL).path("saved_model.pb").read_bytes() == FILES["saved_model.pb"]


def test_a_name_that_leaves_the_cache_is_refused(server: KaggleServer, tmp_path: Path) -> None:
    server.listed["assets/vocab.txt"] = "../../../../../../evil.txt"
    with pytest.raises(IntegrityError, match="does not stay in its folder"):
        pull(MODEL)
    assert not list(tmp_path.rglob("evil.txt"))
    assert server.asked("DownloadModelInstanceVersion") == 0


def test_verify_list_and_remove(server: KaggleServer) -> None:
    files = pull(MODEL)
    assert [model.id for model in local_models() if model.id.startswith("kaggle:")] == [MODEL]
    assert verify(MODEL)[0].healthy
    files.path("saved_model.pb").write_bytes(b"x" * 500)
    assert [problem.item for problem in verify(MODEL)[0].problems] == ["saved_model.pb"]
    with pytest.raises(IntegrityError, match="changed since they were pulled"):
        pull(f"{MODEL}@2")
    assert remove(MODEL) == files.bytes
    assert pull(MODEL).path("saved_model.pb").read_bytes() == FILES["saved_model.pb"]


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("kaggle:google/none/tensorFlow2/tiny", ModelNotFound, "no model 'google/none/tensorFlow2/tiny'"),
        ("kaggle:google/small", InvalidInput, "It looks like kaggle:google/bert"),
        (f"{MODEL}@latest", InvalidInput, "not the name of a model"),
        ("kaggle:../../etc/passwd/x", InvalidInput, "not the name of a model"),
    ],
)
def test_what_is_not_there(server: KaggleServer, reference: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pull(reference)


def test_errors_of_kaggle_are_reported_and_local_files_are_used(server: KaggleServer, monkeypatch) -> None:
    pull(MODEL)
    server.failing = 503
    assert pull(MODEL).revision == "2"
    with pytest.raises(NetworkUnavailable, match="error 503"):
        KaggleSource().describe(HANDLE)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert pull(MODEL).revision == "2"
    with pytest.raises(NetworkUnavailable, match="offline"):
        KaggleSource().describe(HANDLE)


class TestSync:
    @pytest.fixture(autouse=True)
    def listed(self, server: KaggleServer) -> None:
        server.models = [
            {
                "id": n,
                "ref": f"team/model-{n}",
                "title": "M",
                "subtitle": "Small.",
                "author": "team",
                "slug": f"model-{n}",
                "voteCount": n,
                "updateTime": f"2026-01-0{n + 1}T00:00:00Z",
                "instances": [instance("team/m/f/base", n + 1)],
            }
            for n in range(5)
        ]

    def test_every_variation_becomes_a_card(self) -> None:
        report = sync("kaggle")
        assert (report.models, report.requests) == (5, 3)
        card = open_registry().card("kaggle:team/model-3/tensorFlow2/base")
        assert (card.revision, card.likes, card.library) == ("4", 3, "tensorflow")

    def test_limit_and_since(self) -> None:
        assert sync("kaggle", limit=3).models == 3
        assert sync("kaggle", since="2026-01-04").listed == 2

    def test_interrupted_it_continues(self, server: KaggleServer) -> None:
        source, wanted, progress = KaggleSource(), ListRequest(), SilentProgress()
        first = next(iter(source.pages(wanted, {}, progress)))
        rest = [card.id for page in source.pages(wanted, first.state, progress) for card in page.items]
        assert rest == [f"kaggle:team/model-{n}/tensorFlow2/base" for n in (2, 3, 4)]

    def test_a_task_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="does not list the tasks"):
            sync("kaggle", task="image-classification")


class TestTensorFlowHub:
    @pytest.fixture
    def tfhub(self, server: KaggleServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
        from file_server import FileServer

        with FileServer() as old:
            page = "google/small/frameworks/tensorFlow2/variations/tiny/versions/2"
            old.redirects["/google/small/2"] = f"https://www.kaggle.com/models/{page}"
            old.redirects["/google/lost/1"] = "https://www.kaggle.com/models"
            monkeypatch.setattr(kaggle_names, "TFHUB", old.url)
            yield server

    @pytest.mark.parametrize("name", ["tfhub.dev/google/small/2", "https://tfhub.dev/google/small/2"])
    def test_an_old_handle_is_mapped(self, name: str, tfhub: KaggleServer) -> None:
        card = KaggleSource().describe(name)
        assert (card.id, card.revision) == (MODEL, "2")

    def test_a_handle_that_leads_nowhere(self, tfhub: KaggleServer) -> None:
        for name in ("google/lost/1", "google/none/1"):
            with pytest.raises(ModelNotFound, match="does not redirect"):
                KaggleSource().describe(f"tfhub.dev/{name}")


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "kagglehub", None)
    monkeypatch.setitem(sys.modules, "kagglehub.clients", None)
    assert run(["pull", MODEL, "--json"]) == 1
    assert "foundation-zoo[kaggle]" in json.loads(capsys.readouterr().out)["error"]["hint"]
