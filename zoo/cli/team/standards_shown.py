"""Shows standards and proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.team.standards.entities import Proposal, Standard


def show_standards(output: Output, found: Sequence[Standard]) -> None:
    """A table of standards that are in force."""
    columns = [
        Column("standard"),
        Column("model", fold=True),
        Column("revision", optional=2),
        Column("since"),
        Column("approved by", fold=True, optional=1),
        Column("state"),
    ]
    rows = [
        [str(one.place), one.model, _short(one.revision), one.from_time[:10], ", ".join(one.approvers), one.state]
        for one in found
    ]
    output.table(columns, rows)


def show_history(output: Output, found: Sequence[Standard]) -> None:
    """A table of all periods of the standards of one task."""
    columns = [
        Column("slot"),
        Column("model", fold=True),
        Column("since"),
        Column("until"),
        Column("proposal", number=True, optional=2),
        Column("approved by", fold=True, optional=1),
        Column("state"),
    ]
    rows = [
        [
            one.slot,
            one.model,
            _minute(one.from_time),
            _minute(one.to_time) if one.to_time else "-",
            str(one.proposal),
            ", ".join(one.approvers),
            one.state if one.to_time is None else f"{one.state}, ended",
        ]
        for one in found
    ]
    output.table(columns, rows)


def show_proposals(output: Output, found: Sequence[Proposal], title: str) -> None:
    """A table of proposals."""
    columns = [
        Column("proposal", number=True),
        Column("standard"),
        Column("model", fold=True),
        Column("author", fold=True),
        Column("created", optional=1),
        Column("approved by", fold=True, optional=2),
        Column("state"),
    ]
    rows = [
        [str(p.key), str(p.place), p.model, p.author, p.created[:10], ", ".join(p.approvers) or "-", p.state]
        for p in found
    ]
    output.table(columns, rows, title)


def show_proposal(output: Output, proposal: Proposal) -> None:
    """The state of a proposal after a change, and what to do next."""
    if output.json:
        output.data(proposal.to_dict())
        return
    place = proposal.place
    if proposal.state == "approved":
        output.text(f"{proposal.model} is the standard for {place}. Use it as std:{place}")
        return
    output.text(f"Proposal {proposal.key}: {proposal.model} for {place} is {proposal.state}.")
    if proposal.state == "open":
        given = f" It has the approval of {', '.join(proposal.approvers)}." if proposal.approvers else ""
        output.text(f"Someone else approves it: zoo standard approve {proposal.key}.{given}")


def show_standard(output: Output, found: Standard, proposal: Proposal | None = None) -> None:
    """One standard, with its proposal if it is given."""
    if output.json:
        extra = {} if proposal is None else {"proposed": proposal.to_dict()}
        output.data({**found.to_dict(), **extra})
        return
    facts = {
        "id": f"std:{found.place}",
        "model": found.model,
        "revision": found.revision or "-",
        "files": f"{len(found.files)} with hashes" if found.files else "not known",
        "state": found.state,
        "since": _minute(found.from_time),
        "proposed by": found.author,
        "approved by": ", ".join(found.approvers),
    }
    if found.replacement:
        facts |= {"until": (found.until or "")[:10], "use instead": found.replacement}
    if proposal is not None:
        facts |= {
            "reason": proposal.reason or "-",
            "evidence": ", ".join(one["id"] for one in proposal.evidence) or "-",
            "proposal": str(proposal.key),
            "digest": proposal.digest,
        }
    output.table([Column("field"), Column("value", fold=True)], [[name, value] for name, value in facts.items()])


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _short(revision: str | None) -> str:
    return revision[:12] if revision else "-"
