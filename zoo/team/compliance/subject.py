"""What is known of one model on this machine: its card, lock, base model and run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.adapt.saved.names import MARKER
from zoo.entities import ModelCard, Run
from zoo.errors import UnknownModel, ZooError
from zoo.team.lock.entities import LockedModel
from zoo.team.lock.reading import find_lock, read_lock
from zoo.untrusted import parse_json


@dataclass(frozen=True)
class Subject:
    """A model with what this machine knows of it.

    Attributes:
        locked: its entry in the nearest lock.
        base: the model that it was adapted from, if it is a folder of ``zoo tune``.
        run: the run that wrote the folder.
    """

    card: ModelCard
    locked: LockedModel | None = None
    base: ModelCard | None = None
    run: Run | None = None


def subject_of(model: str, folder: Path) -> Subject:
    """A model by its id, as the registry, its own folder and the nearest lock describe it; no weights are read.

    Raises:
        UnknownModel: there is no such model.
        LockError: the lock cannot be read.
    """
    from zoo.registry import open_registry
    from zoo.sources import resolve

    path = find_lock(folder)
    locked = {one.id: one for one in read_lock(path).models} if path is not None else {}
    if model.startswith("file:"):
        card = resolve(model)
        place = Path(card.id.partition(":")[2]).expanduser()
        document = _document(place)
        return Subject(card, locked.get(card.id), _base(document), _run(document, place))
    try:
        card = open_registry().card(model)
    except UnknownModel:
        if model not in locked:
            raise
        card = ModelCard(model, "other")
    return Subject(card, locked.get(card.id))


def card_called(id: str) -> ModelCard | None:
    """A card of the registry by its id; None if it has none."""
    from zoo.registry import open_registry

    return next(iter(open_registry().cards_called([id])), None)


def _document(place: Path) -> Mapping[str, Any]:
    """What ``zoo tune`` wrote about a folder; empty if it did not write it."""
    try:
        found = parse_json((place / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError, ZooError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _base(document: Mapping[str, Any]) -> ModelCard | None:
    base = document.get("base")
    try:
        return ModelCard.from_dict(base["card"]) if isinstance(base, Mapping) else None
    except (KeyError, TypeError, AttributeError, ZooError):
        return None


def _run(document: Mapping[str, Any], place: Path) -> Run | None:
    """The run that wrote a folder: the registry's, which includes trials and folds, else the folder's own."""
    from zoo.registry import open_registry

    try:
        run = Run.from_dict(document["run"])
    except (KeyError, TypeError, AttributeError, ZooError):
        return None
    same = [one for one in open_registry().runs(model=run.model) if one.path and _is(Path(one.path), place)]
    # A folder that was moved or copied is not where its run wrote it.
    return max(same, key=lambda one: one.created, default=run)


def _is(one: Path, other: Path) -> bool:
    return one.expanduser().resolve() == other.resolve()
