"""Asks the policy about locked models: one that needs an approval is allowed if it was agreed under this policy."""

from __future__ import annotations

from zoo.contract.deciding import Decision, Use, Verdict
from zoo.entities import ModelCard
from zoo.plugins.deciding import active, decide, refusal, warn
from zoo.sources.permitting import Known, about
from zoo.team.lock.entities import Agreed
from zoo.team.standards.entities import Place
from zoo.team.standards.rules import rules_in_force
from zoo.team.standards.source import check_approvals


def known_of(card: ModelCard, asked: str = "", *, describe: bool = False) -> Known:
    """What a policy decides on; without a policy, the card alone.

    Args:
        asked: the reference that the user gave.
        describe: whether to ask the platform what the card lacks.
    """
    return about(card, asked, describe=describe) if active() else Known(card, Use())


def permit(known: Known, action: str, agreed: Agreed | None, standard: str | None = None) -> Decision:
    """The decision on a use of a locked model; a warning is issued once in a process.

    Args:
        agreed: the approvals of the standard that it was locked as.
        standard: that standard.

    Raises:
        PolicyRefusal: it is denied, needs an approval that it does not have, or is a standard with fewer approvals
            than the policy demands.
    """
    if not active():
        return Decision()
    decision = decide(known.card, action, known.use)
    if refused(decision, agreed):
        raise refusal(known.card, action, decision)
    if standard is not None:
        check_approvals(Place.parse(standard), agreed.by if agreed else ())
    warn(known.card, action, decision)
    return decision


def refused(decision: Decision, agreed: Agreed | None) -> bool:
    """Whether a decision stands against a locked model."""
    if decision.verdict is Verdict.NEEDS_APPROVAL and agreed is not None:
        return agreed.policy != rules_in_force().policy
    return decision.verdict > Verdict.WARN
