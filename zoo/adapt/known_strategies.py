"""The strategies by name, and which options of a plan each uses on which data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.adapt.evaluating import by_answers
from zoo.contract.strategy import TRAINING, Options, Strategy
from zoo.errors import InvalidInput, suggest
from zoo.plugins import plugins

if TYPE_CHECKING:
    from zoo.entities import Dataset


def options_of(name: str, dataset: Dataset) -> Options:
    """The options of a plan that a strategy uses on such data.

    Raises:
        InvalidInput: there is no such strategy.
    """
    return _learner_options(name) if trains_learner(name, dataset) else find(name).options


METHODS = {"full": "everything", "partial": "last_blocks", "lora": "low_rank", "linear-probe": "head_alone"}
"""The part of a model's own learner that each strategy trains."""


def _learner_options(strategy: str) -> Options:
    """The options of a plan that a strategy uses if the backbone's own learner is trained."""
    reasons = {
        "head": "the model has its own head, and a linear probe is fitted for classes and numbers only",
        "keep": "there is no other model to keep: fine-tuning is compared with a probe for classes and numbers only",
    }
    if METHODS[strategy] == "head_alone":
        reasons["layer_decay"] = "the pretrained blocks are frozen"
    return Options(frozenset(TRAINING) - reasons.keys(), reasons=reasons)


def trains_learner(name: str, dataset: Dataset) -> bool:
    """Whether a strategy trains the backbone's own learner for spans, texts, boxes and other such targets."""
    return by_answers(dataset) and name in METHODS


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
