"""openai-whisper's checkpoints, and models that are only there to compare with."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer

from zoo.entities import ModelCard, ModelFile
from zoo.errors import IntegrityError, NetworkUnavailable, UnsupportedModel
from zoo.registry import SearchQuery, open_registry
from zoo.sources import pull, remove, verify
from zoo.sources.files import http_files

CONTENT = bytes(range(256)) * 999
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(http_files.time, "sleep", lambda seconds: None)
    with FileServer() as started:
        yield started


@pytest.fixture
def tiny(server: FileServer) -> ModelCard:
    """The catalog's card, with a file of ours on a server of ours in the place of the published one."""
    path = f"/main/whisper/models/{SHA256}/tiny.pt"
    server.files[path] = CONTENT
    known = open_registry().card("whisper:tiny")
    card = dataclasses.replace(known, url=f"{server.url}{path}", files=(ModelFile("tiny.pt", None, SHA256),))
    open_registry().add([card])
    return card


def test_every_card_of_the_catalog_can_be_pulled() -> None:
    cards = list(open_registry().cards(SearchQuery(source="whisper")))

    assert len(cards) >= 12
    for card in cards:
        [file] = card.files
        assert f"/{file.sha256}/{file.path}" in (card.url or "")


def test_it_is_pulled_checked_and_kept_where_the_package_looks(
    server: FileServer, tiny: ModelCard, tmp_path: Path
) -> None:
    files = pull("whisper:tiny")

    assert files.path("tiny.pt") == tmp_path / "cache" / "whisper" / "tiny.pt"
    assert files.path("tiny.pt").read_bytes() == CONTENT
    server.requests.clear()
    assert pull("whisper:tiny").files == files.files
    assert server.requests == []
    assert [one.healthy for one in verify("whisper:tiny")] == [True]
    assert remove("whisper:tiny") == len(CONTENT)
    assert not files.path("tiny.pt").exists()


def test_a_connection_that_breaks_is_resumed(server: FileServer, tiny: ModelCard) -> None:
    server.broken.add((tiny.url or "").removeprefix(server.url))

    assert pull("whisper:tiny").path("tiny.pt").read_bytes() == CONTENT


def test_a_damaged_file_is_fetched_again(server: FileServer, tiny: ModelCard) -> None:
    path = pull("whisper:tiny").path("tiny.pt")
    path.write_bytes(b"x" * len(CONTENT))

    assert not verify("whisper:tiny")[0].healthy
    assert pull("whisper:tiny").path("tiny.pt").read_bytes() == CONTENT


def test_a_file_that_differs_from_the_published_one_is_refused(
    server: FileServer, tiny: ModelCard, tmp_path: Path
) -> None:
    server.files[(tiny.url or "").removeprefix(server.url)] = b"something else"

    with pytest.raises(IntegrityError, match="not the published one"):
        pull("whisper:tiny")
    assert list((tmp_path / "cache" / "whisper").iterdir()) == []


def test_offline_it_says_how(tiny: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")

    with pytest.raises(NetworkUnavailable, match="is not on this machine"):
        pull("whisper:tiny")


@pytest.mark.parametrize("source", ["github", "paper"])
def test_a_model_to_compare_with_is_not_pulled(source: str) -> None:
    card = next(open_registry().cards(SearchQuery(source=source)))

    with pytest.raises(UnsupportedModel, match="only listed for comparison") as caught:
        pull(card.id)
    assert caught.value.hint
