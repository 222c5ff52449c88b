"""When standards are due for review, and what the lists say of approvals and of people who have left."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from commands import zoo as run_zoo
from people import ANA, BO, CY, Become, use
from policies import HEAD, known_card

from zoo.registry import Registry
from zoo.registry.writing.transaction import writing
from zoo.team.identity.users import add_user, remove_user
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose
from zoo.team.standards.reading import standards
from zoo.team.standards.reviewing import review_of, reviews_due
from zoo.team.standards.rules import SlotRule, StandardRules

TASK = "image-classification"
PLACE = Place(TASK)
CARD = known_card("hf:team/a")
RULES = StandardRules(
    "0" * 64, (SlotRule(TASK, max_age=30, place="p:4"), SlotRule("vision/*", max_age=180, place="p:9"))
)

Zoo = Callable[..., CompletedProcess[str]]


@pytest.fixture
def team(registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "zoo-policy.toml").write_text(f'{HEAD}[[standards]]\ntask = "{TASK}"\nmax-age = "30d"\napprovals = 2\n')
    registry.add([CARD])
    use(registry, monkeypatch)
    return registry


@pytest.fixture
def zoo(team: Registry, tmp_path: Path) -> Zoo:
    """Runs a command on the registry."""
    return lambda *arguments: run_zoo(
        *arguments, home=tmp_path / "home", folder=tmp_path, ZOO_REGISTRY=str(team.path), COLUMNS="200"
    )


def test_the_strictest_rule_counts_from_the_last_approval() -> None:
    found = review_of(PLACE, CARD.id, "2026-03-01T10:00:00.000000Z", rules=RULES, today=date(2026, 3, 31))
    assert found is not None
    assert (found.due, found.max_age, found.policy, found.overdue) == ("2026-03-31", 30, "p:4", False)
    late = review_of(PLACE, CARD.id, "2026-03-01", rules=RULES, today=date(2026, 4, 1))
    assert late is not None
    assert late.overdue
    assert "was approved on 2026-03-01" in late.sentence


@pytest.mark.parametrize(("task", "approved"), [("text-classification", "2026-03-01"), (TASK, ""), ("gone", "2026")])
def test_without_a_rule_or_a_date_nothing_is_due(task: str, approved: str) -> None:
    assert review_of(Place(task), CARD.id, approved, rules=RULES) is None


def test_lists_show_approvals_reviews_and_people_who_have_left(team: Registry, be: Become, zoo: Zoo) -> None:
    for email, role in ((ANA, "admin"), (BO, "approver"), (CY, "approver")):
        add_user(team.path, email, role=role)
    propose(team.path, CARD.id, PLACE)
    assert "0 of 2" in zoo("standard", "list").stdout
    be(BO)
    shown = zoo("standard", "approve", "1")
    assert f"It has 1 of 2 approvals ({BO})." in shown.stdout
    assert json.loads(zoo("standard", "list", "--json").stdout)["proposals"][0]["approvals_needed"] == 2
    be(CY)
    approve(team.path, 1)
    be(ANA)
    remove_user(team.path, BO)
    assert reviews_due(standards(team.path)) == []
    listed = zoo("standard", "list")
    assert (f"{BO} (removed), {CY}" in listed.stdout, "Warning" in listed.stderr) == (True, False)
    with writing(team.path) as session:
        session.connection().exec_driver_sql("UPDATE approvals SET created = '2026-01-01T00:00:00.000000Z'")
    (due,) = reviews_due(standards(team.path))
    assert (due.due, due.model) == ("2026-01-31", CARD.id)
    for arguments in (("standard", "list"), ("standard", "show", TASK)):
        shown = zoo(*arguments)
        assert "was approved on 2026-01-01, and the policy demands a review after 30 days" in shown.stderr
        assert "2026-01-31" in shown.stdout
    assert json.loads(zoo("standard", "show", TASK, "--json").stdout)["review_due"] == "2026-01-31"


def test_a_policy_that_cannot_be_read_does_not_hide_the_standards(team: Registry, zoo: Zoo, tmp_path: Path) -> None:
    propose(team.path, CARD.id, PLACE)
    (tmp_path / "zoo-policy.toml").write_text("policy-version = ")
    shown = zoo("standard", "list")
    assert (shown.returncode, CARD.id in shown.stdout) == (0, True)
    assert "The policy cannot be used" in shown.stderr
