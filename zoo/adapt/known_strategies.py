"""The strategies by name, and which options of a plan each uses on which data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.adapt.evaluating import by_answers
from zoo.contract.experiment import is_binary
from zoo.contract.strategy import Options, Strategy
from zoo.errors import InvalidInput, suggest
from zoo.kinds.known import estimated_as, kind_of
from zoo.plugins import plugins

if TYPE_CHECKING:
    from zoo.entities import Dataset


def options_of(name: str, dataset: Dataset) -> Options:
    """The options of a plan that a strategy uses on such data.

    Raises:
        InvalidInput: there is no such strategy.
    """
    strategy = find(name)
    options = (by_answers(dataset) and strategy.structured) or strategy.options
    reason = _unweighted(dataset) if "class_weights" in options.used else ""
    if reason:
        reasons = {**options.reasons, "class_weights": reason}
        return replace(options, used=options.used - {"class_weights"}, reasons=reasons)
    return options


def _unweighted(dataset: Dataset) -> str:
    """Why the samples of such data are not weighted by class; empty if they are."""
    if kind_of(dataset.target_kind).several:
        return "the labels have thresholds of their own instead"
    if estimated_as(dataset.target_kind) == "number" and not _binary(dataset):
        return "the targets are numbers, which have no classes to weight"
    return ""


def _binary(dataset: Dataset) -> bool:
    """Whether the targets are all 0 or 1."""
    return dataset.targets is not None and is_binary(kind_of(dataset.target_kind).array(dataset.targets))


def strategies() -> dict[str, Strategy]:
    """The strategies of all plugins by name; a plugin's own comes before the core's of the same name."""
    found: dict[str, Strategy] = {}
    for strategy in plugins().items("zoo_strategies", Strategy):
        found.setdefault(strategy.name, strategy)
    return found


def find(name: str) -> Strategy:
    """The strategy called ``name``.

    Raises:
        InvalidInput: with the nearest names.
    """
    known = strategies()
    if name not in known:
        hint = suggest(name, known)
        raise InvalidInput(f"There is no strategy called '{name}'.", f"{hint} Strategies: {', '.join(known)}.".strip())
    return known[name]
