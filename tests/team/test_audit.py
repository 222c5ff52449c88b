"""The audit is a chain: any change of any row is found, and nothing can change it by accident."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from commands import zoo

from zoo.errors import InvalidInput, ZooError
from zoo.registry import Registry
from zoo.registry.copying import copy
from zoo.registry.database import audit_triggers, schema
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Server
from zoo.registry.writing.checking import check
from zoo.registry.writing.transaction import writing
from zoo.team import audit

ROWS = 12


def fill(registry: Registry, rows: int = ROWS) -> str:
    """Add events; return the head."""
    with writing(registry.path) as session:
        for n in range(rows):
            audit.append(
                session,
                f"ana{n % 3}@acme.example",
                "token",
                "note",
                f"proposal:{n}",
                before={"state": "open", "n": n} if n % 2 else None,
                after={"state": "approved", "text": "Grüße 😀", "value": 0.1 * n},
                reason=None if n % 4 else "because: 100 % 'quoted'",
            )
    head = audit.verify(registry.path).head
    assert head is not None
    return head


def tamper(registry: Registry, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """Change the audit as an owner of the database can, without its triggers."""
    with writing(registry.path) as session:
        connection = session.connection()
        for name in audit_triggers.NAMES:
            on = " ON audit" if isinstance(registry.path, Server) else ""
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{on}")
        for sql, values in statements:
            marks = sql.replace("?", "%s") if isinstance(registry.path, Server) else sql
            connection.exec_driver_sql(marks, values)


def content(registry: Registry) -> list[dict[str, Any]]:
    with reading(registry.path) as connection:
        rows = connection.execute(f"SELECT {', '.join(audit.COLUMNS)} FROM audit ORDER BY seq").fetchall()
    return [dict(zip(audit.COLUMNS, row, strict=True)) for row in rows]


def test_events_are_chained_and_listed(any_registry: Registry) -> None:
    head = fill(any_registry)
    found = list(audit.events(any_registry.path))

    assert [event.seq for event in found] == list(range(1, ROWS + 1))
    assert found[0].prev == audit_triggers.START
    assert all(after.prev == before.hash for before, after in itertools.pairwise(found))
    assert audit.verify(any_registry.path, head) == audit.Verification(ROWS, head)
    assert [event.seq for event in audit.events(any_registry.path, actor="ana1@acme.example")] == [2, 5, 8, 11]
    assert [event.seq for event in audit.events(any_registry.path, object="proposal:1*")] == [2, 11, 12]
    assert list(audit.events(any_registry.path, object="proposal_1")) == []
    assert next(audit.events(any_registry.path, since=found[0].time)).seq == 1
    assert found[3].after == {"state": "approved", "text": "Grüße 😀", "value": pytest.approx(0.3)}
    assert check(any_registry.path) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET reason = 'x' WHERE seq = 3",
        "UPDATE audit SET seq = seq + 100",
        "DELETE FROM audit WHERE seq = 12",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
        "REPLACE INTO audit SELECT * FROM audit WHERE seq = 12",
        "INSERT INTO audit SELECT 13, time, clock, actor, via, action, object, before, after, reason, 'x', hash FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 99, time, clock, actor, via, action, object, before, after, reason, hash, 'y' FROM audit WHERE seq = 12",
        "TRUNCATE audit",
        "TRUNCATE audit CASCADE",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 12 ON CONFLICT (seq) DO UPDATE SET reason = 'x'",
    ],
)
def test_the_database_refuses_changes(any_registry: Registry, sql: str) -> None:
    head = fill(any_registry)
    with pytest.raises(ZooError), writing(any_registry.path) as session:
        session.connection().exec_driver_sql(sql)

    assert audit.verify(any_registry.path, head).bad is None


@pytest.mark.parametrize("column", audit.COLUMNS)
def test_a_changed_byte_of_any_row_is_found(any_registry: Registry, column: str) -> None:
    fill(any_registry)
    rows = content(any_registry)
    chance = random.Random(column)
    sqlite = isinstance(any_registry.path, Path)
    restore: list[tuple[str, tuple[Any, ...]]] = []
    for row in rows:
        seq, value = row["seq"], row[column]
        changed: Any = "x"
        if column == "seq":
            changed = value + chance.choice([1000, 2**32, -2 * value])
        elif value is not None:
            raw = bytearray(value.encode())
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            changed = bytes(raw)
        if not sqlite and isinstance(changed, bytes):
            try:
                changed = changed.decode().replace("\0", "x")
            except UnicodeDecodeError:
                changed = value + "x"
        mark = "CAST(? AS TEXT)" if sqlite and column != "seq" else "?"
        tamper(any_registry, *restore, (f"UPDATE audit SET {column} = {mark} WHERE seq = ?", (changed, seq)))
        restore = [(f"UPDATE audit SET {column} = ? WHERE seq = ?", (value, changed if column == "seq" else seq))]

        assert audit.verify(any_registry.path).bad == (min(seq, changed) if column == "seq" else seq)
    assert len(audit.problems(any_registry.path)) == 1
    tamper(any_registry, *restore)
    assert audit.verify(any_registry.path).bad is None
    assert audit.problems(any_registry.path) == []


@pytest.mark.slow
def test_every_changed_byte_is_found(registry: Registry) -> None:
    """Each byte of each field of each row, in SQLite, where a text may hold any bytes."""
    fill(registry, 4)
    tamper(registry)
    rows, chance, flips = content(registry), random.Random(0), 0
    connection = sqlite3.connect(str(registry.path), isolation_level=None)
    for row in rows:
        for column in audit.COLUMNS[1:]:
            raw = (row[column] or "").encode()
            sql = f"UPDATE audit SET {column} = CAST(? AS TEXT) WHERE seq = ?"
            for place in range(len(raw)):
                changed = bytearray(raw)
                changed[place] ^= 1 << chance.randrange(8)
                connection.execute(sql, (bytes(changed), row["seq"]))
                assert audit.verify(registry.path).bad == row["seq"], (column, place)
                flips += 1
            connection.execute(sql, (raw if row[column] is not None else None, row["seq"]))
    connection.close()

    assert flips > 1000
    assert audit.verify(registry.path).bad is None


@pytest.mark.parametrize("seq", [1, 5, ROWS])
def test_a_row_that_is_removed_moved_or_added_is_found(any_registry: Registry, seq: int) -> None:
    head = fill(any_registry)
    tamper(any_registry, ("DELETE FROM audit WHERE seq = ?", (seq,)))

    assert audit.verify(any_registry.path).bad == (seq if seq < ROWS else None)
    assert audit.verify(any_registry.path, head).bad == seq
    assert audit.verify(any_registry.path, head.partition(":")[2]).bad == seq


def test_rows_in_another_order_are_found(any_registry: Registry) -> None:
    fill(any_registry)
    swap = [("UPDATE audit SET seq = ? WHERE seq = ?", pair) for pair in ((99, 4), (4, 7), (7, 99))]
    tamper(any_registry, *swap)

    assert audit.verify(any_registry.path).bad == 4


def test_a_replaced_chain_shows_only_against_a_known_head(any_registry: Registry, make_registry) -> None:
    head = fill(any_registry)
    other = make_registry("sqlite")
    fill(other)

    assert audit.verify(other.path).bad is None
    assert audit.verify(other.path, head).bad == ROWS
    with pytest.raises(InvalidInput, match="not a digest"):
        audit.verify(other.path, "12:abc")


def test_time_never_runs_backwards(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(["2026-05-01T00:00:00.000000Z", "2025-01-01T00:00:00.000000Z", "2026-05-02T00:00:00.000000Z"])
    monkeypatch.setattr(audit, "now", lambda: next(clock))
    fill(registry, 3)
    found = list(audit.events(registry.path))

    assert [event.time[:10] for event in found] == ["2026-05-01", "2026-05-01", "2026-05-02"]
    assert [event.clock for event in found] == [None, "2025-01-01T00:00:00.000000Z", None]
    assert audit.verify(registry.path).bad is None


def test_secrets_are_not_recorded(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "canary-in-the-environment")
    token = "zoo_" + "a1_-" * 10 + "xyz"
    with writing(registry.path) as session:
        audit.append(
            session,
            "ana",
            "token",
            "propose",
            "proposal:1",
            after={"url": "https://user:pass123@host/x", "token": token},
            reason=f"see canary-in-the-environment, {token}",
        )
    (row,) = content(registry)

    for secret in ("canary-in-the-environment", "pass123", token):
        assert secret not in json.dumps(row)


@pytest.mark.parametrize("reason", ["\ud800", "a\0b"])
def test_a_text_that_no_database_keeps_is_refused(any_registry: Registry, reason: str) -> None:
    with pytest.raises(InvalidInput), writing(any_registry.path) as session:
        audit.append(session, "ana", "token", "a", "b", reason=reason)
    assert audit.verify(any_registry.path).rows == 0


def test_the_chain_survives_copies_in_both_directions(registry: Registry, make_registry, tmp_path: Path) -> None:
    head = fill(registry, 1100)
    database = make_registry("postgresql")
    copy(registry.path, database.path)
    copy(database.path, tmp_path / "back.db")

    for location in (database.path, tmp_path / "back.db"):
        assert audit.verify(location, head) == audit.Verification(1100, head)
        with writing(location) as session:
            audit.append(session, "ana", "token", "a", "b")
        assert audit.verify(location, head).rows == 1101
    with pytest.raises(InvalidInput, match="audit of 1,101 rows, which a copy would replace"):
        copy(registry.path, database.path)


def test_an_older_registry_gets_the_tables_and_goes_back_only_without_an_audit(any_registry: Registry) -> None:
    alembic(any_registry, "downgrade", "0003")
    with reading(any_registry.path) as connection:
        assert not schema.tables(connection) & set(schema.TEAM_TABLES)
    alembic(any_registry, "upgrade", "head")
    assert check(any_registry.path) == []
    head = fill(any_registry, 3)
    with pytest.raises(ZooError, match="not empty"):
        alembic(any_registry, "downgrade", "0003")

    assert audit.verify(any_registry.path, head) == audit.Verification(3, head)


def alembic(registry: Registry, direction: str, revision: str) -> None:
    from alembic import command

    from zoo.registry.migrating import configuration

    with writing(registry.path, foreign_keys=False) as session:
        config = configuration()
        config.attributes["connection"] = session.connection()
        getattr(command, direction)(config, revision)


def test_a_batch_migration_keeps_the_triggers(any_registry: Registry, tmp_path: Path) -> None:
    """A later migration that rebuilds the table of the audit, as those of SQLite do."""
    from alembic import command

    from zoo.registry.migrating import configuration

    head = fill(any_registry, 3)
    own = Path(configuration().get_main_option("script_location")) / "versions"
    (tmp_path / "0005_later.py").write_text(
        "from alembic import op\nfrom sqlalchemy import Column, Text\n"
        "revision, down_revision = '0005', '0004'\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('audit', recreate='always') as batch:\n"
        "        batch.add_column(Column('note', Text))\n"
        "def downgrade():\n"
        "    with op.batch_alter_table('audit', recreate='always') as batch:\n"
        "        batch.drop_column('note')\n"
    )
    for direction, revision in (("upgrade", "0005"), ("downgrade", "0004")):
        with writing(any_registry.path, foreign_keys=False) as session:
            config = configuration()
            config.set_main_option("version_locations", f"{own}:{tmp_path}")
            config.attributes["connection"] = session.connection()
            getattr(command, direction)(config, revision)
        with reading(any_registry.path) as connection:
            assert audit_triggers.missing(connection) == []
        with pytest.raises(ZooError), writing(any_registry.path) as session:
            session.connection().exec_driver_sql("DELETE FROM audit")

    assert audit.verify(any_registry.path, head) == audit.Verification(3, head)


def test_missing_triggers_are_reported(any_registry: Registry) -> None:
    fill(any_registry, 2)
    tamper(any_registry)

    assert audit.verify(any_registry.path).unprotected == audit_triggers.NAMES
    assert "protects the audit" in check(any_registry.path)[0]


def test_the_commands(registry: Registry, tmp_path: Path) -> None:
    head = fill(registry)

    def run(*arguments: str, code: int = 0) -> str:
        result = zoo("audit", *arguments, home=tmp_path, folder=tmp_path, ZOO_REGISTRY=str(registry.path))
        assert result.returncode == code, result.stderr
        return result.stdout

    assert f"12 rows. Head: {head}" in run("verify")
    assert json.loads(run("verify", "--from", head, "--json"))["bad"] is None
    assert run("list", "--actor", "ana1@acme.example").count("ana1@") == 4
    assert len(json.loads(run("list", "--since", "1d", "--json"))["events"]) == ROWS
    assert "no such events" in run("list", "--since", "2999-01-01")
    run("export", "audit.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["hash"] for line in lines] == [event.hash for event in audit.events(registry.path)]
    texts = {name: None if lines[1][name] is None else audit.canonical(lines[1][name]) for name in ("before", "after")}
    assert audit.row_hash(lines[0]["hash"], {**lines[1], **texts}) == lines[1]["hash"]
    assert [one["seq"] for one in json.loads(run("list", "--limit", "2", "--json"))["events"]] == [11, 12]
    tamper(registry, ("UPDATE audit SET actor = 'eve' WHERE seq = 5", ()))
    assert "Wrote 12 events" in run("export", "broken.jsonl", code=1)
    assert len((tmp_path / "broken.jsonl").read_text(encoding="utf-8").splitlines()) == ROWS
    assert "Row 5 of the audit" in run("verify", code=1)
    assert json.loads(run("verify", "--json", code=1))["bad"] == 5
    run("list", "--since", "last week", code=1)
