"""The models of a lock as a CycloneDX bill of materials, with the policy's verdicts and the approvals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import LockError
from zoo.exchange.bill_of_materials import Entry, document
from zoo.team.lock.cards import card_of
from zoo.team.lock.entities import Lock, LockedModel
from zoo.team.lock.reading import find_lock, read_lock

_DEPTH = 8


def bill_of_project(folder: Path) -> tuple[str, int]:
    """The bill of materials of the nearest lock, and its number of models.

    Raises:
        LockError: there is no lock, it has no models, or it cannot be read.
        RegistryError: the document violates CycloneDX's schema.
        MissingExtra: the library that validates it is not installed.
    """
    path = find_lock(folder)
    if path is None:
        raise LockError("There is no zoo.lock here or in a folder above.", "Write one: zoo lock")
    lock = read_lock(path)
    if not lock.models:
        raise LockError(f"'{path}' has no models.", "Lock one: zoo lock MODEL")
    groups = _together(lock.models)
    scores = _scores({model.id for model in lock.models})
    entries = [_entry(group, scores[group[0].id]) for group in groups]
    return document(entries, [*_of_lock(lock)]), len(groups)


def _together(models: Iterable[LockedModel]) -> list[list[LockedModel]]:
    """The entries of a lock, those for the same model and revision in one group."""
    groups: dict[tuple[str, str | None], list[LockedModel]] = {}
    for model in models:
        groups.setdefault((model.id, model.revision), []).append(model)
    return list(groups.values())


def _entry(group: Sequence[LockedModel], scores: Sequence[BenchmarkScore]) -> Entry:
    model = group[0]
    card = card_of(model)
    properties = [pair for one in group for pair in _of_model(one)]
    if not is_known(card):
        properties.append(("zoo:facts", "not known: the registry and the plugins have no card of this model"))
    return Entry(card, scores, ancestors(card, card_called), properties)


def _of_model(model: LockedModel) -> Iterator[tuple[str, str]]:
    if model.standard:
        yield "zoo:standard", model.standard
    if model.agreed is not None:
        yield "zoo:approval:proposal", str(model.agreed.proposal)
        yield from (("zoo:approval:by", who) for who in model.agreed.by)
        yield "zoo:approval:on", model.agreed.on
        yield "zoo:approval:policy-sha256", model.agreed.policy
    yield "zoo:policy:verdict", model.verdict
    yield from (("zoo:policy:rule", rule) for rule in model.rules)
    if model.repository:
        yield "zoo:repository-id", model.repository
    yield from (("zoo:requires", one) for one in model.requires)


def _of_lock(lock: Lock) -> Iterator[tuple[str, str]]:
    if lock.policy is not None:
        yield "zoo:policy:name", lock.policy_name
        yield "zoo:policy:sha256", lock.policy
    if lock.audit is not None:
        yield "zoo:audit-head", lock.audit


def is_known(card: ModelCard) -> bool:
    """Whether a card of a lock has facts besides those of the lock."""
    return card.domain != "other" or bool(card.tasks or card.architecture)


def card_called(id: str) -> ModelCard | None:
    """A card by its id, from the registry or the plugins; None if it is unknown."""
    card = card_of(LockedModel(id, ()))
    return card if is_known(card) else None


def ancestors(card: ModelCard, card_of: Callable[[str], ModelCard | None]) -> tuple[str, ...]:
    """The models that a model was derived from, the nearest first.

    Args:
        card_of: the card of a model id; None if it is unknown.
    """
    found: list[str] = []
    base = card.base_model
    while base and base != card.id and base not in found and len(found) < _DEPTH:
        found.append(base)
        known = card_of(base)
        base = known.base_model if known else None
    return tuple(found)


def _scores(models: Collection[str]) -> Mapping[str, Sequence[BenchmarkScore]]:
    """The benchmark scores of models, from the registry or, without one, from the plugins."""
    from zoo.registry.opening import has_registry, open_registry

    if has_registry():
        registry = open_registry()
        return {id: registry.scores(id) for id in models}
    from zoo.plugins import plugins

    found: dict[str, list[BenchmarkScore]] = {id: [] for id in models}
    for one in plugins().items("zoo_cards"):
        if isinstance(one, BenchmarkScore) and one.model in found:
            found[one.model].append(one)
    return {
        id: sorted(scores, key=lambda one: (one.task, one.dataset, one.split, one.metric, one.origin))
        for id, scores in found.items()
    }
