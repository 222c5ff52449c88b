"""Asks the policy before a model becomes a standard: one that needs an approval may, one that is denied may not."""

from __future__ import annotations

from zoo.contract.deciding import Verdict
from zoo.entities import ModelCard, ModelFile
from zoo.errors import ZooError
from zoo.plugins.deciding import active, decide, refusal
from zoo.registry.database.location import Location
from zoo.team.standards.reading import proposals


def check_policy(card: ModelCard, action: str, asked: str = "", *, describe: bool = True) -> None:
    """Refuse a model that the policy denies.

    Args:
        asked: the reference that the user gave.
        describe: whether to ask the model's platform what the registry does not know.

    Raises:
        PolicyRefusal: it is denied.
    """
    from zoo.sources.permitting import about

    if not active():
        return
    known = about(card, asked, describe=describe)
    decision = decide(known.card, action, known.use)
    if decision.verdict is Verdict.DENY:
        raise refusal(known.card, action, decision)


def check_proposal(location: Location, key: int) -> None:
    """Refuse the model of an open proposal if the policy denies it; raises as ``check_policy``."""
    if not active():
        return
    for proposal in proposals(location, state="open"):
        if proposal.key == key:
            check_policy(card_of(proposal.model, proposal.revision, proposal.files), "approve")


def card_of(model: str, revision: str | None, files: tuple[ModelFile, ...] = ()) -> ModelCard:
    """The card of a model; if there is none, one with these facts alone, which leaves the others unknown."""
    from zoo.sources.resolving import at_revision, resolve

    try:
        return at_revision(resolve(model), revision)
    except ZooError:
        return ModelCard(model, "other", revision=revision, files=files)
