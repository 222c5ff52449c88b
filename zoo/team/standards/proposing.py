"""Proposes models as standards, and decides on proposals."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.errors import InvalidInput
from zoo.registry.database.location import Location
from zoo.team.audit import without_secrets
from zoo.team.canonical import canonical
from zoo.team.identity.acting import NotAllowed, allow, allow_role
from zoo.team.standards.change import Change, OtherPolicy, changing
from zoo.team.standards.entities import Place, Proposal
from zoo.team.standards.permitting import check_policy, check_proposal
from zoo.team.standards.rules import SlotRule, StandardRules, domain_of, rules_in_force, task_called
from zoo.team.standards.subject import changes, check_fit, digest, evidence_of, manifest, pinned


class StaleProposal(InvalidInput):
    """What was proposed has changed since."""


def propose(
    location: Location,
    model: str,
    place: Place,
    *,
    evidence: Iterable[str] = (),
    reason: str | None = None,
    rules: StandardRules | None = None,
) -> Proposal:
    """Propose a model as the standard of a task and slot.

    Args:
        evidence: ids of runs, or ``measurement:17``.
        rules: None for those in force.

    Raises:
        InvalidInput: nothing pins the model, its evidence is not of this model and task, or it is proposed already.
        NotAllowed: the actor is not a member.
        PolicyRefusal: the policy denies the model; one that needs an approval can be proposed.
        ZooError: there is no such model or task.
    """
    rules, domain = rules or rules_in_force(), domain_of(place.task)
    rule = rules.of(domain, place.task, place.slot)
    card = pinned(model)
    check_fit(card, task_called(place.task))
    check_policy(card, "propose", model)
    with changing(location) as change:
        allow(change.actor, "member", "propose standards", (domain, place.task))
        change.check_policy(place, rules.policy)
        found = evidence_of(change.ask, evidence, card, place.task)
        for kind in rule.evidence:
            if not any(one["id"].startswith(f"{kind}:") for one in found):
                raise InvalidInput(f"A standard for '{place}' needs a {kind} as evidence.", "Name one with --evidence.")
        row = {
            "task": place.task,
            "slot": place.slot,
            "model": card.id,
            "revision": card.revision,
            "manifest": manifest(card.files),
            "policy": rules.policy,
            "evidence": canonical(found),
            "author": change.actor.name,
            "reason": without_secrets(reason),
            "state": "open",
        }
        row["digest"] = digest(place, row)
        _check_new(change, place, str(row["digest"]))
        key = change.statements.next_key("proposals")
        names = ("task", "slot", "model", "revision", "policy", "digest")
        facts = {**{name: row[name] for name in names}, "evidence": [one["id"] for one in found]}
        time = change.record("propose", f"proposal:{key}", after=facts, reason=reason)
        change.insert("proposals", {**row, "created": time}, key)
        return change.proposal(key)


def approve(location: Location, key: int, *, reason: str | None = None, rules: StandardRules | None = None) -> Proposal:
    """Approve a proposal; with the last approval that is needed, its model becomes the standard.

    Raises:
        StaleProposal: what it covers has changed since; it is stale from now on.
        OtherPolicy: it was made under another policy; it stays open.
        NotAllowed: the actor is its author, not an approver of its task, or not an owner.
        PolicyRefusal: the policy denies the model.
        InvalidInput: it is not open, or the actor has approved it already.
    """
    rules = rules or rules_in_force()
    check_proposal(location, key)
    with changing(location) as change:
        proposal, rule = _decidable(change, key, "approve", rules)
        if proposal.policy != rules.policy:
            raise OtherPolicy(
                f"Proposal {key} was made under a different policy from the one in force here.",
                f"Approve it in the folder of that policy; if the policy has changed: {_again(proposal)}",
            )
        stale = _mark_stale(change, proposal)
        if not stale:
            _add_verdict(change, proposal, "approve", reason)
            if len(rule.counted(_counting(change, proposal))) >= max(1, rule.approvals):
                change.set_state(proposal, "approved")
                (row,) = change.ask("SELECT * FROM proposals WHERE key = ?", [key])
                new = {**row, "state": "current", "proposal_key": key}
                change.replace(proposal.place, "make current", new, proposal.reason)
        proposal = change.proposal(key)
    if stale:
        raise StaleProposal(f"Proposal {key} is stale, because {stale[0]}.", f"Propose it again: {_again(proposal)}")
    return proposal


def reject(location: Location, key: int, *, reason: str | None = None, rules: StandardRules | None = None) -> Proposal:
    """Reject a proposal; raises as ``approve``, but a stale proposal can be rejected."""
    with changing(location) as change:
        rules = rules or rules_in_force()
        proposal, _ = _decidable(change, key, "reject", rules)
        change.check_policy(proposal.place, rules.policy)
        _add_verdict(change, proposal, "reject", reason)
        change.set_state(proposal, "rejected")
        return change.proposal(key)


def withdraw(location: Location, key: int, *, reason: str | None = None) -> Proposal:
    """Withdraw one's own proposal.

    Raises:
        NotAllowed: the actor is neither its author nor an admin.
        InvalidInput: it is not open.
    """
    with changing(location) as change:
        proposal = change.open_proposal(key)
        if proposal.author != change.actor.name:
            if change.actor.role is None:
                raise NotAllowed(f"Proposal {key} is of {proposal.author}.", f"Reject it: zoo standard reject {key}")
            allow_role(change.actor, "admin", "withdraw proposals of others")
        change.record(
            "withdraw", proposal.object, before={"state": "open"}, after={"state": "withdrawn"}, reason=reason
        )
        change.set_state(proposal, "withdrawn")
        return change.proposal(key)


def _again(proposal: Proposal) -> str:
    return f"zoo standard propose {proposal.model} --task {proposal.task} --slot {proposal.slot}"


def _check_new(change: Change, place: Place, digest: str) -> None:
    same = change.ask("SELECT key FROM proposals WHERE digest = ? AND state = 'open'", [digest])
    if same:
        raise InvalidInput(
            f"This is proposed already, as proposal {same[0]['key']}.",
            f"Approve it: zoo standard approve {same[0]['key']}",
        )
    row = change.lasting(place)
    if row is not None and row["state"] == "current" and change.proposal(row["proposal_key"]).digest == digest:
        raise InvalidInput(
            f"'{row['model']}' is the standard for '{place}' already.", f"See: zoo standard show {place}"
        )


def _decidable(change: Change, key: int, verb: str, rules: StandardRules) -> tuple[Proposal, SlotRule]:
    """An open proposal on which the actor may decide, and the rule for its slot."""
    proposal = change.open_proposal(key)
    domain = domain_of(proposal.task)
    if proposal.author == change.actor.name:
        raise NotAllowed(
            f"Proposal {key} is your own, so someone else must {verb} it.", f"Take it back: zoo standard withdraw {key}"
        )
    allow(change.actor, "approver", f"{verb} proposals", (domain, proposal.task))
    rule = rules.of(domain, proposal.task, proposal.slot)
    if rule.owners and change.actor.name not in rule.owners:
        raise NotAllowed(
            f"'{change.actor.name}' is not an owner of '{proposal.place}' and may not {verb} proposals for it.",
            f"Owners: {', '.join(rule.owners)}.",
        )
    return proposal, rule


def _mark_stale(change: Change, proposal: Proposal) -> list[str]:
    """Set a proposal's state to stale if what it covers has changed; return the changes."""
    (row,) = change.ask("SELECT * FROM proposals WHERE key = ?", [proposal.key])
    found = changes(change.ask, row)
    if row["digest"] != digest(proposal.place, row):
        found.append("the proposal itself was changed")
    if found:
        change.record(
            "mark stale", proposal.object, before={"state": "open"}, after={"state": "stale"}, reason="; ".join(found)
        )
        change.set_state(proposal, "stale")
    return found


def _add_verdict(change: Change, proposal: Proposal, verdict: str, reason: str | None) -> None:
    if any(one.actor == change.actor.name for one in proposal.approvals):
        raise InvalidInput(f"You have approved proposal {proposal.key} already.", "It needs the approval of others.")
    time = change.record(
        verdict, proposal.object, after={"model": proposal.model, "digest": proposal.digest}, reason=reason
    )
    change.insert(
        "approvals",
        {
            "proposal_key": proposal.key,
            "actor": change.actor.name,
            "verdict": verdict,
            "reason": without_secrets(reason),
            "digest": proposal.digest,
            "created": time,
        },
    )


def _counting(change: Change, proposal: Proposal) -> list[str]:
    """Who approved the digest of a proposal, without users who were removed since."""
    rows = change.ask(
        "SELECT actor FROM approvals WHERE proposal_key = ? AND verdict = 'approve' AND digest = ? AND NOT EXISTS "
        "(SELECT 1 FROM actors WHERE email = actor AND disabled IS NOT NULL)",
        [proposal.key, proposal.digest],
    )
    return [row["actor"] for row in rows]
