"""The conformance suite finds what is wrong with a plugin, and says it in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.cli import run as zoo
from zoo.errors import InvalidInput
from zoo.plugins import plugins
from zoo.registry import opening
from zoo.testing import checks, run

BROKEN = """
import socket
import PIL
import numpy as np
from zoo import ModelCard, hookimpl
from zoo.entities import LocalFiles

try:
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)
except OSError:
    pass


class Moody:
    input_kind, layers, embedding_dimension = "text", ("mood",), 3
    calls = 0

    def __init__(self, card):
        self.card = card

    def preprocess(self, item):
        return len(str(item))

    def collate(self, items):
        return list(items)

    def features(self, batch, layers):
        Moody.calls += 1
        rows = np.array([[length, len(batch), Moody.calls] for length in batch], dtype=np.float32)
        return {"mood": rows}


@hookimpl
def zoo_cards():
    yield ModelCard("moody:one", "language", ("mood-reading",), embedding_dimension=5)
    yield ModelCard("moody:one", "language")


class Greedy:
    name, datasets = "greedy", ()

    def accepts(self, reference):
        return True

    def read(self, reference, options):
        raise OSError


@hookimpl
def zoo_readers():
    return [Greedy()]


@hookimpl
def zoo_download(card, store, progress):
    return LocalFiles(store) if card.source == "moody" else None


@hookimpl
def zoo_load(card, files, device, dtype):
    return Moody(card)
"""


@pytest.fixture
def moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    information = tmp_path / "zoo_moody-1.0.dist-info"
    information.mkdir()
    (tmp_path / "zoo_moody.py").write_text(BROKEN)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-moody\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[zoo]\nmoody = zoo_moody\n")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.cache_clear()
    yield
    plugins.cache_clear()
    opening._opened.clear()
    sys.modules.pop("zoo_moody", None)


def test_each_fault_is_found_by_its_check(moody: None) -> None:
    failed = {outcome.check: outcome.detail for outcome in run("moody") if outcome.status == "failed"}

    assert "importing the plugin imports PIL" in failed["imports-nothing-heavy"]
    assert failed["imports-without-network"] == "importing the plugin connects to ('127.0.0.1', 9)"
    assert failed["ids-are-ids"] == "the card of 'moody:one' appears twice"
    assert "the task 'mood-reading', which no plugin defines" in failed["tasks-are-known"]
    assert failed["passes-on-what-is-not-its-own"] == "zoo_load returns a Moody for a model of another domain"
    assert failed["readers-refuse-quietly"] == "the reader 'greedy' accepts ''"
    assert failed["keeps-the-protocol"] == "embedding_dimension is 3, and the card says 5"
    assert failed["is-deterministic"].startswith("a second pass has different features: relative distance")
    assert failed["is-batch-invariant"].startswith("each input alone has different features")
    assert failed["explains-wrong-inputs"] == "an object() is accepted as an input"
    assert all("\n" not in detail for detail in failed.values())


def test_the_command_fails_with_the_plugin(moody: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo(["plugins", "check", "moody", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    assert {check["status"] for check in document["checks"]} == {"passed", "failed", "skipped"}


def test_an_unknown_plugin_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="no plugin called 'langauge'") as error:
        checks("langauge")
    assert "language" in error.value.hint


def test_every_check_says_what_it_holds_a_plugin_to() -> None:
    found = checks("language", ("pkg:wordllama/64",))
    assert all(check.description.endswith(".") for check in found)
    assert len({str(check) for check in found}) == len(found)


def test_the_suite_is_documented_check_by_check() -> None:
    text = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    for check in checks("language", ("pkg:wordllama/64",)):
        assert f"| `{check.name}` | {check.description}" in text


def test_the_pytest_plugin_collects_the_checks(moody: None, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "zoo.testing.pytest_plugin",
            "-p",
            "no:cacheprovider",
            "--zoo-plugin",
            "moody",
            "--rootdir",
            str(tmp_path),
            str(tmp_path / "tests"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "ZOO_HOME": str(tmp_path / "h")},
    )
    assert "readers-refuse-quietly" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
