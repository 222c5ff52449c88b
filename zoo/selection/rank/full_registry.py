"""Ranks all models of the registry for a task, of any number, without running one.

The evidence about a model comes from a few columns of its row and from its scores. Whole cards are read for the
first ones only, best first, until enough of them are within the limits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.answers import Exclusion
from zoo.errors import UnknownModel
from zoo.selection.prior.shipped import Facts
from zoo.selection.rank.evidence import Evidence, gather_knowledge, in_order
from zoo.selection.rank.unmeasured import UnmeasuredRanking, ranked
from zoo.selection.request.constraints import Limits, apply, violated
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    import numpy as np

    from zoo.entities import ModelCard
    from zoo.registry import Registry
    from zoo.tasks import Task

ENOUGH = 100
"""Maximum number of candidates returned; as many as the explanations compare."""

_READ = 250
"""Number of cards that are read at a time."""

_COLUMNS = ("id", "architecture", "parameters", "released", "base_model", "pretraining")


def rank_registry(task: Task, dataset: str, limits: Limits, registry: Registry) -> UnmeasuredRanking:
    """The most promising models of a registry within the limits, best first.

    These are the models made for the task. If features matter, models for other tasks with the same input and with
    scores there rank behind those with results on the task itself.

    Raises:
        UnknownModel: the registry has no model for the task.
        UnsupportedModel: none within the limits has a published score to rank it by.
        InvalidInput: every model breaks a limit; the hint says which one to relax.
    """
    facts = _made_for(task, registry, _least(limits))
    made_for = [True] * len(facts.ids)
    known = gather_knowledge(task, facts, dataset, registry, made_for=made_for, with_related=False)
    walk = _Walk(task, facts, limits, registry)
    order = in_order(known)
    walk.along(order[known.evidence[order] <= Evidence.BASE])
    others: list[ModelCard] = []
    if walk.missing:
        known = gather_knowledge(task, facts, dataset, registry, made_for=made_for)
        order = in_order(known)
        its = set(facts.ids)
        cards = registry.cards_called([id for id in known.related if id not in its])
        others = [c for c in cards if c.domain == task.domain and c.proposed and not any(violated(c, limits))]
        others = sorted(others, key=lambda card: -(known.related[card.id].value or 0.0))[: walk.missing]
        weaker = known.evidence[order]
        walk.along(order[(weaker > Evidence.BASE) & (weaker < Evidence.NONE)])
    kept, places = walk.kept[:ENOUGH], walk.places[:ENOUGH]
    if not kept and not others:
        _refuse(task, dataset, limits, registry)
    found = ranked([*kept, *others], known.at(places, [card.id for card in others]), task, walk.excluded)
    unknown = int((known.evidence == Evidence.NONE).sum())
    if unknown and walk.missing:
        which = "1 more model" if unknown == 1 else f"{unknown:,} more models"
        found.warnings.append(
            f"Not ranked, without a published score: {which} made for {task.name}. Name models with --candidates, or "
            "measure."
        )
    return replace(found, candidates=found.candidates[:ENOUGH])


def _refuse(task: Task, dataset: str, limits: Limits, registry: Registry) -> None:
    """Raise the error that names the limit to relax; do nothing if limits are not the reason.

    Raises:
        UnknownModel, InvalidInput: as ``rank_registry``.
    """
    facts = _made_for(task, registry, {})
    everything = [card for card in registry.cards_called(facts.ids) if card.proposed]
    if not everything:
        raise UnknownModel(f"The registry has no model for {task.name}.", "Add some: zoo sync hf, zoo import FILE")
    known = gather_knowledge(task, facts, dataset, registry, made_for=[True] * len(facts.ids))
    scored = {id for id, kind in zip(facts.ids, known.evidence, strict=True) if kind < Evidence.NONE}
    its = {*facts.ids}
    related = registry.cards_called([id for id in known.related if id not in its])
    own = [card for card in everything if card.id in scored]
    apply(own or [card for card in related if card.domain == task.domain and card.proposed] or everything, limits)


class _Walk:
    """Checks models in order, and reads their cards in batches.

    Models that are larger than one of the same architecture and input that does not fit into memory are not read.
    """

    def __init__(self, task: Task, facts: Facts, limits: Limits, registry: Registry) -> None:
        self.kept: list[ModelCard] = []
        self.places: list[int] = []
        self.excluded: list[Exclusion] = []
        self._task, self._facts, self._limits, self._registry = task, facts, limits, registry
        self._batch: dict[str, int] = {}
        self._inputs: dict[str, str] = {}
        self._unfit: dict[tuple[str | None, str], ModelCard] = {}

    @property
    def missing(self) -> int:
        """Number of candidates still needed."""
        return max(0, ENOUGH - len(self.kept))

    def along(self, places: np.ndarray) -> None:
        """Check the models at these positions, in this order, until there are enough."""
        for at in places.tolist():
            if not self.missing:
                break
            self._check(at)
        self._read()

    def _check(self, at: int) -> None:
        """Check the model at this position."""
        id, size = self._facts.ids[at], self._facts.parameters[at]
        unfit = self._unfit.get(self._kind(at)) if self._unfit else None
        if unfit is not None and size is not None and size >= (unfit.parameters or size + 1):
            self.excluded.append(
                Exclusion(
                    id,
                    f"is at least as large as {unfit.id} of the same architecture, which does not fit into memory",
                )
            )
            return
        self._batch[id] = at
        if len(self._batch) >= _READ:
            self._read()

    def _read(self) -> None:
        """Read the cards of the batch, and check them against the limits."""
        for card in self._registry.cards_called(list(self._batch)):
            if not card.proposed:
                continue
            at = self._batch[card.id]
            broken = list(violated(card, self._limits))
            if not broken:
                self.kept.append(card)
                self.places.append(at)
                continue
            self.excluded.append(Exclusion(card.id, "; ".join(violation.reason for violation in broken)))
            if card.parameters and any(violation.option == "--max-memory" for violation in broken):
                least = self._unfit.setdefault(self._kind(at), card)
                if card.parameters < (least.parameters or 0):
                    self._unfit[self._kind(at)] = card
        self._batch.clear()

    def _kind(self, at: int) -> tuple[str | None, str]:
        """Architecture and input of the model at this position; the inputs are read once one does not fit."""
        if not self._inputs:
            columns = self._registry.columns(("id", "input"), domain=self._task.domain, task=self._task.name)
            self._inputs = dict(zip(*columns, strict=True))
        return self._facts.architectures[at], self._inputs.get(self._facts.ids[at], "")


def _least(limits: Limits) -> dict[str, int]:
    """The limits that the database can check: a model beyond these is outside, even with one byte per weight."""
    sizes = [limits.max_parameters, limits.memory]
    known = {"parameters": min((size for size in sizes if size is not None), default=None), "bytes": limits.max_bytes}
    return {name: limit for name, limit in known.items() if limit is not None}


def _made_for(task: Task, registry: Registry, at_most: dict[str, int]) -> Facts:
    """The models made for a task."""
    columns = registry.columns(_COLUMNS, domain=task.domain, task=task.name, at_most=at_most)
    ids, architectures, parameters, released, base_models, pretraining = columns
    lists = {text: tuple(parse_json(text, finite=False)) if text else () for text in set(pretraining)}
    return Facts(
        ids,
        [text or None for text in architectures],
        [int(text) if text else None for text in parameters],
        released,
        base_models,
        [lists[text] for text in pretraining],
    )
