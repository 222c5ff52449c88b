"""Reads standards: now or at an earlier time, their history, and proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.errors import UnknownModel, suggest
from zoo.registry.database import schema
from zoo.registry.database.connection import Reader, reading
from zoo.registry.database.location import Location
from zoo.team.standards.entities import SOURCE, Place, Proposal, Standard
from zoo.team.times import now

AT = "from_time <= ? AND (to_time IS NULL OR to_time > ?)"
"""What holds of a standard that is in force at a time."""


def standards(location: Location, at: str | None = None) -> list[Standard]:
    """The standards in force now, or at a time, by task and slot."""
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        # What lasts now may have begun after this machine's clock, if another machine's is ahead.
        where, values = ("to_time IS NULL", []) if at is None else (AT, [at, at])
        rows = _ask(connection, f"SELECT * FROM standards WHERE {where} ORDER BY task, slot", values)
        return [_standard(connection, row, at or now()) for row in rows]


def standard(location: Location, place: Place) -> Standard:
    """The standard in force, current, deprecated or retired.

    Raises:
        UnknownModel: there is none; with the nearest ones.
    """
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        sql = "SELECT * FROM standards WHERE task = ? AND slot = ? AND to_time IS NULL"
        rows = _ask(connection, sql, [place.task, place.slot])
        if not rows:
            known = [str(Place(row["task"], row["slot"])) for row in _ask(connection, f"{_PLACES}", [])]
            names = {f"{SOURCE}:{name}" for name in known}
            hint = suggest(f"{SOURCE}:{place}", names) or "See: zoo standard list"
            raise UnknownModel(f"There is no standard for '{place}'.", hint)
        return _standard(connection, rows[0], now())


def history(location: Location, task: str) -> list[Standard]:
    """All periods of the standards of a task, the oldest first."""
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        rows = _ask(connection, "SELECT * FROM standards WHERE task = ? ORDER BY from_time, key", [task])
        return [_standard(connection, row, now()) for row in rows]


def proposals(location: Location, *, state: str | None = None, task: str | None = None) -> list[Proposal]:
    """Proposals with their approvals, the oldest first."""
    wanted = {"state": state, "task": task}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "1 = 1"
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        rows = _ask(connection, f"SELECT * FROM proposals WHERE {where} ORDER BY key", list(given.values()))
        return [Proposal.of(row, _approvals(connection, row["key"])) for row in rows]


def proposal(location: Location, key: int) -> Proposal:
    """The proposal with this number, which exists."""
    with reading(location) as connection:
        (row,) = _ask(connection, "SELECT * FROM proposals WHERE key = ?", [key])
        return Proposal.of(row, _approvals(connection, key))


_PLACES = "SELECT DISTINCT task, slot FROM standards WHERE to_time IS NULL"


def _ask(connection: Reader, sql: str, values: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [dict(zip(row.keys(), row, strict=True)) for row in connection.execute(sql, values).fetchall()]


def _approvals(connection: Reader, key: int) -> list[Mapping[str, Any]]:
    return _ask(connection, "SELECT * FROM approvals WHERE proposal_key = ? ORDER BY created, key", [key])


def _standard(connection: Reader, row: Mapping[str, Any], at: str) -> Standard:
    (proposed,) = _ask(connection, "SELECT author FROM proposals WHERE key = ?", [row["proposal_key"]])
    approvals = _approvals(connection, row["proposal_key"])
    given = [one for one in approvals if one["verdict"] == "approve"]
    approved = max((one["created"] for one in given), default="")
    return Standard.of(row, at, proposed["author"], tuple(one["actor"] for one in given), approved)
