"""Asks the policy before a model becomes a standard: one that needs an approval may, one that is denied may not."""

from __future__ import annotations

from zoo.contract.deciding import Verdict
from zoo.entities import ModelCard
from zoo.errors import PolicyRefusal, ZooError
from zoo.plugins.deciding import active, decide, explained
from zoo.registry.database.location import Location
from zoo.team.standards.entities import Proposal
from zoo.team.standards.reading import proposals


def check_policy(card: ModelCard, action: str, asked: str = "") -> None:
    """Refuse a model that the policy denies.

    Args:
        asked: the reference that the user gave.

    Raises:
        PolicyRefusal: it is denied.
    """
    from zoo.sources.permitting import about

    if not active():
        return
    known = about(card, asked, describe=True)
    decision = decide(known.card, action, known.use)
    if decision.verdict is Verdict.DENY:
        hint = next((reason.hint for reason in decision.deciding if reason.hint), "")
        said = explained(known.card, action, decision)
        raise PolicyRefusal(said, hint or f"Run: zoo policy explain {card.id} --action {action}")


def check_proposal(location: Location, key: int) -> None:
    """Refuse the model of an open proposal if the policy denies it; raises as ``check_policy``."""
    if not active():
        return
    for proposal in proposals(location, state="open"):
        if proposal.key == key:
            check_policy(_card(proposal), "approve")


def _card(proposal: Proposal) -> ModelCard:
    """The card of a proposed model; without one, what the proposal says of it, which leaves other facts unknown."""
    from zoo.sources.resolving import at_revision, resolve

    try:
        return at_revision(resolve(proposal.model), proposal.revision)
    except ZooError:
        return ModelCard(proposal.model, "other", revision=proposal.revision, files=proposal.files)
