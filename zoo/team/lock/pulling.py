"""Pulls the models of a lock: exactly these revisions and files, from the caches where they are, else the platforms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zoo.contract.backbone import Progress
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import IntegrityError, LockError, ModelNotFound, suggest
from zoo.sources.files.hashing import KnownHashes, differences
from zoo.team.lock.cards import card_of, missing_weights
from zoo.team.lock.entities import Lock, LockedModel
from zoo.team.lock.permitting import known_of, permit
from zoo.team.standards.entities import SOURCE, Place


@dataclass(frozen=True)
class PulledModel:
    """A model of a lock, and its files on this machine, each with the hash that the lock has."""

    model: LockedModel
    files: LocalFiles


def pull_locked(lock: Lock, models: Iterable[str] = (), *, progress: Progress) -> Iterator[PulledModel]:
    """Pull the models of a lock, one after the other; the policy is asked about all of them first.

    Args:
        models: ids and standards of the lock; empty for all.

    Raises:
        LockError: the lock does not have one of them.
        PolicyRefusal: the policy denies one of them, or demands approvals that it does not have.
        IntegrityError: a file differs from the lock.
        SourceError: a platform cannot be reached, or does not have the model any more.
    """
    wanted = [_find(lock, one) for one in models] or lock.models
    cards = {}
    for model in wanted:
        cards[model] = card_of(model)
        if path := missing_weights(model):
            raise LockError(f"{lock.path.name} lacks the file {path} of '{model.id}'.", f"Run: zoo lock {model.pinned}")
        permit(known_of(cards[model], model.id), "pull", model.agreed, model.standard)
    for model in wanted:
        yield PulledModel(model, _pulled(model, cards[model], progress))


def _find(lock: Lock, reference: str) -> LockedModel:
    wanted = str(Place.parse(reference)) if reference.startswith(f"{SOURCE}:") else None
    for model in lock.models:
        if (model.standard == wanted) if wanted else (reference in {model.id, str(model.pinned)}):
            return model
    known = {f"{SOURCE}:{one.standard}" if one.standard else one.id for one in lock.models}
    raise LockError(
        f"{lock.path.name} does not have '{reference}'.", suggest(reference, known) or f"Add it: zoo lock {reference}"
    )


def _pulled(model: LockedModel, card: ModelCard, progress: Progress) -> LocalFiles:
    from zoo.sources.pulling import fetched

    try:
        found = fetched(card, progress)
    except ModelNotFound as error:
        raise ModelNotFound(
            f"'{model.pinned}' cannot be pulled any more: {error.message}",
            f"{error.hint} A machine that has the model still has its files: zoo list".strip(),
        ) from error
    if found.revision and model.revision and found.revision != model.revision:
        raise IntegrityError(
            f"'{model.id}' is here in version {found.revision}, and the lock has {model.revision}.",
            f"Install: {', '.join(model.requires)}" if model.requires else f"Run: zoo pull {model.pinned}",
        )
    with KnownHashes() as known:
        wrong = differences(found.root, model.files, known, progress, f"Verifying {model.id}", fresh=True)
    if wrong:
        raise IntegrityError(
            f"{wrong[0].item} of '{model.id}' differs from the lock: it {wrong[0].reason}.",
            f"Run: zoo verify {model.pinned}; if the file is as published, the lock is wrong.",
        )
    return LocalFiles(found.root, model.files, found.revision)
