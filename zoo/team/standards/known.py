"""The standards in force with what was agreed on, as far as it is sound; kept for a moment in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.errors import PolicyRefusal, ZooError
from zoo.registry.database.connection import reading
from zoo.registry.database.location import Location
from zoo.team.standards.entities import Place, Standard
from zoo.team.standards.subject import digest
from zoo.team.times import now

SECONDS = 1.0
"""How long they are kept: a search decides on many models at once."""


@dataclass(frozen=True)
class Agreed:
    """A standard in force, current or deprecated, that is as it was proposed.

    Attributes:
        standard: its ``approvers`` are those of exactly this proposal, without its author.
        policy: digest of the policy under which it was approved.
    """

    standard: Standard
    policy: str


_kept: dict[Location, tuple[float, tuple[Agreed, ...]]] = {}


def agreed(location: Location) -> tuple[Agreed, ...]:
    """The standards in force; one whose row, proposal or digest do not match is not among them.

    Raises:
        RegistryError: the registry cannot be read.
    """
    kept = _kept.get(location)
    if kept is None or time.monotonic() - kept[0] > SECONDS:
        kept = _kept[location] = (time.monotonic(), tuple(_read(location)))
    return kept[1]


def confirmed(location: Location, found: Standard) -> Agreed:
    """What was agreed on for a standard in force that was read without its proposal.

    Raises:
        PolicyRefusal: its row, its proposal and its approvals do not match, as after a change by hand.
        RegistryError: the registry cannot be read.
    """
    for _ in range(2):
        for one in agreed(location):
            known = one.standard
            if (known.place, known.from_time) == (found.place, found.from_time) and known.approvers:
                return one
        forget()  # it may have become the standard a moment ago
    raise PolicyRefusal(f"The standard for '{found.place}' does not match its approvals.", "Run: zoo audit verify")


def forget() -> None:
    """Read them again at the next call, after a change."""
    _kept.clear()


def _read(location: Location) -> list[Agreed]:
    with reading(location) as connection:
        rows = _named(connection.execute(_STANDARDS).fetchall())
        approvals = _named(connection.execute(_APPROVALS).fetchall()) if rows else []
    found = []
    for row in rows:
        approvers = tuple(
            one["actor"]
            for one in approvals
            if (one["proposal_key"], one["digest"]) == (row["proposal_key"], row["digest"])
            and one["actor"] != row["author"]
        )
        try:
            standard = Standard.of(row, now(), row["author"], approvers)
            if standard.state != "retired" and _sound(row):
                found.append(Agreed(standard, row["policy"]))
        except ZooError:  # a row that cannot be read approves nothing
            continue
    return found


_STANDARDS = (
    "SELECT s.*, p.author, p.policy, p.evidence, p.digest, p.task AS of_task, p.slot AS of_slot, p.model AS of_model, "
    "p.revision AS of_revision, p.manifest AS of_manifest FROM standards s JOIN proposals p ON p.key = s.proposal_key "
    "WHERE s.to_time IS NULL AND p.state = 'approved'"
)
_APPROVALS = (
    "SELECT a.proposal_key, a.actor, a.digest FROM approvals a JOIN standards s ON s.proposal_key = a.proposal_key "
    "WHERE s.to_time IS NULL AND a.verdict = 'approve' ORDER BY a.created, a.key"
)


def _named(rows: list[Any]) -> list[Mapping[str, Any]]:
    return [dict(zip(row.keys(), row, strict=True)) for row in rows]


def _sound(row: Mapping[str, Any]) -> bool:
    same = all(row[name] == row[f"of_{name}"] for name in ("task", "slot", "model", "revision", "manifest"))
    return same and digest(Place(row["task"], row["slot"]), row) == row["digest"]
