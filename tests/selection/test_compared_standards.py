"""Where the standards of a team stand in a recommendation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import zoo as run_zoo

from zoo.answers import Candidate, ComparedStandard, Exclusion
from zoo.contract.source import PinnedModel
from zoo.entities import Measurement, ModelCard, ModelId
from zoo.registry import open_registry
from zoo.selection.explain.compared_standards import compared_standards
from zoo.selection.request.candidates import Choice, with_standards
from zoo.team.standards import known
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose

TASK = "text-classification"
BEST = Candidate(1, "pkg:wordllama/64", 0.9, (0.88, 0.92), measured={"linear-probe": 0.9}, samples=100, layer="last")
OWN = replace(BEST, rank=2, id="pkg:wordllama/128", score=0.8, interval=(0.78, 0.82), measured={"linear-probe": 0.8})
CARDS = [ModelCard(one.id, "language", (TASK,), revision="1") for one in (BEST, OWN)]
STANDARD = {f"std:{TASK}/small": PinnedModel(ModelId("pkg", "wordllama/128", "1"))}


def found(
    *candidates: Candidate, standards: Mapping[str, PinnedModel] = STANDARD, excluded: tuple[Exclusion, ...] = ()
) -> list[ComparedStandard]:
    ranked: Any = SimpleNamespace(candidates=candidates, cards=CARDS, by="measured", best=CARDS[0])
    prepared: Any = SimpleNamespace(
        standards=standards, task=SimpleNamespace(name=TASK), dataset=SimpleNamespace(fingerprint="f" * 64)
    )
    return [*compared_standards(ranked, prepared, excluded)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    known.forget()


def test_a_better_model_is_offered_with_its_result_as_evidence() -> None:
    own = Measurement(BEST.id, TASK, "f" * 64, "mails", "linear-probe", 0.9, layer="last", samples=100, revision="1")
    open_registry().add([own, replace(own, layer="first"), replace(own, data="a" * 64)])
    (compared,) = found(BEST, OWN)
    assert compared.difference == pytest.approx(0.1)
    assert compared.interval == pytest.approx((0.1 - 0.02 * 2**0.5, 0.1 + 0.02 * 2**0.5), abs=1e-6)
    assert compared.sentence.startswith(
        f"The standard std:{TASK}/small, {OWN.id}, has rank 2 of 2, 0.1000 below {BEST.id}"
    )
    key = open_registry().measurement_key(
        model=BEST.id, task=TASK, data="f" * 64, estimator="linear-probe", layer="last", revision="1"
    )
    assert compared.propose == (
        f"zoo standard propose {BEST.id} --task {TASK} --slot small --evidence measurement:{key}"
    )


def test_nothing_is_offered_for_a_tie_or_the_standard_itself() -> None:
    (tied,) = found(replace(BEST, tied=True), replace(OWN, tied=True))
    assert (tied.tied, tied.propose) == (True, "")
    (first,) = found(replace(OWN, rank=1), replace(BEST, rank=2))
    assert (first.rank, first.difference, first.propose) == (1, 0.0, "")
    assert first.sentence == f"The standard std:{TASK}/small, {OWN.id}, has rank 1 of 2."


def test_a_standard_without_a_rank_says_why() -> None:
    (limited,) = found(BEST, excluded=(Exclusion(OWN.id, "--max-size: 5 GB"),))
    assert limited.sentence == f"The standard std:{TASK}/small, {OWN.id}, was not ranked: --max-size: 5 GB."
    (gone,) = found(BEST)
    assert "its card cannot be found" in gone.sentence
    other = {f"std:{TASK}": PinnedModel(ModelId("pkg", "wordllama/128", "2"))}
    (revised,) = found(BEST, OWN, standards=other)
    assert (revised.rank, "was considered at the revision 1" in revised.sentence) == (None, True)
    assert found(BEST, standards={}) == []


def test_standards_become_candidates() -> None:
    choices = with_standards([Choice(CARDS[0])], STANDARD)
    assert [(one.card.id, one.card.revision) for one in choices] == [(BEST.id, "1"), (OWN.id, "1")]
    missing = {"std:x": PinnedModel(ModelId("pkg", "no-such-model", "1"))}
    assert len(with_standards([Choice(CARDS[0])], missing)) == 1


def test_a_recommendation_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    rows = [f"a {word} film number {n},{label}" for n in range(20) for word, label in (("fine", "a"), ("dull", "b"))]
    (tmp_path / "lines.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    arguments = ("recommend", "lines.csv", "--task", TASK, "--candidates", BEST.id)
    plain = run_zoo(*arguments, "--json", home=home, folder=tmp_path)
    assert json.loads(plain.stdout)["standards"] == []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for email in ("ana@acme.example", "bo@acme.example"):
        (tmp_path / "gitconfig").write_text(f"[user]\n\temail = {email}\n")
        if email.startswith("ana"):
            propose(open_registry().path, OWN.id, Place(TASK))
        else:
            approve(open_registry().path, 1)
    shown = run_zoo(*arguments, "--report", "page.html", home=home, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    said = f"The standard std:{TASK}, {OWN.id}, has rank"
    assert said in " ".join(shown.stdout.split())
    assert said in (tmp_path / "page.html").read_text()
    (compared,) = json.loads(run_zoo(*arguments, "--json", home=home, folder=tmp_path).stdout)["standards"]
    assert compared["rank"] in {1, 2}
    limited = run_zoo(*arguments, "--max-parameters", "3M", home=home, folder=tmp_path)
    assert "was not ranked: " in " ".join(limited.stdout.split()), limited.stdout + limited.stderr
