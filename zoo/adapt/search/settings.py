"""The settings of a search: which are free, their values in a plan, and the plan of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from zoo.adapt.known_strategies import find, options_of
from zoo.adapt.training.augmentation import AUTO, NONE, strengths, usual_strength
from zoo.contract.space import Choice, Range, Space
from zoo.contract.strategy import flag
from zoo.entities import Dataset, Plan
from zoo.errors import InvalidInput

USUAL_RATE = "usual_learning_rate"
"""In a run's plan: the learning rate that the strategy would have chosen."""

TRAINED_BLOCKS = "trained_blocks"
"""In a run's plan: how many consecutive blocks were trained, each with its own learning rate."""


@dataclass(frozen=True)
class Facts:
    """What the first trial shows about the model.

    Attributes:
        usual_rate: the learning rate that relative ones are multiples of.
        blocks: number of consecutive blocks that are trained; a decay over one has no effect.
    """

    usual_rate: float
    blocks: int = 1

    @classmethod
    def of(cls, plan: Mapping[str, Any], fallback: float) -> Facts:
        """From a run's plan; ``fallback`` is the rate if there is none."""
        return cls(float(plan.get(USUAL_RATE) or fallback), int(plan.get(TRAINED_BLOCKS) or 1))


def space_for(plan: Plan, dataset: Dataset) -> Space:
    """The settings that a search may change: those that the plan leaves at their defaults.

    Raises:
        InvalidInput: none is left.
    """
    strategy = find(plan.strategy)
    used = options_of(plan.strategy, dataset).used
    usual = {one.name: one.default for one in fields(Plan)} | {"epochs": strategy.epochs}
    found: dict[str, Range | Choice] = {}
    for name, limits in strategy.space.items():
        if name not in used or getattr(plan, name) != usual[name]:
            continue
        offered = strengths(dataset)
        if name != "augment":
            found[name] = limits
        elif offered:
            found[name] = Choice((NONE, *offered))
    if not found:
        reason = (
            f"its settings are given ({', '.join(map(flag, strategy.space))})"
            if strategy.space
            else "it has no settings to search"
        )
        raise InvalidInput(
            f"--trials has no effect with --strategy {plan.strategy}: {reason}.",
            "Leave some of them out." if strategy.space else "Leave --trials out, or fine-tune: --strategy full",
        )
    return found


def start(plan: Plan, dataset: Dataset, space: Space) -> dict[str, Any]:
    """The values of the plan itself, which the first trial has."""
    found: dict[str, Any] = {}
    for name, limits in space.items():
        value = getattr(plan, name)
        if isinstance(limits, Range) and value is None:
            value = 1.0 if limits.relative else limits.default
        found[name] = limits.inside(usual_strength(dataset) if value == AUTO else value)
    return found


def planned(plan: Plan, settings: Mapping[str, Any], space: Space, facts: Facts) -> Plan:
    """The plan with the settings of a trial."""
    values = dict(settings)
    for name, limits in space.items():
        if name in values and isinstance(limits, Range) and limits.relative:
            values[name] *= facts.usual_rate
    return replace(plan, **values)


def carried_out(run_plan: Mapping[str, Any], space: Space, facts: Facts) -> dict[str, Any]:
    """The settings that a run had, by its recorded plan; those that it does not say are left out."""
    found = {}
    for name, limits in space.items():
        value = run_plan.get(name)
        if value is None:
            continue
        relative = isinstance(limits, Range) and limits.relative
        found[name] = value / facts.usual_rate if relative else value
    return found
