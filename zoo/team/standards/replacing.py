"""Deprecates standards, and rolls them back; both are new events, and nothing is deleted."""

from __future__ import annotations

from zoo.errors import InvalidInput
from zoo.registry.database.location import Location
from zoo.team.identity.acting import NotAllowed, allow
from zoo.team.standards.change import Change, changing
from zoo.team.standards.entities import Place, Standard
from zoo.team.standards.permitting import card_of, check_policy
from zoo.team.standards.rules import StandardRules, domain_of, rules_in_force
from zoo.team.times import after_now


def deprecate(
    location: Location,
    place: Place,
    *,
    replace_by: str,
    until: str,
    reason: str | None = None,
    rules: StandardRules | None = None,
) -> Standard:
    """Deprecate the current standard: it can be used with a warning until a date, and no longer after it.

    Args:
        replace_by: id of the model to use instead; another standard's may be given.
        until: a date, or a number of days such as ``90d``.

    Raises:
        InvalidInput: there is no current standard, the date is not in the future, or it would replace itself.
        NotAllowed: the actor is not an approver of the task, or not an owner.
        PolicyRefusal: the policy denies the replacement.
        ZooError: there is no such model.
    """
    from zoo.sources import resolve

    end = after_now(until)
    replacement = resolve(replace_by)
    check_policy(replacement, "propose", replace_by)
    with changing(location) as change:
        _check(change, place, "deprecate standards", rules or rules_in_force())
        row = change.must_last(place)
        same = (replacement.id, replacement.revision) == (row["model"], row["revision"])
        if same:
            raise InvalidInput(f"'{replace_by}' is the standard itself.", "Name the model to use instead.")
        new = {**row, "state": "deprecated", "replacement": replace_by.strip(), "until": end}
        time = change.replace(place, "deprecate", new, reason)
        return _now(change, place, time)


def rollback(
    location: Location,
    place: Place,
    *,
    to: int | None = None,
    reason: str | None = None,
    rules: StandardRules | None = None,
) -> Standard:
    """Make the standard before the one in force current again, or end a deprecation.

    Args:
        to: number of the proposal of an earlier standard; None for the one before.

    Raises:
        InvalidInput: there is no earlier standard.
        NotAllowed: the actor is not an approver of the task, or not an owner.
        PolicyRefusal: the policy denies the earlier model, by what the registry knows of it.
    """
    with changing(location) as change:
        _check(change, place, "roll back standards", rules or rules_in_force())
        row = change.must_last(place)
        earlier = [
            one
            for one in change.ask(
                "SELECT * FROM standards WHERE task = ? AND slot = ? AND state = 'current' AND to_time IS NOT NULL "
                "ORDER BY key DESC",
                [place.task, place.slot],
            )
            if one["proposal_key"] != row["proposal_key"] or row["state"] == "deprecated"
        ]
        found = next((one for one in earlier if to in {None, one["proposal_key"]}), None)
        if found is None:
            which = "earlier standard" if to is None else f"earlier standard from proposal {to}"
            raise InvalidInput(f"There is no {which} for '{place}'.", f"See: zoo standard history {place.task}")
        check_policy(card_of(found["model"], found["revision"]), "approve", describe=False)
        return _now(change, place, change.replace(place, "roll back", found, reason))


def _check(change: Change, place: Place, doing: str, rules: StandardRules) -> None:
    domain = domain_of(place.task)
    allow(change.actor, "approver", doing, (domain, place.task))
    change.check_policy(place, rules.policy)
    owners = rules.of(domain, place.task, place.slot).owners
    if owners and change.actor.name not in owners:
        raise NotAllowed(
            f"'{change.actor.name}' is not an owner of '{place}' and may not {doing}.", f"Owners: {', '.join(owners)}."
        )


def _now(change: Change, place: Place, time: str) -> Standard:
    row = change.must_last(place)
    proposal = change.proposal(row["proposal_key"])
    approved = max((one.created for one in proposal.approvals if one.verdict == "approve"), default="")
    return Standard.of(row, time, proposal.author, proposal.approvers, approved)
