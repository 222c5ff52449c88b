"""The audit: who did what and when, as a chain of hashes that shows every later change.

The hash of a row is the SHA-256 of the hash before it, followed by the row in canonical JSON (RFC 8785).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.entities import Entity
from zoo.errors import InvalidInput, RegistryError
from zoo.redaction import HIDDEN, redacted, redacted_values
from zoo.registry.database import audit_triggers, schema
from zoo.registry.database.audit_triggers import START
from zoo.registry.database.connection import reading, streamed
from zoo.registry.database.location import Location
from zoo.team.canonical import canonical
from zoo.team.times import now
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from sqlmodel import Session

HASHED = ("seq", "time", "clock", "actor", "via", "action", "object", "before", "after", "reason")
"""The columns that the hash of a row covers, besides the hash before it."""

COLUMNS = (*HASHED, "prev", "hash")

TOKEN = re.compile(r"zoo_[A-Za-z0-9_-]{43}")
"""What a token looks like; none is ever written to the audit."""

_HEAD = re.compile(r"(?:(\d{1,15}):)?([0-9a-f]{64})\Z")


@dataclass(frozen=True)
class Event(Entity):
    """One row of the audit.

    Attributes:
        seq: its number, from 1 on.
        time: in UTC, never earlier than that of the row before.
        clock: the time of the machine's clock if that was earlier; ``time`` then repeats the time of the row before.
        actor: e-mail address or name of who did it.
        via: how the actor is known: ``token``, or ``git`` or ``os``, which are unverified.
        object: what was changed, such as ``proposal:3``.
        before: what it was; None if it is new.
        after: what it is now.
        prev: the hash of the row before.
        hash: the hash of this row.
    """

    seq: int
    time: str
    actor: str
    via: str
    action: str
    object: str
    prev: str
    hash: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None
    clock: str | None = None


@dataclass(frozen=True)
class Verification(Entity):
    """The result of verifying the audit.

    Attributes:
        rows: number of rows that were verified, from the first.
        head: the last of them as ``seq:hash``, to be kept elsewhere; None if there is none.
        bad: number of the first row that is changed, missing or out of place; None if there is none.
        problem: what is wrong with it, in a sentence.
        unprotected: names of the triggers that are missing.
    """

    rows: int
    head: str | None = None
    bad: int | None = None
    problem: str | None = None
    unprotected: tuple[str, ...] = ()


def append(
    session: Session,
    actor: str,
    via: str,
    action: str,
    object: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> Event:
    """Add an event within the caller's transaction, which holds the lock of the registry's only writer.

    Use its time for whatever else the transaction writes: it never runs backwards.

    Raises:
        InvalidInput: a value cannot be stored.
    """
    from zoo.registry.database.statements import Statements

    statements = Statements(session.connection())
    last = statements.ask("SELECT seq, time, hash FROM audit ORDER BY seq DESC LIMIT 1")
    seq, latest, prev = last[0] if last else (0, "", START)
    clock = now()
    values: dict[str, Any] = {
        "seq": int(seq) + 1,
        "time": max(clock, latest),
        "clock": clock if clock < latest else None,
        "actor": actor,
        "via": via,
        "action": action,
        "object": object,
        "before": _document(before),
        "after": _document(after),
        "reason": without_secrets(reason),
    }
    for name in ("actor", "object", "reason"):
        if "\0" in (values[name] or ""):
            raise InvalidInput(f"The {name} holds a NUL character.", "Write it without.")
    values |= {"prev": prev, "hash": row_hash(prev, values)}
    marks = ", ".join("?" * len(COLUMNS))
    statements.run(f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({marks})", [[values[name] for name in COLUMNS]])
    return _event(values)


def without_secrets(text: str | None) -> str | None:
    """A text of a user as it may be stored: without tokens, passwords and the secrets of the environment."""
    return None if text is None else TOKEN.sub(HIDDEN, redacted(text))


def row_hash(prev: str, row: Mapping[str, Any]) -> str:
    """The hash of a row after the hash ``prev``."""
    return hashlib.sha256(f"{prev}{canonical({name: row[name] for name in HASHED})}".encode()).hexdigest()


def events(
    location: Location,
    *,
    actor: str | None = None,
    object: str | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> Iterator[Event]:
    """The events of the audit, oldest first.

    Args:
        object: an object, or a pattern with ``*``.
        since: a time as the table holds it.
        limit: only the newest ones, at most this many.
    """
    values: list[Any] = []
    conditions = ["1 = 1"]
    exact, pattern = (None, _pattern(object)) if object and "*" in object else (object, None)
    for condition, value in (
        ("actor = ?", actor),
        ("object = ?", exact),
        ("object LIKE ? ESCAPE '!'", pattern),
        ("time >= ?", since),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    sql = f"SELECT {', '.join(COLUMNS)} FROM audit WHERE {' AND '.join(conditions)} ORDER BY seq"
    if limit is not None:
        sql = f"SELECT * FROM ({sql} DESC LIMIT ?) newest ORDER BY seq"
        values.append(limit)
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        for row in streamed(connection, sql, values):
            try:
                yield _event(dict(zip(COLUMNS, row, strict=True)))
            except ValueError as error:
                raise RegistryError(
                    f"Row {row[0]} of the audit is damaged: {error}.", "Run: zoo audit verify"
                ) from error


def verify(location: Location, head: str | None = None) -> Verification:
    """Compute the chain again, from the first row to the last.

    A changed, missing or moved row is always found. Whether rows at the end are missing, or the whole chain was
    replaced, only a head that was kept elsewhere can show.

    Args:
        head: a hash, or ``seq:hash``, that the audit had earlier.

    Raises:
        InvalidInput: ``head`` is neither.
    """
    known = None if head is None else _HEAD.match(head.strip().lower())
    if head is not None and known is None:
        raise InvalidInput(f"'{head}' is not a digest of the audit.", "It has 64 hex digits; see: zoo audit verify")
    rows, prev, seen = 0, START, head is None
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        unprotected = tuple(audit_triggers.missing(connection))
        # A changed byte may make a text invalid, which SQLite returns only as bytes.
        sqlite = schema.is_sqlite(connection)
        selected = ", ".join(f"CAST({name} AS BLOB)" if sqlite and name != "seq" else name for name in COLUMNS)
        for values in streamed(connection, f"SELECT {selected} FROM audit ORDER BY seq"):
            problem = _wrong(values, rows + 1, prev)
            if problem is not None:
                bad = min(int(values[0]), rows + 1)
                return Verification(rows, f"{rows}:{prev}" if rows else None, bad, problem, unprotected)
            rows, prev = rows + 1, _decoded(values)["hash"]
            seen = seen or (known is not None and known[2] == prev and int(known[1] or rows) == rows)
    last = f"{rows}:{prev}" if rows else None
    if not seen:
        assert known is not None
        bad = int(known[1]) if known[1] and int(known[1]) <= rows else rows + 1
        return Verification(rows, last, bad, _UNKNOWN_HEAD, unprotected)
    return Verification(rows, last, unprotected=unprotected)


def head(location: Location) -> str | None:
    """The last row of the audit as ``seq:hash``; None if there is none."""
    with reading(location) as connection:
        schema.must_be_newest(connection, location)
        last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", ()).fetchall()
    return f"{last[0][0]}:{last[0][1]}" if last else None


def problems(location: Location) -> list[str]:
    """What is wrong with the chain, as sentences; empty if nothing is."""
    found = verify(location)
    return [] if found.bad is None else [f"Row {found.bad} of the audit is not as it was written: {found.problem}."]


_UNKNOWN_HEAD = "no row has the given digest: the end of the audit was removed, or the audit was replaced"


def _wrong(values: Any, expected: int, prev: str) -> str | None:
    """What is wrong with a row, of which the values come as bytes from SQLite."""
    seq = int(values[0])
    if seq != expected:
        return "it is missing" if seq > expected else "its number is not positive"
    try:
        row = _decoded(values)
    except UnicodeDecodeError:
        return "it was changed: a text is not valid Unicode"
    if row["prev"] != prev:
        return f"it does not continue row {seq - 1}" if seq > 1 else "it does not begin the chain"
    return None if row["hash"] == row_hash(prev, row) else "it was changed: its hash does not match"


def _decoded(values: Any) -> dict[str, Any]:
    texts = [value.decode() if isinstance(value, bytes) else value for value in values]
    return dict(zip(COLUMNS, texts, strict=True))


def export(location: Location, path: Path) -> int:
    """Write all events as JSON, one per line; return their number.

    ``before`` and ``after`` are objects there; in the row that is hashed, each is a text of canonical JSON.

    Raises:
        StorageError: the file cannot be written.
    """
    from zoo.atomic import replacing

    count = 0
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        for event in events(location):
            file.write(canonical(event.to_dict()) + "\n")
            count += 1
    return count


def _event(row: Mapping[str, Any]) -> Event:
    try:
        documents = {name: None if row[name] is None else parse_json(row[name]) for name in ("before", "after")}
    except ValueError as error:
        raise RegistryError(f"Event {row['seq']} of the audit cannot be read.", "Run: zoo audit verify") from error
    return Event(**{**row, **documents})


def _document(value: Mapping[str, Any] | None) -> str | None:
    if value is None:
        return None
    return TOKEN.sub(HIDDEN, canonical(redacted_values({name: one for name, one in value.items() if one is not None})))


def _pattern(object: str) -> str:
    for character in "!%_":
        object = object.replace(character, f"!{character}")
    return object.replace("*", "%")
