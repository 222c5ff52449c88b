"""Checks a use of a model against the policies in force, on all that is known of the model.

A policy has to recognise a model by any of its names: it may be asked for by a branch, by a former name of its
repository, through a platform that only refers to it, or as a copy in a folder; and it may be derived from another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from zoo.contract.deciding import Decision, Use, Verdict
from zoo.entities import LocalFiles, ModelCard, ModelId
from zoo.errors import InvalidInput, MissingDependency, SourceError, ZooError
from zoo.plugins.deciding import active, decide, permit
from zoo.registry.index.lineage import bases_of
from zoo.sources.files.model_files import choose
from zoo.sources.files.paths import COMMIT
from zoo.sources.hosted_models import HostedSource
from zoo.sources.known import sources
from zoo.sources.making import made_from
from zoo.sources.resolving import parsed, resolve

GENERATIONS = 10
"""How far back base models are followed."""

_HUB = "hf"
_FOLDER = "file:"
_UNKNOWN_DOMAIN = "other"


@dataclass(frozen=True)
class Known:
    """What is known of a model for decisions: its card, completed, and the circumstances of the use."""

    card: ModelCard
    use: Use


def permit_use(
    card: ModelCard, action: str, asked: str = "", known: Known | None = None, task: str | None = None
) -> Known | None:
    """Allow a use of a model, or refuse it.

    Args:
        asked: the reference that the user gave.
        known: the result of an earlier call for the same model.
        task: name of the task that it is used for; None if that is not known.

    Returns:
        What was found out about the model; None if there is no policy and no plugin that decides, so that nothing had
        to be.

    Raises:
        PolicyRefusal: it is denied, or needs an approval.
    """
    if not active():
        return None
    known = known or about(card, asked, describe=True)
    known = Known(known.card, dataclasses.replace(known.use, task=task))
    permit(known.card, action, known.use)
    return known


def permit_reference(reference: str, action: str, task: str | None = None) -> None:
    """Refuse a model before anything else is done with it, as ``permit_use``; nothing happens without a policy.

    Raises:
        ZooError: there is no such model, or it is refused.
    """
    if active():
        permit_use(resolve(reference), action, reference, task=task)


def permit_files(known: Known | None, action: str, files: LocalFiles | None) -> Known | None:
    """Check again once the files are here: their revision, their hashes, and which models they belong to.

    Raises:
        PolicyRefusal: as ``permit_use``.
    """
    if known is None or files is None:
        return known
    chosen = {*choose(file.path for file in files.files)}
    used = tuple(file for file in files.files if file.path in chosen)
    listed = {file.path for file in known.card.files if file.sha256}
    # The files of a plugin's own format are not among those that zoo would choose; hashes of the card stay known.
    here = dataclasses.replace(known.card, files=used) if used and not listed - chosen else known.card
    use = dataclasses.replace(known.use, revision=files.revision or known.use.revision, files=here.files)
    names, bases = _relatives(dataclasses.replace(here, revision=use.revision), known.use.names)
    use = dataclasses.replace(
        use, names=names, bases=_united(known.use.bases, bases), made_from=_made_from(here, names)
    )
    permit(here, action, use)
    return Known(here, use)


def decisions(
    cards: Iterable[ModelCard], action: str, *, describe: bool = False, task: str | None = None
) -> Iterator[Decision]:
    """The decision on each model, by what the registry knows of it.

    Args:
        task: name of the task that they are used for; None if that is not known.
        describe: whether to ask the platform about models whose cards are incomplete.
    """
    for card in cards:
        quick = decide(card, action, Use(task, card.revision, card.files))
        final = Verdict.DENY if describe else Verdict.NEEDS_APPROVAL
        # What else is known can only add reasons, but for a folder that zoo made.
        if quick.verdict >= final and not card.id.startswith(_FOLDER):
            yield quick
            continue
        known = about(card, describe=describe)
        yield decide(known.card, action, dataclasses.replace(known.use, task=task))


def about(card: ModelCard, asked: str = "", *, describe: bool) -> Known:
    """All that is known of a model: its other names, its base models, and if the card is incomplete, its platform's.

    Args:
        describe: whether to ask the platform.
    """
    names: dict[str, None] = {}
    wanted = _parsed(asked)
    if wanted:
        names[wanted] = None
    hosted = _hosted(card)
    if hosted is not None:
        names[hosted.id] = None
    published = hosted or card
    if describe and published.source == _HUB and not _complete(card):
        found = _described(published)
        if found is not None:
            if hosted is None and found.id != card.id:  # the repository was renamed
                names[card.id] = None
                card = dataclasses.replace(card, id=found.id)
            names[found.id] = None
            card = _completed(card, found)
    known_as, bases = _relatives(card, names)
    use = Use(revision=card.revision, files=card.files, names=known_as, bases=bases)
    return Known(card, dataclasses.replace(use, made_from=_made_from(card, known_as)))


def _parsed(asked: str) -> str:
    try:
        found = parsed(asked)
    except InvalidInput:
        return ""
    return f"{found.source}:{found.name}" if found else ""


def _complete(card: ModelCard) -> bool:
    """Whether a card pins a commit and lists hashed files, which a download is checked against."""
    return bool(COMMIT.match(card.revision or "") and any(file.sha256 for file in card.files) and card.license)


def _hosted(card: ModelCard) -> ModelCard | None:
    origin = sources().get(card.source)
    if not isinstance(origin, HostedSource):
        return None
    try:
        return origin.hosted(card)
    except (SourceError, MissingDependency):
        return None


def _described(card: ModelCard) -> ModelCard | None:
    """The platform's card; None if it is not available, which leaves facts unknown."""
    try:
        return sources()[card.source].describe(card.name, card.revision)
    except ZooError:
        return None


def _completed(card: ModelCard, found: ModelCard) -> ModelCard:
    """A card with what the platform's own card adds; where the two state different licences, both apply."""
    same = card.revision == found.revision and card.files
    licences = [one for one in dict.fromkeys((card.license, found.license)) if one]
    code = {"remote_code": True} if found.loader.get("remote_code") else {}
    known = card.domain != _UNKNOWN_DOMAIN
    return dataclasses.replace(
        card,
        domain=card.domain if known else found.domain,
        tasks=card.tasks or found.tasks,
        architecture=card.architecture or found.architecture,
        parameters=card.parameters if card.parameters is not None else found.parameters,
        bytes=card.bytes if card.bytes is not None else found.bytes,
        license=" AND ".join(f"({one})" for one in licences) if len(licences) > 1 else card.license or found.license,
        released=card.released or found.released,
        base_model=card.base_model or found.base_model,
        tags=tuple(dict.fromkeys((*card.tags, *found.tags, *_base_tags(found)))),
        revision=found.revision or card.revision,
        files=card.files if same else found.files,
        loader={**found.loader, **card.loader, **code},
    )


def _base_tags(card: ModelCard) -> Iterator[str]:
    return (f"base_model:{relation}:{id.partition(':')[2]}" for id, relation in bases_of(card).items())


def _relatives(card: ModelCard, names: Iterable[str]) -> tuple[tuple[str, ...], tuple[ModelCard, ...]]:
    """Other ids of a model, those with the same weights included, and the models that it is derived from."""
    from zoo.registry import open_registry

    registry = open_registry()
    known_as = dict.fromkeys(names)
    known_as.update(dict.fromkeys(registry.same_weights(card)))
    known_as.pop(card.id, None)
    own = {card.id, *known_as}
    bases: dict[str, ModelCard] = {}
    generation = [card, *registry.cards_called([*known_as])]
    for _ in range(GENERATIONS):
        ids = dict.fromkeys(id for one in generation for id in bases_of(one))
        new = [id for id in ids if id not in bases and id not in own]
        found = {one.id: one for one in (*registry.cards_called(new), *_folders(new))}
        bases.update((id, found.get(id) or _bare(id)) for id in new)
        copies = [id for one in found.values() for id in registry.same_weights(one) if id not in {*bases, *own}]
        bases.update((one.id, one) for one in registry.cards_called(copies))
        generation = [bases[id] for id in (*new, *copies) if id in bases]
        if not generation:
            break
    return tuple(known_as), tuple(bases.values())


def _made_from(card: ModelCard, names: Iterable[str]) -> tuple[ModelId, ...]:
    """What zoo made a model from; nothing for one that is also another platform's model, by its weights."""
    return made_from(card) if all(id.startswith(_FOLDER) for id in (card.id, *names)) else ()


def _folders(ids: Sequence[str]) -> Iterator[ModelCard]:
    """The cards of local folders that models were derived from."""
    for id in ids:
        if id.startswith(_FOLDER):
            try:
                yield dataclasses.replace(sources()["file"].describe(id.removeprefix(_FOLDER)), id=id)
            except ZooError:
                continue


def _bare(id: str) -> ModelCard:
    try:
        found = ModelId.parse(id)
        return ModelCard(f"{found.source}:{found.name}", _UNKNOWN_DOMAIN)
    except InvalidInput:  # a card may name anything as its base model
        plain = "".join(id.encode("ascii", "backslashreplace").decode().replace("@", "/").split())
        return ModelCard(f"unknown:{plain or '-'}", _UNKNOWN_DOMAIN)


def _united(first: Sequence[ModelCard], second: Sequence[ModelCard]) -> tuple[ModelCard, ...]:
    return tuple({card.id: card for card in (*first, *second)}.values())


def refused(decision: Decision) -> bool:
    """Whether a decision stands against the use."""
    return decision.verdict > Verdict.WARN
