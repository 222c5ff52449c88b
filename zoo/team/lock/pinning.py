"""What pins a model that is locked: the card of a model or a standard, and what its platform publishes."""

from __future__ import annotations

import dataclasses
from importlib import metadata

from zoo.contract.backbone import Progress
from zoo.contract.source import Published
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, LockError, NetworkUnavailable, UnknownModel
from zoo.extras import DISTRIBUTION
from zoo.team.lock.entities import Agreed, LockedModel
from zoo.team.standards.entities import Place


def named_card(reference: str) -> tuple[ModelCard, None]:
    """The card of a model that others can get too."""
    from zoo.sources import elsewhere, resolve

    card = resolve(reference)
    if card.source == "file":
        raise InvalidInput(
            f"'{card.id}' cannot be locked: it is a folder of this machine, which others do not have.",
            "Publish it on a platform, such as the Hub, and lock that model.",
        )
    if where := elsewhere(card.id):
        raise InvalidInput(f"'{card.id}' cannot be locked: its weights are {where}.", "Choose a model of a platform.")
    return card, None


def standard_card(place: Place) -> tuple[ModelCard, Agreed]:
    """The card of a standard in the registry, with the files that were agreed, and who approved it.

    Raises:
        UnknownModel: there is no such standard, or it is retired.
        PolicyRefusal: it does not match its approvals, or lacks some that the policy in force demands.
    """
    from zoo.registry import open_registry
    from zoo.team.standards.known import confirmed
    from zoo.team.standards.permitting import card_of as card_of_standard
    from zoo.team.standards.reading import proposal, standard
    from zoo.team.standards.source import check_approvals

    location = open_registry().path
    found = standard(location, place)
    if found.state == "retired":
        until = (found.until or "")[:10]
        raise UnknownModel(f"The standard for '{place}' was retired on {until}.", f"Use {found.replacement}.")
    found = confirmed(location, found).standard
    check_approvals(place, found.approvers)
    proposed = proposal(location, found.proposal)
    approvals = [one for one in proposed.approvals if one.verdict == "approve" and one.actor in found.approvers]
    agreed = Agreed(
        proposed.key,
        tuple(sorted(one.actor for one in approvals)),
        max(one.created for one in approvals)[:10],
        proposed.policy,
    )
    card = card_of_standard(found.model, found.revision, found.files)
    return dataclasses.replace(card, files=found.files), agreed


def published_files(card: ModelCard, progress: Progress) -> Published:
    """What the platform publishes of a model at its card's revision.

    Raises:
        InvalidInput: not all its files have hashes and sizes.
        SourceError: the platform cannot be reached, or does not have the model.
    """
    from zoo.sources.publishing import published

    try:
        found = published(card, progress)
    except NetworkUnavailable as error:
        raise NetworkUnavailable(f"'{card.id}' cannot be locked: {error.message}", error.hint) from error
    if not found.files or not all(file.sha256 for file in found.files):
        raise InvalidInput(f"Nothing pins '{card.id}': not all its files have hashes.", "Choose another model.")
    if any(file.bytes is None for file in found.files):
        raise InvalidInput(f"Nothing pins '{card.id}': not all its files have a size.", "Choose another model.")
    return found


def check_files(card: ModelCard, published: Published) -> None:
    """Refuse files that differ from those that a standard was agreed with, as far as their hashes were known."""
    now = {file.path: file.sha256 for file in published.files}
    for file in card.files:
        if file.sha256 and now.get(file.path, file.sha256) != file.sha256:
            raise LockError(
                f"The platform publishes another {file.path} of '{card.id}' at {published.revision} than the card or "
                f"the standard has.",
                "Find out which one is correct before you use this model.",
            )


def check_repository(old: LockedModel, number: str | None) -> None:
    """Refuse a model whose repository is not the one that was locked, although it has the same name.

    Raises:
        LockError: it was registered again.
    """
    if old.repository and number and old.repository != number:
        raise LockError(
            f"The repository of '{old.id}' was registered again: its number is {number}, and it was {old.repository} "
            f"when it was locked.",
            f"Find out who owns it now. To accept it: zoo lock --remove {old.id}, then: zoo lock {old.id}",
        )


def requirements(card: ModelCard) -> tuple[str, ...]:
    """The packages with the weights, and zoo's own requirement on the library that loads them."""
    from zoo.sources.local.package import PackageSource, requirement

    library = (card.library or "").lower().replace("_", "-")
    needed = [line.partition(";")[0].strip() for line in metadata.requires(DISTRIBUTION) or ()]
    loads = [line for line in needed if library and _bare(line) == library]
    # A card of a lock has the line that was written when it was locked.
    kept = tuple(line for line in card.requires if not loads or _bare(line) != library)
    packages = (requirement(card),) if card.source == PackageSource.name else kept
    return tuple(sorted({*packages, *loads[:1]}))


def _bare(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement).name.lower().replace("_", "-")
    except InvalidRequirement:
        return ""
