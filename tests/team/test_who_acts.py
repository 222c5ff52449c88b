"""Who acts, roles and scopes, and tokens whose secret is nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import zoo
from people import ANA, BO, CY, EVE, Become

from zoo.errors import InvalidInput
from zoo.registry import Registry
from zoo.registry.database import schema
from zoo.registry.database.connection import reading
from zoo.registry.writing.transaction import writing
from zoo.team import audit
from zoo.team.identity.acting import Actor, NotAllowed, acting, allow, unverified
from zoo.team.identity.scopes import covers, scope_of
from zoo.team.identity.tokens import create_token, revoke_token, tokens
from zoo.team.identity.users import add_user, remove_user, users

TEXT, VISION = ("language", "text-classification"), ("vision", "image-classification")


def who(registry: Registry) -> Actor:
    with writing(registry.path) as session:
        return acting(session)


def test_without_users_everyone_is_allowed_and_unverified(any_registry: Registry, be: Become) -> None:
    be("Ana@ACME.example")
    actor = who(any_registry)

    assert actor == Actor(ANA, "git (unverified)")
    assert not actor.verified
    allow(actor, "admin", "do anything")


def test_without_git_the_user_of_the_machine_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LOGNAME", "Ana")

    assert unverified() == ("ana", "os (unverified)")


@pytest.mark.parametrize("name", ["a b@c", "a\x1b[31m@b", "x" * 201])
def test_strange_names_are_refused(registry: Registry, be: Become, name: str) -> None:
    with pytest.raises(NotAllowed):
        add_user(registry.path, name, role="admin")


def test_the_first_user_is_an_admin_and_the_last_admin_stays(any_registry: Registry, be: Become) -> None:
    path = any_registry.path
    for role, scope in (("member", "*"), ("admin", "vision/*")):
        with pytest.raises(InvalidInput, match="needs an admin"):
            add_user(path, ANA, role=role, scope=scope)
    add_user(path, ANA, role="admin")
    add_user(path, BO, role="approver", scope="vision/*", name="Bo")
    for change in (lambda: remove_user(path, ANA), lambda: add_user(path, ANA, role="member")):
        with pytest.raises(InvalidInput, match="needs an admin"):
            change()
    be(BO)
    with pytest.raises(NotAllowed, match="'approver' and may not add users, which takes 'admin'"):
        add_user(path, CY)
    be(EVE)
    with pytest.raises(NotAllowed, match="not a user of this registry"):
        add_user(path, EVE, role="admin")
    be(ANA)
    remove_user(path, BO, reason="left")
    be(BO)
    with pytest.raises(NotAllowed, match="not a user"):
        allow(who(any_registry), "viewer", "look", VISION)
    be(ANA)
    with pytest.raises(InvalidInput, match="removed already"):
        remove_user(path, BO)
    with pytest.raises(InvalidInput, match=r"Did you mean bo@acme\.example"):
        remove_user(path, "boo@acme.example")
    add_user(path, BO, role="member")

    assert [(u.email, u.name, u.role, u.disabled) for u in users(path)] == [
        (ANA, ANA, "admin", None),
        (BO, "Bo", "member", None),
    ]
    assert [(e.action, e.object, e.actor, e.reason) for e in audit.events(path)] == [
        ("add user", f"user:{ANA}", ANA, None),
        ("add user", f"user:{BO}", ANA, None),
        ("remove user", f"user:{BO}", ANA, "left"),
        ("change user", f"user:{BO}", ANA, None),
    ]


def test_a_token_identifies_and_limits(any_registry: Registry, be: Become) -> None:
    path = any_registry.path
    add_user(path, ANA, role="admin")
    add_user(path, BO, role="approver", scope="text-classification,vision/*")
    secret, token = create_token(path, user=BO, role="member", scope="vision/*", expires="30d")
    be(secret)
    actor = who(any_registry)

    assert (actor.name, actor.via, actor.role, actor.verified) == (BO, "token", "member", True)
    allow(actor, "member", "propose", VISION)
    with pytest.raises(NotAllowed, match="has the role 'member'"):
        allow(actor, "approver", "approve", VISION)
    with pytest.raises(NotAllowed, match="does not cover language/text-classification"):
        allow(actor, "member", "propose", TEXT)
    with pytest.raises(NotAllowed, match="cannot have the role 'approver'"):
        create_token(path, role="approver")
    with pytest.raises(NotAllowed, match=r"cannot create one with '\*'"):
        create_token(path, scope="*")
    assert create_token(path)[1].scope == "vision/*"
    assert [t.last_used is not None for t in tokens(path)] == [True, False]
    be(BO)
    with pytest.raises(NotAllowed, match="has a token"):
        who(any_registry)
    assert token.prefix == secret[:12]


def test_an_expired_token_does_not_bring_back_the_address_of_git(
    any_registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = any_registry.path
    add_user(path, ANA, role="admin")
    add_user(path, BO)
    secret = create_token(path, user=BO, expires="1d")[0]
    for module in ("acting", "tokens"):
        monkeypatch.setattr(f"zoo.team.identity.{module}.now", lambda: "2999-01-01T00:00:00.000000Z")
    be(BO)
    with pytest.raises(NotAllowed, match="git's address is not enough"):
        who(any_registry)
    monkeypatch.undo()
    be(ANA)
    revoke_token(path, secret[:12])
    be(BO)
    assert who(any_registry).name == BO


def test_tokens_end(any_registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> None:
    path = any_registry.path
    add_user(path, ANA, role="admin")
    add_user(path, BO)
    revoked, expired, forever = (create_token(path, user=BO, expires=until)[0] for until in ("1d", "1d", "never"))
    revoke_token(path, revoked[:12], reason="lost")
    with pytest.raises(InvalidInput, match="No active token begins"):
        revoke_token(path, revoked)
    with pytest.raises(InvalidInput, match="Several active tokens"):
        revoke_token(path, "zoo_")
    be(revoked)
    with pytest.raises(NotAllowed, match="was revoked"):
        who(any_registry)
    with monkeypatch.context() as later:
        for module in ("acting", "tokens"):
            later.setattr(f"zoo.team.identity.{module}.now", lambda: "2999-01-01T00:00:00.000000Z")
        be(expired)
        with pytest.raises(NotAllowed, match="has expired"):
            who(any_registry)
        assert [t.state for t in tokens(path)] == ["revoked", "expired", "active"]
        be(forever)
        assert who(any_registry).name == BO
    be(ANA)
    remove_user(path, BO)
    be(forever)
    with pytest.raises(NotAllowed, match="was revoked"):
        who(any_registry)
    be("zoo_" + "x" * 43)
    with pytest.raises(NotAllowed, match="not one of this registry") as caught:
        who(any_registry)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"expires": "0d"}, "not in the future"),
        ({"expires": "2020-01-01"}, "not in the future"),
        ({"expires": "soon"}, "not a date"),
        ({"role": "owner"}, "no role 'owner'"),
        ({"scope": "vision/*/x"}, "not a scope"),
        ({"user": EVE}, "no user 'eve@"),
    ],
)
def test_bad_tokens_are_refused(registry: Registry, be: Become, options: dict[str, str], text: str) -> None:
    add_user(registry.path, ANA, role="admin")
    with pytest.raises(InvalidInput, match=text):
        create_token(registry.path, **options)  # type: ignore[arg-type]
    assert tokens(registry.path) == []


@pytest.mark.parametrize(
    ("scope", "task", "covered"),
    [
        ("*", TEXT, True),
        ("*", None, True),
        ("vision/*", VISION, True),
        ("vision/*", TEXT, False),
        ("vision/*", None, False),
        ("text-*", TEXT, True),
        ("text-classification, vision/*", VISION, True),
        ("language/text-classification", TEXT, True),
    ],
)
def test_scopes(scope: str, task: tuple[str, str] | None, covered: bool) -> None:
    assert covers(scope_of(scope), task) is covered


def test_the_commands_show_a_token_once(registry: Registry, be: Become, tmp_path: Path) -> None:
    def run(*arguments: str, code: int = 0, **environment: str) -> str:
        result = zoo(*arguments, home=tmp_path, ZOO_REGISTRY=str(registry.path), **environment)
        assert result.returncode == code, result.stderr
        shown.append(result.stdout + result.stderr)
        return result.stdout

    shown: list[str] = []
    assert "may do everything" in run("user", "list")
    assert "role 'admin'" in run("user", "add", ANA, "--role", "admin")
    run("user", "add", BO, "--role", "approver", "--scope", "vision/*")
    assert BO in run("user", "list")
    secret = run("token", "create", "--expires", "7d").strip()
    shown.clear()
    assert json.loads(run("token", "list", "--json", ZOO_TOKEN=secret))["tokens"][0]["prefix"] == secret[:12]
    assert secret[:12] in run("token", "list")
    run("user", "add", CY, ZOO_TOKEN=secret, code=0)
    run("user", "remove", CY, "--reason", f"see {secret}", ZOO_TOKEN=secret)
    run("user", "remove", secret, code=1, ZOO_TOKEN=secret)
    run("user", "add", CY, code=1, ZOO_TOKEN=secret[:-1])
    assert "revoked" in run("token", "revoke", secret[:12], ZOO_TOKEN=secret)
    run("user", "add", CY, code=1, ZOO_TOKEN=secret)
    run("audit", "list")
    run("audit", "export", str(tmp_path / "audit.jsonl"))

    text = "".join(shown) + (tmp_path / "audit.jsonl").read_text()
    with reading(registry.path) as connection:
        for table in schema.TEAM_TABLES:
            text += repr([tuple(row) for row in connection.execute(f"SELECT * FROM {table}")])
    assert secret not in text
    assert secret[:-1] not in text
    assert audit.verify(registry.path).bad is None


@pytest.mark.parametrize(
    ("scope", "hint"),
    [
        ("vision", "vision/\\*"),
        ("visio/*", "vision/\\*"),
        ("text-clasification", "text-classification"),
        ("xyz", "domain"),
    ],
)
def test_a_scope_that_covers_no_task_is_an_error(scope: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=f"covers no task.*{hint}"):
        scope_of(f"*,{scope}")


def test_commands_that_read_warn_of_a_token_that_is_not_valid(registry: Registry, tmp_path: Path) -> None:
    for command in (("user", "list"), ("token", "list"), ("audit", "list"), ("standard", "list")):
        known = {"ZOO_REGISTRY": str(registry.path), "ZOO_TOKEN": "zoo_wrong"}
        shown = zoo(*command, home=tmp_path, folder=tmp_path, **known)
        assert (shown.returncode, "is not one of this registry" in shown.stderr) == (0, True)
