"""``std:TASK/SLOT`` is a model id in every command and in Python, and ``zoo standard`` works as a user types it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from commands import zoo as run_zoo
from people import ANA, BO, Become

import zoo
from zoo.errors import IntegrityError, InvalidInput, PolicyRefusal, StandardNotice, UnknownModel
from zoo.plugins.aliases import alias
from zoo.registry import open_registry
from zoo.registry.writing.transaction import writing
from zoo.sources.resolving import card_to_pull, offline_card, parsed, resolve
from zoo.team.standards import known
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose
from zoo.team.standards.replacing import deprecate

SMALL = "std:text-classification/small"
WORDLLAMA = "pkg:wordllama/64"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose registry has the shipped models."""
    path = tmp_path_factory.mktemp("standards")
    assert run_zoo("stats", home=path).returncode == 0
    rows = [
        f"a {word} film number {n},{label}" for n in range(25) for word, label in (("fine", "good"), ("dull", "bad"))
    ]
    (path / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return path


@pytest.fixture
def own(home: Path, be: Become, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's registry, with a standard."""
    monkeypatch.setenv("ZOO_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = open_registry().path
    assert isinstance(path, Path)
    if not run(home, "standard", "list")["standards"]:
        propose(path, WORDLLAMA, Place.parse(SMALL))
        be(BO)
        approve(path, 1)
        be(ANA)
    return path


def test_a_policy_that_denies_the_model_denies_the_standard(
    own: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "zoo-policy.toml").write_text(
        f'policy-version = "1"\nname = "acme"\n[[rules]]\nid = "no"\ndeny.id = "{WORDLLAMA}"\n'
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyRefusal, match=f"'load' on '{WORDLLAMA}'"):
        zoo.load(SMALL)
    with pytest.raises(PolicyRefusal, match="'tune' on"):
        zoo.tune(SMALL, str(home / "reviews.csv"))


def run(home: Path, *arguments: str, code: int = 0) -> Any:
    result = run_zoo(*arguments, "--json", home=home, folder=home)
    assert result.returncode == code, result.stderr
    return json.loads(result.stdout)


def test_an_id_of_a_standard_is_its_model_pinned(own: Path) -> None:
    model = zoo.show(WORDLLAMA)
    pinned = alias(SMALL)

    assert pinned is not None
    assert (pinned.id, pinned.model.revision, pinned.files) == (WORDLLAMA, model.revision, model.files)
    for find in (resolve, offline_card, card_to_pull, zoo.show):
        assert find(SMALL) == model
    assert parsed(SMALL) == pinned.model
    assert alias(WORDLLAMA) is alias("wordllama") is None
    assert zoo.load(SMALL, device="cpu").card.id == WORDLLAMA
    with pytest.raises(UnknownModel, match=f"Did you mean {SMALL}"):
        zoo.load("std:text-classification/smal")
    with pytest.raises(InvalidInput, match="a standard has its own"):
        resolve(f"{SMALL}@main")


def test_the_files_of_a_standard_must_be_those_that_were_approved(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(own) as session:
        connection = session.connection()
        (before,) = connection.exec_driver_sql("SELECT manifest FROM standards WHERE to_time IS NULL").one()
        digest = json.loads(before)[0]["sha256"]
        change = "UPDATE standards SET manifest = ? WHERE to_time IS NULL"
        connection.exec_driver_sql(change, (before.replace(digest, "0" * 64),))
    known.forget()
    try:
        with pytest.raises(PolicyRefusal, match="does not match its approvals"):
            zoo.load(SMALL, device="cpu")
        monkeypatch.setattr(known, "_sound", lambda row: True)  # as if these files had been approved
        with pytest.raises(IntegrityError, match="does not match"):
            zoo.load(SMALL, device="cpu")
    finally:
        known.forget()
        with writing(own) as session:
            session.connection().exec_driver_sql(change, (before,))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", SMALL),
        ("compare", SMALL, "pkg:efficientnet-lite0"),
        ("pull", SMALL),
        ("verify", SMALL),
        ("features", SMALL, "reviews.csv", "-o", "features.safetensors"),
        ("tune", SMALL, "reviews.csv", "--strategy", "linear-probe"),
        ("recommend", "reviews.csv", "--candidates", SMALL, "--task", "text-classification"),
        ("recommend", "reviews.csv", "--candidates", f"{SMALL}#last", "--no-measure"),
        ("runs", "list", "--model", SMALL),
        ("export", "one.jsonl", "--model", SMALL),
    ],
    ids=lambda arguments: arguments[0],
)
def test_it_is_an_id_in_every_command(home: Path, own: Path, arguments: tuple[str, ...]) -> None:
    assert run(home, *arguments)


def test_the_run_of_a_standard_is_a_run_of_its_model(home: Path, own: Path) -> None:
    run(home, "tune", SMALL, "reviews.csv", "--strategy", "linear-probe")
    (latest, *_) = run(home, "runs", "list", "--model", SMALL)["runs"]

    assert latest["model"] == WORDLLAMA
    proposal = run(home, "standard", "propose", SMALL, "--task", "text-classification", "--evidence", latest["id"])
    assert (proposal["model"], proposal["evidence"][0]["id"]) == (WORDLLAMA, f"run:{latest['id']}")
    run(home, "standard", "withdraw", str(proposal["key"]))


def test_a_deprecated_standard_warns_and_a_retired_one_is_refused(
    home: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place.parse(SMALL)
    deprecate(own, place, replace_by="pkg:wordllama/256", until="2999-06-30")
    with pytest.warns(StandardNotice, match="deprecated until 2999-06-30; use pkg:wordllama/256"):
        assert resolve(SMALL).id == WORDLLAMA
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve(SMALL)  # once is enough
    with monkeypatch.context() as later:
        later.setattr("zoo.team.standards.reading.now", lambda: "2999-07-01T00:00:00.000000Z")
        with pytest.raises(UnknownModel, match=r"was retired on 2999-06-30\. Use pkg:wordllama/256"):
            resolve(SMALL)
    assert run(home, "standard", "rollback", "text-classification/small")["state"] == "current"


def test_the_commands_as_a_user_types_them(home: Path, own: Path, be: Become) -> None:
    def shown(*arguments: str, code: int = 0) -> str:
        result = run_zoo("standard", *arguments, home=home, folder=home)
        assert result.returncode == code, result.stderr
        return result.stdout + result.stderr

    def propose_one(slot: str) -> str:
        return str(run(home, "standard", "propose", "pkg:wordllama/256", *task, "--slot", slot)["key"])

    task = ("--task", "text-classification")
    text = shown("propose", "pkg:wordllama/256", *task, "--reason", "all languages")
    assert "Someone else approves it: zoo standard approve" in text
    key = text.split("approve ")[1].split(".")[0]
    rejected, withdrawn = propose_one("x1"), propose_one("x2")
    assert "Open proposals" in shown("list")
    be(BO)
    assert "Use it as std:text-classification" in shown("approve", key)
    assert "is rejected" in shown("reject", rejected, "--reason", "no")
    be(ANA)
    assert "is withdrawn" in shown("withdraw", withdrawn)
    assert "all languages" in shown("show", "text-classification")
    assert run(home, "standard", "show", "text-classification")["proposed"]["reason"] == "all languages"
    assert "use instead" in shown("deprecate", "text-classification", "--replace-by", SMALL, "--until", "90d")
    assert "current" in shown("rollback", "std:text-classification")
    assert shown("history", "text-classification").count("deprecated, ended") >= 1
    assert "There are no standards" in shown("list", "--as-of", "2020-01-01")
    assert run(home, "standard", "list", "--as-of", "2999-01-01")["standards"][0]["state"] == "current"
    assert "Nothing was proposed" in shown("history", "translation")
    for arguments in (
        ("show", "translation"),
        ("approve", "999"),
        ("list", "--as-of", "yesterday"),
        ("propose", "pkg:wordllama/256", "--task", "text-clasification"),
        ("rollback", "a b"),
    ):
        error = shown(*arguments, code=1)
        assert error.startswith("Error: ")
        assert error.count("\n") == 1
