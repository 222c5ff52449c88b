"""Roles of a PostgreSQL database: what a connection may write, with zoo and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from commands import zoo
from people import ANA, BO, Become
from policies import known_card
from postgres_server import PASSWORD, USER, PostgresServer

from zoo.errors import StorageError
from zoo.registry import Registry
from zoo.registry.database.location import Server
from zoo.registry.database.roles import statements
from zoo.team import audit
from zoo.team.identity.users import add_user
from zoo.team.matching import mismatches
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose, withdraw
from zoo.team.standards.reading import standard, standards

PLACE = Place("image-classification")
CARD = known_card("hf:team/a")
LOGINS = {"vi": "viewer", "me": "member", "ap": "approver", "ad": "admin"}

As = Callable[[str], Server]


@pytest.fixture(scope="module")
def database(server: PostgresServer, make_registry: Callable[[str], Registry]) -> Iterator[Registry]:
    """A registry whose roles were created by its owner, twice, with a login for each."""
    registry = make_registry("postgresql")
    registry.add([CARD])
    assert isinstance(registry.path, Server)
    with psycopg.connect(registry.path.dsn, autocommit=True) as connection:
        for statement in [*statements()] * 2:
            connection.execute(statement)  # type: ignore[call-overload]
        for login, role in LOGINS.items():
            connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'")  # type: ignore[call-overload]
            connection.execute(f"GRANT zoo_{role} TO {login}")  # type: ignore[call-overload]
    yield registry
    registry.close()


@pytest.fixture
def connected(database: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> As:
    """The registry by the connection of a login."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    location = database.path
    assert isinstance(location, Server)

    def connect(login: str) -> Server:
        found = Server(location.url.replace(f"//{USER}:", f"//{login}:"))
        monkeypatch.setenv("ZOO_REGISTRY", found.url)
        return found

    return connect


def test_each_role_does_its_part_with_zoo(connected: As, be: Become) -> None:
    be(ANA)
    key = propose(connected("me"), CARD.id, PLACE).key
    be(BO)
    with pytest.raises(StorageError, match="with this connection: permission denied for table approvals") as error:
        approve(connected("me"), key)
    assert "zoo registry roles" in error.value.hint
    assert standards(connected("vi")) == []
    with pytest.raises(StorageError, match="permission denied"):
        approve(connected("vi"), key)
    assert approve(connected("ap"), key).state == "approved"
    assert standard(connected("vi"), PLACE).model == CARD.id
    be(ANA)
    withdraw(connected("me"), propose(connected("me"), CARD.id, Place(PLACE.task, "small")).key)
    with pytest.raises(StorageError, match="permission denied for table actors"):
        add_user(connected("ap"), ANA, role="admin")
    add_user(connected("ad"), ANA, role="admin")
    assert audit.verify(connected("vi")).bad is None
    assert mismatches(connected("vi")) == []


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize(
    "sql", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit", "DELETE FROM approvals"]
)
def test_no_role_changes_the_audit(connected: As, login: str, sql: str) -> None:
    assert refused(connected(login), sql)


@pytest.mark.parametrize(
    ("login", "sql"),
    [
        ("vi", "UPDATE models SET license = 'MIT'"),
        ("me", "INSERT INTO approvals SELECT * FROM approvals"),
        ("me", "UPDATE standards SET to_time = 'x'"),
        ("me", "UPDATE proposals SET digest = 'x'"),
        ("me", "UPDATE tokens SET role = 'admin'"),
        ("me", "INSERT INTO tokens SELECT * FROM tokens"),
        ("ap", "UPDATE standards SET model = 'x'"),
        ("ap", "UPDATE approvals SET actor = 'x'"),
        ("ap", "UPDATE actors SET role = 'admin'"),
        ("ad", "DELETE FROM tokens"),
        ("ad", "CREATE TABLE further (key int)"),
    ],
)
def test_a_connection_without_zoo_is_limited_too(connected: As, login: str, sql: str) -> None:
    assert refused(connected(login), sql)


def test_a_temporary_table_does_not_replace_the_audit(connected: As) -> None:
    with psycopg.connect(connected("me").dsn) as connection:
        connection.execute("CREATE TEMP TABLE audit (seq bigint, hash text)")
        with pytest.raises(psycopg.errors.RaiseException, match="continue its chain"):
            connection.execute(
                "INSERT INTO public.audit (seq, time, actor, via, action, object, prev, hash) "
                "VALUES (1, '', '', '', '', '', repeat('0', 64), '')"
            )
        connection.rollback()


def test_a_member_uses_the_registry_as_before(connected: As) -> None:
    registry = Registry(connected("me"))
    registry.add([known_card("hf:team/b")])
    assert registry.remove("hf:team/b").id == "hf:team/b"
    registry.close()


def refused(location: Server, sql: str) -> bool:
    with psycopg.connect(location.dsn) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(sql)  # type: ignore[call-overload]
        connection.rollback()
    return True


def test_the_command_prints_sql(tmp_path: Path) -> None:
    shown = zoo("registry", "roles", home=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.startswith("-- ")
    assert all(f"{statement};" in shown.stdout for statement in statements())
