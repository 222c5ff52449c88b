"""A hostile server: names, hashes and commits that would leave the cache, and attempts to get at the token."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from hub_server import HubServer, Repository
from hypothesis import given
from hypothesis import strategies as st

from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, ZooError
from zoo.sources.files.paths import check_path, unsafe
from zoo.sources.hub import HubSource
from zoo.sources.hub.cache import check_repository
from zoo.sources.hub.guard import Guard, RepositoryFile, check_commit, check_etag, origin

CARD = ModelCard(id="hf:zoo-tests/tiny", domain="language")


def fetch() -> None:
    HubSource().fetch(CARD, Path("unused"), SilentProgress())


def written(tmp_path: Path) -> list[str]:
    """Everything below the test's folder that holds or names content; locks and markers of the client aside."""
    paths = [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]
    return [
        str(path.relative_to(tmp_path)) for path in paths if ".locks" not in path.parts and path.name != "CACHEDIR.TAG"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../outside.json",
        "../../../../outside.json",
        "/outside.json",
        "a/../../outside.json",
        "C:/outside.json",
        "C:outside.json",
        "a\\..\\outside.json",
        "nul\0.json",
        "line\nbreak.json",
        "./outside.json",
        "a//b.json",
        "..",
        "x" * 300 + ".json",
        "a/" * 600 + "b.json",
        "lone\ud800.json",
        "",
    ],
)
def test_a_file_name_that_leaves_the_folder_stops_everything(name: str, tiny: Repository, tmp_path: Path) -> None:
    tiny.listed["README.md"] = {"path": name}
    with pytest.raises(IntegrityError, match="lists a file whose name"):
        fetch()
    with pytest.raises(IntegrityError, match="lists a file whose name"):
        HubSource().describe("zoo-tests/tiny")
    assert written(tmp_path) == []


@pytest.mark.parametrize("commit", ["../../../outside", "main", "0" * 39, "G" * 40, "0" * 41, "A" * 40, "", 7])
def test_a_commit_that_is_none_stops_everything(commit: object, tiny: Repository, tmp_path: Path) -> None:
    tiny.info["sha"] = commit
    with pytest.raises(IntegrityError, match="commit"):
        fetch()
    assert written(tmp_path) == []


@pytest.mark.parametrize("path", ["config.json", "model.safetensors"])
@pytest.mark.parametrize(
    ("header", "value", "message"),
    [
        ("X-Repo-Commit", "../../../../outside", "not 40"),
        ("X-Repo-Commit", "f" * 40, "answered with commit"),
        ("X-Linked-Etag", '"../../../../outside"', "not 40 or 64"),
        ("X-Linked-Etag", '"' + "e" * 64 + '"', "announces the hash"),
        ("X-Linked-Etag", 'W/"C:/outside"', "not 40 or 64"),
        ("X-Linked-Size", "99999999999", "announces '99999999999' bytes"),
    ],
)
def test_hostile_headers_stop_the_file(
    path: str, header: str, value: str, message: str, tiny: Repository, tmp_path: Path
) -> None:
    tiny.headers[path] = {header: value}
    with pytest.raises(IntegrityError, match=message):
        fetch()
    assert not any("outside" in name or path in name for name in written(tmp_path))


@pytest.mark.parametrize("listed", [{"oid": "../../outside"}, {"oid": 5}, {"size": -1}, {"size": "9"}])
def test_a_listing_with_impossible_hashes_or_sizes_stops_everything(
    listed: dict[str, object], tiny: Repository, tmp_path: Path
) -> None:
    tiny.listed["config.json"] = listed
    with pytest.raises(IntegrityError, match=r"lists config\.json"):
        fetch()
    assert written(tmp_path) == []


def test_a_missing_file_marks_nothing_outside_the_cache(tiny: Repository, tmp_path: Path) -> None:
    tiny.listed["vocab.txt"] = {"path": "vocab-2.txt"}
    tiny.headers["vocab-2.txt"] = {"X-Repo-Commit": "../../../../../outside"}
    with pytest.raises(IntegrityError):
        fetch()
    assert not any("outside" in name for name in written(tmp_path))


@pytest.mark.parametrize("name", ["..", "../x", "a/b/c", "a--b", "/x", "a/..", "a\\b", "-x", "a b", "x.git", "a/.b"])
def test_names_that_are_not_valid(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_repository(name)


@pytest.mark.parametrize("revision", ["../../x", "/x", "a\0b"])
def test_revisions_that_are_none(revision: str, hub: HubServer) -> None:
    with pytest.raises(InvalidInput):
        HubSource().describe("zoo-tests/tiny", revision)
    assert hub.requests == []


@given(st.text(max_size=60).map(lambda text: text.replace("~", "/")))
def test_every_accepted_name_resolves_inside(name: str) -> None:
    root = Path("/cache/snapshot")
    if unsafe(name) is None:
        resolved = Path(os.path.normpath(root / name))
        assert resolved.is_relative_to(root)
        assert resolved != root
    else:
        with pytest.raises(IntegrityError):
            check_path(name, "the Hub")


@given(st.one_of(st.text(max_size=80), st.from_regex(r"(W/)?\"?[0-9a-f]{38,66}\"?", fullmatch=True)))
def test_every_accepted_etag_is_a_plain_hash(etag: str) -> None:
    try:
        value = check_etag(etag)
    except IntegrityError:
        return
    assert len(value) in {40, 64}
    assert set(value) <= set("0123456789abcdef")


@given(st.text(max_size=50))
def test_every_accepted_commit_is_the_one_asked_for(commit: str) -> None:
    with pytest.raises(IntegrityError):
        check_commit(commit, Guard("http://localhost", "a" * 40, RepositoryFile("x", 1, "b" * 40)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://hub.example", "https://hub.example:443/x", True),
        ("https://HUB.example", "https://hub.example", True),
        ("http://localhost:1", "http://localhost:2", False),
        ("http://hub.example", "https://hub.example", False),
        ("https://hub.example", "https://hub.example.evil.test", False),
        ("https://hub.example", "https://hub.example@evil.test", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


class TestToken:
    """The token, a canary, must turn up nowhere but in requests to the hub itself."""

    @pytest.fixture(autouse=True)
    def canary(self, hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> str:
        monkeypatch.setenv("HF_TOKEN", hub.token)
        caplog.set_level(logging.DEBUG)
        return hub.token

    def elsewhere(self, hub: HubServer) -> list[str]:
        return [
            r.path for r in hub.requests if r.server == "storage" and any(hub.token in v for v in r.headers.values())
        ]

    def test_it_goes_to_the_hub_and_not_to_the_storage(self, hub: HubServer, tiny: Repository) -> None:
        tiny.gated = True
        fetch()
        assert all(request.headers.get("authorization") for request in hub.asked("", server="hub"))
        assert hub.asked("", server="storage") != []
        assert self.elsewhere(hub) == []

    def test_it_does_not_go_to_another_port_of_the_same_host(self, hub: HubServer, tiny: Repository) -> None:
        with HubServer() as other:
            other.repositories = hub.repositories
            hub.redirect_port = int(other.url.rpartition(":")[2])
            with contextlib.suppress(ZooError):
                fetch()
            assert other.requests != []
            assert all(hub.token not in value for r in other.requests for value in r.headers.values())

    def test_it_does_not_follow_a_page_link_to_another_server(
        self, hub: HubServer, tiny: Repository, monkeypatch
    ) -> None:
        hub.page_size = 2
        monkeypatch.setattr(type(hub), "url", property(lambda self: self.storage_url))
        with pytest.raises(ZooError):
            fetch()
        assert hub.asked("cursor", server="storage") != []
        assert self.elsewhere(hub) == []

    def test_it_is_not_traded_at_another_server(self, hub: HubServer, tiny: Repository) -> None:
        tiny.headers["model.safetensors"] = {
            "X-Xet-Hash": "a" * 64,
            "X-Xet-Refresh-Route": f"{hub.storage_url}/token",
        }
        with pytest.raises(IntegrityError, match="token to be sent to another server"):
            fetch()
        assert hub.asked("token", server="storage") == []

    def test_an_error_that_repeats_it_is_not_shown(self, hub: HubServer, tiny: Repository, monkeypatch, caplog) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_wr0ngcanary")
        caplog.set_level(logging.INFO)  # below it the HTTP library logs whatever a server answers
        with pytest.raises(ZooError) as caught:
            fetch()
        shown = "".join(traceback.format_exception(caught.value)) + json.dumps(caught.value.to_dict()) + caplog.text
        assert "hf_wr0ngcanary" not in shown

    def test_it_is_in_no_file_and_no_log(self, hub: HubServer, tiny: Repository, tmp_path: Path, caplog) -> None:
        fetch()
        tiny.files["config.json"] = b'{"model_type": "bert"}'
        hub.flipped.add("config.json")
        with pytest.raises(IntegrityError):
            fetch()
        hub.repositories.clear()
        with pytest.raises(ModelNotFound):
            HubSource().describe("zoo-tests/tiny")
        contents = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert hub.token.encode() not in contents
        assert hub.token not in caplog.text


def test_other_users_of_the_client_are_left_alone(hub: HubServer, tiny: Repository) -> None:
    code = f"""
import os
from pathlib import Path
import huggingface_hub
from zoo.entities import ModelCard
from zoo.contract.backbone import SilentProgress
from zoo.sources.hub import HubSource

seen = []
base = huggingface_hub.get_session()
base.event_hooks = {{**base.event_hooks, "request": [*base.event_hooks["request"], lambda r: seen.append(r.url.port)]}}
HubSource().fetch(ModelCard(id="hf:zoo-tests/tiny", domain="language"), Path("unused"), SilentProgress())
count = len(seen)
assert count, "the program's own hook was lost"
client = huggingface_hub.get_session()
answer = client.get("{hub.storage_url}/x", headers={{"authorization": "Bearer theirs"}})
assert answer.request.headers["authorization"] == "Bearer theirs", "a request of the program's own lost its token"
assert len(seen) == count + 1
print("left alone")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "left alone", result.stderr
