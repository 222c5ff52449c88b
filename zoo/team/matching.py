"""Compares the tables of a team with the audit: every row must follow from the events, so one changed by hand shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import RegistryError
from zoo.registry.database import schema
from zoo.registry.database.connection import Reader, reading, streamed
from zoo.registry.database.location import Location, Server
from zoo.team.audit import without_secrets
from zoo.team.standards.entities import Place
from zoo.team.standards.subject import digest
from zoo.untrusted import parse_json

Row = dict[str, Any]

_ENDS = {"reject": "rejected", "withdraw": "withdrawn", "mark stale": "stale"}
_PERIODS = ("make current", "deprecate", "roll back")
_STANDARD = ("model", "revision", "state", "replacement", "until", "proposal_key")
_PROPOSAL = ("task", "slot", "model", "revision", "policy", "digest")


@dataclass
class Expected:
    """What the tables hold if every change was made through zoo: rows by what identifies them."""

    proposals: dict[Any, Row] = field(default_factory=dict)
    approvals: dict[Any, Row] = field(default_factory=dict)
    standards: dict[Any, Row] = field(default_factory=dict)
    actors: dict[Any, Row] = field(default_factory=dict)
    tokens: dict[Any, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lasting: dict[str, Row] = {}
        self.problems: list[str] = []

    def add(self, event: Mapping[str, Any]) -> None:
        """Apply one event; one that zoo cannot have written is named in ``problems``."""
        try:
            self._add(event)
        except (ValueError, TypeError, KeyError, AttributeError):  # of any type in any place of a forged event
            object = ascii(event["object"])[:60]
            self.problems.append(f"Event {event['seq']} of the audit, on {object}, is not one that zoo writes.")

    def _add(self, event: Mapping[str, Any]) -> None:
        action, (kind, _, key), time = event["action"], event["object"].partition(":"), event["time"]
        after = parse_json(event["after"]) if event["after"] else {}
        if not isinstance(after, dict):
            raise TypeError("not an object")
        if kind == "proposal":
            self._proposal(action, int(key), after, event)
        elif kind == "standard" and action in _PERIODS:
            task, _, slot = key.rpartition("/")
            row = {**_chosen(after, _STANDARD), "to_time": None}
            if key in self._lasting:
                self._lasting[key]["to_time"] = time
            self._lasting[key] = self.standards[task, slot, time] = row
            if action == "make current":
                self.proposals.get(row["proposal_key"], {})["state"] = "approved"
        elif kind == "user":
            self._user(action, key, after, time)
        elif action == "create token":
            self.tokens[key] = {**_chosen(after, ("user", "role", "scope", "expires")), "revoked": None}
        elif action == "revoke token":
            self.tokens.get(key, {})["revoked"] = time

    def _proposal(self, action: str, key: int, after: Row, event: Mapping[str, Any]) -> None:
        if action == "propose":
            known = {"author": event["actor"], "created": event["time"], "state": "open"}
            self.proposals[key] = {**_chosen(after, _PROPOSAL), **known}
        if action in {"approve", "reject"}:
            row = {"verdict": action, "digest": after.get("digest"), "created": event["time"]}
            self.approvals[key, event["actor"]] = row
        if action in _ENDS:
            self.proposals.get(key, {})["state"] = _ENDS[action]

    def _user(self, action: str, email: str, after: Row, time: str) -> None:
        if action == "remove user":
            self.actors.get(email, {})["disabled"] = time
            for token in self.tokens.values():
                if token["user"] == email and token["revoked"] is None:
                    token["revoked"] = time
        else:
            self.actors[email] = {**_chosen(after, ("role", "scope")), "disabled": None}


def mismatches(location: Location) -> list[str]:
    """The rows of the team's tables that do not follow from the audit, each in a sentence; empty if all do.

    The audit itself is not verified, see ``zoo.team.audit.verify``.
    """
    expected = Expected()
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        # One snapshot, so that a change at this moment is in the audit and in the tables, or in neither.
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if isinstance(location, Server) else "BEGIN")
        names = ("seq", "time", "actor", "action", "object", "after")
        for values in streamed(connection, f"SELECT {', '.join(names)} FROM audit ORDER BY seq"):
            expected.add(dict(zip(names, values, strict=True)))
        return [*_compared(connection, expected)]


def _compared(connection: Reader, expected: Expected) -> Iterator[str]:
    yield from expected.problems
    found = {row["key"]: row for row in _rows(connection, "SELECT * FROM proposals")}
    yield from _different("proposal", expected.proposals, found, str)
    for key, row in found.items():
        try:
            same = digest(Place(row["task"], row["slot"]), row) == row["digest"]
        except RegistryError as error:
            yield error.message
            continue
        if not same:
            yield f"The files or the evidence of proposal {key} are not those of its digest."
    approvals = {(row["proposal_key"], row["actor"]): row for row in _rows(connection, "SELECT * FROM approvals")}
    yield from _different("approval", expected.approvals, approvals, lambda key: f"of proposal {key[0]} by {key[1]}")
    standards = {
        (row["task"], row["slot"], row["from_time"]): row for row in _rows(connection, "SELECT * FROM standards")
    }
    for key, row in expected.standards.items():
        row["manifest"] = found.get(row["proposal_key"], {}).get("manifest")
        if key in standards and row["replacement"] is not None:
            standards[key]["replacement"] = without_secrets(standards[key]["replacement"])
    yield from _different("standard", expected.standards, standards, lambda key: f"{key[0]}/{key[1]} of {key[2]}")
    actors = {row["email"]: row for row in _rows(connection, "SELECT * FROM actors")}
    yield from _different("user", expected.actors, actors, str)
    sql = 'SELECT t.*, a.email AS "user" FROM tokens t JOIN actors a ON a.key = t.actor_key'
    yield from _different("token", expected.tokens, {row["prefix"]: row for row in _rows(connection, sql)}, str)


def _different(kind: str, expected: Mapping[Any, Row], found: Mapping[Any, Row], named: Any) -> Iterator[str]:
    for key, row in found.items():
        if key not in expected:
            yield f"The {kind} {named(key)} is in no event of the audit."
            continue
        wrong = [name for name, value in expected[key].items() if row[name] != value]
        for name in wrong:
            yield (
                f"The {kind} {named(key)} has {_shown(name, row[name])}, and by the audit "
                f"{_shown(name, expected[key][name])}."
            )
    for key in expected:
        if key not in found:
            yield f"The {kind} {named(key)} is in the audit and not in its table."


def _shown(name: str, value: Any) -> str:
    text = "none" if value is None else str(value)
    return f"the {name.replace('_', ' ')} {text[:60]}{'...' if len(text) > 60 else ''}"


def _chosen(values: Mapping[str, Any], names: tuple[str, ...]) -> Row:
    return {name: values.get(name) for name in names}


def _rows(connection: Reader, sql: str) -> list[Row]:
    return [dict(zip(row.keys(), row, strict=True)) for row in connection.execute(sql).fetchall()]
