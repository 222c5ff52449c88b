"""Asks the policy about locked models: one that needs an approval is allowed if it was agreed under this policy."""

from __future__ import annotations

from zoo.contract.deciding import Decision, Use, Verdict
from zoo.entities import ModelCard
from zoo.errors import PolicyRefusal
from zoo.plugins.deciding import active, decide, explained
from zoo.sources.permitting import Known, about
from zoo.team.lock.entities import Agreed
from zoo.team.standards.rules import rules_in_force


def known_of(card: ModelCard, asked: str = "", *, describe: bool = False) -> Known:
    """What a policy decides on; without a policy, the card alone.

    Args:
        asked: the reference that the user gave.
        describe: whether to ask the platform what the card lacks.
    """
    return about(card, asked, describe=describe) if active() else Known(card, Use())


def permit(known: Known, action: str, agreed: Agreed | None) -> Decision:
    """The decision on a use of a locked model.

    Args:
        agreed: the approvals of the standard that it was locked as.

    Raises:
        PolicyRefusal: it is denied, or needs an approval that it does not have.
    """
    if not active():
        return Decision()
    decision = decide(known.card, action, known.use)
    if refused(decision, agreed):
        hint = next((reason.hint for reason in decision.deciding if reason.hint), "")
        raise PolicyRefusal(
            explained(known.card, action, decision),
            hint or f"Run: zoo policy explain {known.card.id} --action {action}",
        )
    return decision


def refused(decision: Decision, agreed: Agreed | None) -> bool:
    """Whether a decision stands against a locked model."""
    if decision.verdict is Verdict.NEEDS_APPROVAL and agreed is not None:
        return agreed.policy != rules_in_force().policy
    return decision.verdict > Verdict.WARN
