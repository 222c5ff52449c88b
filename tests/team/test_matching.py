"""The tables of a team follow from the audit; a row that was changed by hand is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import zoo
from people import ANA, BO, CY, Become, use
from policies import known_card

from zoo.errors import RegistryError
from zoo.registry import Registry
from zoo.registry.writing.transaction import writing
from zoo.team.identity.tokens import create_token, revoke_token
from zoo.team.identity.users import add_user, remove_user
from zoo.team.matching import Expected, mismatches
from zoo.team.standards import known
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose, reject, withdraw
from zoo.team.standards.reading import proposals
from zoo.team.standards.replacing import deprecate, rollback

PLACE, SMALL = Place("image-classification"), Place("image-classification", "small")
A, B = known_card("hf:team/a"), known_card("hf:team/b", revision="b" * 40)


@pytest.fixture
def team(registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> Registry:
    return filled(registry, be, monkeypatch)


def filled(registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry in which everything happened once."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    registry.add([A, B])
    use(registry, monkeypatch)
    path = registry.path
    for model in (A, B):
        be(ANA)
        propose(path, model.id, PLACE)
        be(BO)
        approve(path, 1 if model is A else 2)
    deprecate(path, PLACE, replace_by=A.id, until="30d")
    rollback(path, PLACE)
    be(ANA)
    for key, act in ((3, reject), (4, withdraw)):
        be(ANA)
        propose(path, A.id, SMALL)
        be(BO if act is reject else ANA)
        act(path, key)
    be(ANA)
    add_user(path, ANA, role="admin")
    add_user(path, BO, role="approver")
    add_user(path, CY)
    add_user(path, CY, role="viewer", scope="vision/*")
    create_token(path, user=CY, expires="never")
    remove_user(path, CY)
    _, token = create_token(path, user=BO)
    revoke_token(path, token.prefix)
    create_token(path, user=BO)
    return registry


def test_what_zoo_wrote_follows_from_the_audit(
    any_registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(any_registry, be, monkeypatch).path
    assert mismatches(path) == []
    with writing(path) as session:
        session.connection().exec_driver_sql("UPDATE approvals SET actor = 'eve' WHERE proposal_key = 1")
    assert len(mismatches(path)) == 2


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE standards SET model = 'hf:team/x' WHERE to_time IS NULL", "has the model hf:team/x, and by the audit"),
        ("UPDATE standards SET manifest = '[]' WHERE to_time IS NULL", "has the manifest []"),
        ("UPDATE standards SET until = NULL WHERE state = 'deprecated'", "has the until none"),
        ("UPDATE standards SET from_time = '2020'", "image-classification/default of 2020 is in no event"),
        ("DELETE FROM standards WHERE to_time IS NULL", "is in the audit and not in its table"),
        ("UPDATE proposals SET state = 'approved' WHERE key = 3", "proposal 3 has the state approved"),
        ("UPDATE proposals SET author = 'eve' WHERE key = 1", "proposal 1 has the author eve"),
        ("UPDATE proposals SET manifest = '[]' WHERE key = 1", "not those of its digest"),
        ("UPDATE proposals SET manifest = 'x' WHERE key = 1", "files or evidence of proposal 1 cannot be read"),
        ("UPDATE proposals SET evidence = '{' WHERE key = 1", "files or evidence of proposal 1 cannot be read"),
        ("UPDATE approvals SET verdict = 'approve' WHERE proposal_key = 3", f"of proposal 3 by {BO} has the verdict"),
        ("UPDATE approvals SET actor = 'eve' WHERE proposal_key = 1", "of proposal 1 by eve is in no event"),
        ("UPDATE actors SET role = 'admin'", f"user {BO} has the role admin"),
        ("UPDATE actors SET disabled = NULL", f"user {CY} has the disabled none"),
        ("UPDATE tokens SET revoked = NULL", "has the revoked none"),
        ("UPDATE tokens SET scope = 'x'", "has the scope x"),
        ("UPDATE tokens SET prefix = 'zoo_AAAAAAAA' WHERE key = 1", "token zoo_AAAAAAAA is in no event"),
    ],
)
def test_a_row_that_was_changed_by_hand_is_named(team: Registry, sql: str, told: str) -> None:
    with writing(team.path) as session:
        session.connection().exec_driver_sql(sql)
    assert any(told in sentence for sentence in mismatches(team.path)), mismatches(team.path)


@pytest.mark.parametrize(
    "changes",
    [
        {"object": "proposal:x"},
        {"after": "[]"},
        {"after": "x"},
        {"action": "make current", "object": "standard:a/b", "after": '{"proposal_key": []}'},
    ],
)
def test_a_forged_event_is_named(changes: dict[str, str]) -> None:
    expected = Expected()
    event = {"seq": 7, "time": "2026", "actor": ANA, "action": "propose", "object": "proposal:1", "after": "{}"}
    expected.add({**event, **changes})
    assert [sentence.startswith("Event 7 of the audit") for sentence in expected.problems] == [True]


@pytest.mark.parametrize("manifest", ["x", "[1]", '{"a": 1}', '[{"name": "a"}]'])
def test_a_row_that_is_not_json_is_an_error_with_its_number(team: Registry, manifest: str) -> None:
    with writing(team.path) as session:
        session.connection().exec_driver_sql(f"UPDATE proposals SET manifest = '{manifest}' WHERE key = 2")
    known.forget()
    with pytest.raises(RegistryError, match="proposal 2 cannot be read"):
        proposals(team.path)
    assert mismatches(team.path)
    assert [one.standard.model for one in known.agreed(team.path)] == []


def test_the_commands_report_it(team: Registry, tmp_path: Path) -> None:
    path = team.path if isinstance(team.path, Path) else team.path.url

    def run(*arguments: str) -> tuple[int, str]:
        found = zoo(*arguments, home=tmp_path / "home", folder=tmp_path, ZOO_REGISTRY=str(path))
        return found.returncode, found.stdout

    assert run("audit", "verify")[0] == 0
    assert run("registry", "check") == (0, run("registry", "check")[1])
    with writing(team.path) as session:
        session.connection().exec_driver_sql("UPDATE standards SET model = 'hf:team/x' WHERE to_time IS NULL")
    code, shown = run("audit", "verify", "--json")
    assert (code, json.loads(shown)["bad"], len(json.loads(shown)["mismatches"])) == (1, None, 1)
    for command in (("audit", "verify"), ("registry", "check")):
        code, shown = run(*command)
        assert (code, "has the model hf:team/x, and by the audit the model" in shown) == (1, True)
