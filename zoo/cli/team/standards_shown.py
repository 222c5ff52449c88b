"""Shows standards and proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.team.standards.entities import Proposal, Standard
    from zoo.team.standards.outlook import Outlook


def standards_data(found: Sequence[Standard], outlook: Outlook) -> list[dict[str, Any]]:
    """Standards as JSON, with the day on which they are due for review."""
    reviews = [outlook.review(one) for one in found]
    return [
        {**one.to_dict(), "review_due": review.due if review else None}
        for one, review in zip(found, reviews, strict=True)
    ]


def proposals_data(found: Sequence[Proposal], outlook: Outlook) -> list[dict[str, Any]]:
    """Proposals as JSON, with the number of approvals that count and that are needed."""
    return [
        {**one.to_dict(), **dict(zip(("approvals_given", "approvals_needed"), outlook.approvals(one), strict=True))}
        for one in found
    ]


def warn_of_reviews(output: Output, found: Sequence[Standard], outlook: Outlook) -> None:
    """Warnings of standards that are due for review, and of a policy that cannot be read."""
    if outlook.problem:
        output.warn(f"The policy cannot be used, so its rules on standards are not known: {outlook.problem}")
    for one in found:
        review = outlook.review(one) if one.to_time is None and one.state != "retired" else None
        if review and review.overdue:
            again = f"zoo standard propose {one.model} --task {one.task} --slot {one.slot}"
            output.warn(f"{review.sentence} Propose it again, or another model: {again}")


def show_standards(output: Output, found: Sequence[Standard], outlook: Outlook) -> None:
    """A table of standards that are in force."""
    reviews = [outlook.review(one) for one in found]
    reviewed = any(reviews)
    columns = [
        Column("standard"),
        Column("model", fold=True),
        Column("revision", optional=2),
        Column("since"),
        Column("approved by", fold=True, optional=1),
        *([Column("review due")] if reviewed else []),
        Column("state"),
    ]
    rows = [
        [
            str(one.place),
            one.model,
            _short(one.revision),
            one.from_time[:10],
            outlook.people(one.approvers),
            *([review.due if review else "-"] if reviewed else []),
            one.state,
        ]
        for one, review in zip(found, reviews, strict=True)
    ]
    output.table(columns, rows)


def show_history(output: Output, found: Sequence[Standard], outlook: Outlook) -> None:
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
            outlook.people(one.approvers),
            one.state if one.to_time is None else f"{one.state}, ended",
        ]
        for one in found
    ]
    output.table(columns, rows)


def show_proposals(output: Output, found: Sequence[Proposal], title: str, outlook: Outlook) -> None:
    """A table of proposals."""
    columns = [
        Column("proposal", number=True),
        Column("standard"),
        Column("model", fold=True),
        Column("author", fold=True),
        Column("created", optional=1),
        Column("approved by", fold=True, optional=2),
        Column("approvals", number=True),
        Column("state"),
    ]
    rows = [
        [
            str(p.key),
            str(p.place),
            p.model,
            outlook.people([p.author]),
            p.created[:10],
            outlook.people(p.approvers) or "-",
            _of(*outlook.approvals(p)) if p.state == "open" else str(len(p.approvers)),
            p.state,
        ]
        for p in found
    ]
    output.table(columns, rows, title)


def show_proposal(output: Output, proposal: Proposal, outlook: Outlook) -> None:
    """The state of a proposal after a change, and what to do next."""
    if output.json:
        output.data(proposals_data([proposal], outlook)[0])
        return
    place = proposal.place
    if proposal.state == "approved":
        output.text(f"{proposal.model} is the standard for {place}. Use it as std:{place}")
        return
    output.text(f"Proposal {proposal.key}: {proposal.model} for {place} is {proposal.state}.")
    if proposal.state == "open":
        given, needed = outlook.approvals(proposal)
        by = f" ({outlook.people(proposal.approvers)})" if proposal.approvers else ""
        noun = "approval" if needed == 1 else "approvals"
        output.text(
            f"It has {given} of {needed} {noun}{by}. Someone else approves it: zoo standard approve {proposal.key}"
        )


def show_standard(output: Output, found: Standard, outlook: Outlook, proposal: Proposal | None = None) -> None:
    """One standard, with its proposal if it is given."""
    if output.json:
        extra = {} if proposal is None else {"proposed": proposal.to_dict()}
        output.data({**standards_data([found], outlook)[0], **extra})
        return
    review = outlook.review(found)
    facts = {
        "id": f"std:{found.place}",
        "model": found.model,
        "revision": found.revision or "-",
        "files": f"{len(found.files)} with hashes" if found.files else "not known",
        "state": found.state,
        "since": _minute(found.from_time),
        "proposed by": outlook.people([found.author]),
        "approved by": outlook.people(found.approvers),
    }
    if review:
        facts["review due"] = f"{review.due}, {review.max_age} days after the approval ({review.policy})"
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


def _of(given: int, needed: int) -> str:
    return f"{given} of {needed}"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _short(revision: str | None) -> str:
    return revision[:12] if revision else "-"
