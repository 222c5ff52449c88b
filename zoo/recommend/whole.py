"""Ranks everything that the registry has for a task without running a model, however much that is.

What is expected of a model follows from a few columns of its row. Whole cards are read for the first ones only, best
first, until enough of them are within the limits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from zoo.answers import Exclusion
from zoo.errors import UnknownModel
from zoo.recommend.constraints import Limits, apply, violated
from zoo.recommend.memory import BYTES
from zoo.recommend.prior.own import with_history
from zoo.recommend.prior.ranking import in_order, own_history
from zoo.recommend.prior.shipped import Expectation, Facts, expect_of

if TYPE_CHECKING:
    from zoo.answers import Candidate
    from zoo.entities import ModelCard
    from zoo.registry import Registry
    from zoo.tasks import Task

ENOUGH = 100
"""Candidates that are named; as many as the explanations look at."""

_READ = 250
"""Cards that are read at a time."""

_COLUMNS = ("id", "architecture", "parameters", "released", "base_model", "pretraining")


def rank_registry(
    task: Task, dataset: str, limits: Limits, registry: Registry
) -> tuple[list[Candidate], list[ModelCard], list[Exclusion]] | None:
    """The most promising models of a registry within the limits, best first, their cards, and those left out before.

    Returns:
        None where neither the shipped prior nor the registry's runs tell anything of the task.

    Raises:
        UnknownModel: the registry has no model for the task.
        InvalidInput: every model breaks a limit; the hint says which one to relax.
    """
    facts = _facts(task, registry, _least(limits))
    history = own_history(task.name, None)
    expected = expect_of(facts, task.name)
    if history is not None:
        expected = with_history(expected, facts.ids, dataset, history)
    if expected is None:
        return None
    walk = _Walk(facts, limits, registry)
    for at in np.argsort(-expected.mean, kind="stable"):
        walk.pass_by(int(at))
        if len(walk.kept) >= ENOUGH:
            break
    walk.read()
    kept, places = walk.kept[:ENOUGH], walk.places[:ENOUGH]
    if not kept:
        apply(registry.cards_called(_facts(task, registry, {}).ids), limits)  # says which limit to relax
    chosen = Expectation(expected.mean[places], expected.deviation[places], tuple(expected.origin[at] for at in places))
    return in_order(kept, chosen, task.name), kept, walk.excluded


class _Walk:
    """Looks at models one after the other, and reads their cards some hundred at a time.

    Of an architecture of which a model does not fit into memory, larger ones are not read.
    """

    def __init__(self, facts: Facts, limits: Limits, registry: Registry) -> None:
        self.kept: list[ModelCard] = []
        self.places: list[int] = []
        self.excluded: list[Exclusion] = []
        self._facts, self._limits, self._registry = facts, limits, registry
        self._waiting: dict[str, int] = {}
        self._unfit: dict[str | None, ModelCard] = {}

    def pass_by(self, at: int) -> None:
        """Take the model in this place into account."""
        id, size = self._facts.ids[at], self._facts.parameters[at]
        unfit = self._unfit.get(self._facts.architectures[at])
        if unfit is not None and size is not None and size >= (unfit.parameters or size + 1):
            self.excluded.append(Exclusion(id, f"is larger than {unfit.id}, which does not fit into memory"))
            return
        self._waiting[id] = at
        if len(self._waiting) >= _READ:
            self.read()

    def read(self) -> None:
        """Read the cards of those that wait, and judge them by the limits."""
        for card in self._registry.cards_called(list(self._waiting)):
            broken = list(violated(card, self._limits))
            if not broken:
                self.kept.append(card)
                self.places.append(self._waiting[card.id])
                continue
            self.excluded.append(Exclusion(card.id, "; ".join(violation.reason for violation in broken)))
            least = self._unfit.get(card.architecture)
            unfit = card.parameters and any(violation.option == "--max-memory" for violation in broken)
            if unfit and (least is None or (card.parameters or 0) < (least.parameters or 0)):
                self._unfit[card.architecture] = card
        self._waiting.clear()


def _least(limits: Limits) -> dict[str, int]:
    """What the database can tell of the limits: a model beyond these is surely outside."""
    sizes = [limits.max_parameters, None if limits.memory is None else limits.memory // BYTES]
    known = {"parameters": min((size for size in sizes if size is not None), default=None), "bytes": limits.max_bytes}
    return {name: limit for name, limit in known.items() if limit is not None}


def _facts(task: Task, registry: Registry, at_most: dict[str, int]) -> Facts:
    """The models that are made for the task; where there are none, all of its domain."""
    columns = registry.columns(_COLUMNS, domain=task.domain, task=task.name, at_most=at_most)
    if not columns[0]:
        columns = registry.columns(_COLUMNS, domain=task.domain, at_most=at_most)
    if not columns[0] and at_most:
        return _facts(task, registry, {})
    if not columns[0]:
        raise UnknownModel(f"The registry has no {task.domain} model.", "Bring some in: zoo sync hf, zoo import FILE")
    ids, architectures, parameters, released, base_models, pretraining = columns
    lists = {text: tuple(json.loads(text)) if text else () for text in set(pretraining)}
    return Facts(
        ids,
        [text or None for text in architectures],
        [int(text) if text else None for text in parameters],
        released,
        base_models,
        [lists[text] for text in pretraining],
    )
