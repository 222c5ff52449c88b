"""No password, token or key of the environment is shown or stored, whatever happens."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_list_server import ListServer, models
from hub_server import HubServer, Repository

from zoo import exchange
from zoo.cli import run
from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.registry import open_registry

CANARY = "c4n4ry-p4ssw0rd"
TINY = "hf:zoo-tests/tiny"
CLOSED = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def with_login(address: str) -> str:
    return address.replace("://", f"://user:{CANARY}@")


def holding(folder: Path) -> list[str]:
    """The files below a folder that hold the canary, or have it in their name."""
    return [
        str(path)
        for path in folder.rglob("*")
        if CANARY in str(path.relative_to(folder)) or (path.is_file() and CANARY.encode() in path.read_bytes())
    ]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints, with and without a traceback, as text and as JSON."""
    text = ""
    for more in ((), ("--json", "--traceback")):
        run([*arguments, *more])
        captured = capsys.readouterr()
        text += captured.out + captured.err
    return text


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListServer]:
    with ListServer(list(models(30))) as server:
        server.page_size = 10
        yield server


def test_a_hub_with_a_password_in_its_address(
    hub: HubServer, tiny: Repository, listing: ListServer, tmp_path: Path, capsys, monkeypatch
) -> None:
    hub.login = listing.login = f"Basic {base64.b64encode(f'user:{CANARY}'.encode()).decode()}"
    monkeypatch.setenv("HF_ENDPOINT", with_login(hub.url))
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    shown = "".join(
        printed(capsys, *command)
        for command in (("show", TINY), ("pull", TINY), ("show", TINY), ("list",), ("verify", TINY), ("doctor",))
    )
    assert "model.safetensors" in shown
    assert f"{hub.url}/zoo-tests/tiny" in shown
    monkeypatch.setenv("HF_ENDPOINT", with_login(listing.url))
    shown += printed(capsys, "sync", "hf", "--limit", "25")
    for name in ("all.json", "all.jsonl", "all.parquet"):
        shown += printed(capsys, "export", str(tmp_path / name), "--own")
    shown += printed(capsys, "export", "-", "--own", "--format", "jsonl")
    assert f"{listing.url}/org-1/model-1" in shown
    assert {entry[1].get("authorization", "")[:6] for entry in listing.requests} == {"Basic "}
    assert CANARY not in shown
    assert holding(tmp_path) == []


@pytest.mark.parametrize("command", [("show", TINY), ("pull", TINY), ("sync", "hf"), ("doctor",)])
def test_a_hub_that_cannot_be_reached(command: tuple[str, ...], tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://user:{CANARY}@{CLOSED}")
    monkeypatch.setenv("HF_TOKEN", f"hf_{CANARY}")
    shown = printed(capsys, *command)
    assert CLOSED in shown
    assert CANARY not in shown
    assert holding(tmp_path) == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_reached(name: str, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    monkeypatch.setenv(name, f"http://user:{CANARY}@{CLOSED}")
    shown = printed(capsys, "pull", TINY)
    assert "cannot be reached" in shown
    assert CANARY not in shown
    assert holding(tmp_path) == []


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://user:{CANARY}@{CLOSED}/zoo",
        f"postgresql+psycopg://{CLOSED}/zoo?user=x&password={CANARY}",
        f"postgresql://user:{CANARY}@127.0.0.1:port/zoo",
        f"postgresql://user:a/{CANARY}@127.0.0.1/zoo",
        f"mysql://user:{CANARY}@127.0.0.1/zoo",
    ],
)
def test_a_database_that_cannot_be_reached(address: str, tmp_path: Path, capsys, monkeypatch) -> None:
    shown = printed(capsys, "registry", "copy", address, str(tmp_path / "copy.db"))
    monkeypatch.setenv("ZOO_REGISTRY", address)
    for command in (("doctor",), ("search", "vit"), ("stats",), ("registry", "check")):
        shown += printed(capsys, *command)
    assert "127.0.0.1" in shown or "mysql" in shown
    assert CANARY not in shown
    assert holding(tmp_path) == []


@pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason="needs the extra openai")
def test_a_key_of_openai(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:{CANARY}@{CLOSED}/v1")
    shown = printed(capsys, "sync", "openai")
    assert "OpenAI cannot be reached" in shown
    assert CANARY not in shown
    assert holding(tmp_path) == []


def test_credentials_in_what_is_imported_are_not_stored(tmp_path: Path, capsys) -> None:
    address = f"https://user:{CANARY}@models.example/x?access_token={CANARY}"
    items = [
        {"kind": "model", "id": "hf:own/x", "domain": "vision", "url": address, "loader": {"weights": address}},
        {
            "kind": "score",
            "model": "hf:own/x",
            "task": "t",
            "dataset": "d",
            "metric": "m",
            "value": 1.0,
            "source": address,
        },
    ]
    path = tmp_path / "in" / "items.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    shown = printed(capsys, "import", str(path)) + printed(capsys, "show", "hf:own/x")
    registry = open_registry()
    registry.add(
        [
            Run("r", "hf:own/x", "t", address, "", "s", {"m": 1.0}, plan={"data": address}, path=address),
            Measurement("hf:own/x", "t", "f", address, "logme", 1.0),
        ]
    )
    exchange.export(registry, str(tmp_path / "out.jsonl"), own=True)
    assert registry.card("hf:own/x").url == "https://models.example/x?access_token=***"
    assert CANARY not in shown
    assert [Path(name).parent.name for name in holding(tmp_path)] == ["in"]


def test_ordinary_addresses_are_stored_as_they_are(tmp_path: Path) -> None:
    card = ModelCard("hf:own/y", "vision", url="https://example.org/a@b?page=2", loader={"a": ["https://x.org/?b=1"]})
    score = BenchmarkScore("hf:own/y", "t", "d", "m", 1.0, source="https://example.org/@user?tab=1")
    registry = open_registry()
    registry.add([card, score])
    assert registry.card(card.id).url == card.url
    assert [found.source for found in registry.scores(card.id)] == [score.source]
