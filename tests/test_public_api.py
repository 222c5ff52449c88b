"""The public functions show their arguments to type checkers, ``help()`` and notebooks, and name wrong ones."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.cli import COMMANDS
from zoo.errors import InvalidInput
from zoo.keywords import UnknownArgument

ROOT = Path(__file__).parents[1]
FUNCTIONS = ("search", "show", "compare", "pull", "verify", "sync")
SHOWING = {"json", "traceback", "everything"}
"""Options that choose what is printed."""
OF_LOCKS = {"pull": {"models", "locked"}}
"""Options with a function of their own, ``zoo.team.lock.pulling.pull_locked``."""


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_named_and_typed(name: str) -> None:
    for parameter in inspect.signature(getattr(zoo, name)).parameters.values():
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD
        assert parameter.annotation not in {inspect.Parameter.empty, "Any"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_options_of_the_command_are_arguments_of_the_function(name: str) -> None:
    command = importlib.import_module(COMMANDS[name][0]).command
    options = {parameter.name for parameter in command.params} - SHOWING - OF_LOCKS.get(name, set())
    assert options <= set(inspect.signature(getattr(zoo, name)).parameters)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.search(max_bytes=1), r"search\(\) has no argument 'max_bytes'. Did you mean max_size\?"),
        (lambda: zoo.search(licence="mit"), r"search\(\) has no argument 'licence'. Did you mean license\?"),
        (lambda: zoo.search(colour="red"), r"search\(\) has no argument 'colour'. Its arguments: words, domain, "),
        (lambda: zoo.show(mode="hf:a/b"), r"show\(\) has no argument 'mode'. Did you mean model\?"),
        (lambda: zoo.compare(models=["hf:a/b"]), r"compare\(\) has no argument 'models'. It has no keyword arguments."),
        (lambda: zoo.pull("hf:a/b", trust_code=True), r"Did you mean trust_remote_code\?"),
        (lambda: zoo.verify(modell="hf:a/b"), r"verify\(\) has no argument 'modell'. Did you mean model\?"),
        (lambda: zoo.load("hf:a/b", devices="cpu"), r"load\(\) has no argument 'devices'. Did you mean device\?"),
        (lambda: zoo.sync("hf", tasks="x"), r"sync\(\) has no argument 'tasks'. Did you mean task\?"),
    ],
)
def test_a_wrong_argument_names_the_function_and_the_nearest_argument(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UnknownArgument, match=message):
        call()


@pytest.mark.usefixtures("own_home")
def test_amounts_are_numbers_or_text() -> None:
    by_text = zoo.search(task="image-classification", max_size="20MB", max_parameters="5M", sort="downloads")
    by_number = zoo.search(task="image-classification", max_size=20_000_000, max_parameters=5_000_000, sort="downloads")
    assert by_text == by_number
    assert by_text.total
    with pytest.raises(InvalidInput, match="max_size must be a whole number or an amount, not 'small'"):
        zoo.search(max_size="small")


@pytest.mark.usefixtures("own_home")
def test_tags_and_scores_are_given_once_or_several_times() -> None:
    assert zoo.search(tag="reference-only") == zoo.search(tag=["reference-only"])
    assert zoo.search(min_score={"imagenet-1k": 0.8}) == zoo.search(min_score=[("imagenet-1k", 0.8)])


@pytest.mark.slow
def test_type_checkers_see_the_signatures(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import zoo\n" + "".join(f"reveal_type(zoo.{name})\n" for name in FUNCTIONS))
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"), str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    revealed = dict(zip(FUNCTIONS, (line for line in result.stdout.splitlines() if "Revealed" in line), strict=True))
    assert "max_size: int | str | None =" in revealed["search"]
    assert "SearchPage" in revealed["search"]
    assert "def (model: str) -> zoo.entities.cards.ModelCard" in revealed["show"]
    assert "def (*models: str)" in revealed["compare"]
    assert "trust_remote_code: bool =" in revealed["pull"]
    assert "since: str | None =" in revealed["sync"]
    assert "Any" not in result.stdout
