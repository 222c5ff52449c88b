"""One change of a team's standards: a transaction in which someone acts, and all that it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zoo.errors import InvalidInput, suggest
from zoo.registry.database.location import Location
from zoo.team import audit
from zoo.team.identity.acting import acting
from zoo.team.standards.entities import Place, Proposal
from zoo.team.standards.known import forget
from zoo.team.standards.rules import WITHOUT_POLICY

if TYPE_CHECKING:
    from sqlmodel import Session

LASTING = "SELECT * FROM standards WHERE task = ? AND slot = ? AND to_time IS NULL"
APPROVALS = "SELECT * FROM approvals WHERE proposal_key = ? ORDER BY created, key"


class OtherPolicy(InvalidInput):
    """A proposal or standard was made under a different policy from the one in force here."""


class Change:
    """A transaction that writes.

    Attributes:
        actor: who acts.
    """

    def __init__(self, session: Session) -> None:
        from zoo.registry.database.statements import Statements

        self._session = session
        self.statements = Statements(session.connection())
        self.actor = acting(session)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Mapping[str, Any]]:
        """The rows of a query."""
        return list(self.statements.ask_named(sql, values))

    def record(
        self,
        action: str,
        object: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> str:
        """Add an event to the audit; return its time."""
        return audit.append(
            self._session, self.actor.name, self.actor.via, action, object, before=before, after=after, reason=reason
        ).time

    def insert(self, table: str, values: Mapping[str, Any], key: int | None = None) -> None:
        """Add a row."""
        row = {"key": self.statements.next_key(table) if key is None else key, **values}
        marks = ", ".join("?" * len(row))
        self.statements.run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [tuple(row.values())])

    def proposal(self, key: int) -> Proposal:
        """A proposal with its approvals.

        Raises:
            InvalidInput: there is no such proposal.
        """
        rows = self.ask("SELECT * FROM proposals WHERE key = ?", [key])
        if not rows:
            raise InvalidInput(f"There is no proposal {key}.", "See: zoo standard list")
        return Proposal.of(rows[0], self.ask(APPROVALS, [key]))

    def open_proposal(self, key: int) -> Proposal:
        """A proposal that is open; raises as ``proposal``, and if it is not."""
        found = self.proposal(key)
        if found.state != "open":
            raise InvalidInput(f"Proposal {key} is {found.state}, not open.", f"See: zoo standard history {found.task}")
        return found

    def set_state(self, proposal: Proposal, state: str) -> None:
        """Change the state of a proposal."""
        self.statements.run("UPDATE proposals SET state = ? WHERE key = ?", [(state, proposal.key)])

    def lasting(self, place: Place) -> Mapping[str, Any] | None:
        """The row of the standard that is in force, current or deprecated."""
        return next(iter(self.ask(LASTING, [place.task, place.slot])), None)

    def check_policy(self, place: Place, policy: str) -> None:
        """Refuse to change a standard that was agreed under a policy where none is in force.

        Raises:
            OtherPolicy: none is in force here.
        """
        row = self.lasting(place)
        if policy == WITHOUT_POLICY and row and self.proposal(row["proposal_key"]).policy != WITHOUT_POLICY:
            raise OtherPolicy(
                f"The standard for '{place}' was agreed under a policy, and none is in force here.",
                "Run this in the folder of the policy, or set ZOO_POLICY.",
            )

    def must_last(self, place: Place) -> Mapping[str, Any]:
        """The row of the standard that is in force.

        Raises:
            InvalidInput: there is none.
        """
        row = self.lasting(place)
        if row is None:
            known = [str(Place(one["task"], one["slot"])) for one in self.ask(f"{_ALL} WHERE to_time IS NULL")]
            raise InvalidInput(f"There is no standard for '{place}'.", suggest(str(place), known) or _LIST)
        return row

    def replace(self, place: Place, action: str, row: Mapping[str, Any], reason: str | None) -> str:
        """End the standard that is in force and begin another one, recorded as ``action``; return the time."""
        before = self.lasting(place)
        time = self.record(action, place.object, before=before and _facts(before), after=_facts(row), reason=reason)
        if before is not None:
            self.statements.run("UPDATE standards SET to_time = ? WHERE key = ?", [(time, before["key"])])
        names = ("task", "slot", "model", "revision", "manifest", "state", "replacement", "until", "proposal_key")
        self.insert("standards", {**{name: row.get(name) for name in names}, "from_time": time})
        return time


_ALL = "SELECT * FROM standards"
_LIST = "See: zoo standard list"


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit keeps of a standard."""
    return {name: row.get(name) for name in ("model", "revision", "state", "replacement", "until", "proposal_key")}


@contextmanager
def changing(location: Location) -> Iterator[Change]:
    """A transaction in which someone acts, stored atomically.

    Raises:
        NotAllowed: it is not known who acts.
    """
    from zoo.registry.writing.transaction import writing

    try:
        with writing(location) as session:
            yield Change(session)
    finally:
        forget()
