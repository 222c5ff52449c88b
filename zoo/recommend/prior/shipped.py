"""The prior that comes with zoo: what published results say of the models they know, and of models like them.

``shipped.json`` is plain text, written by ``tools/build_prior.py`` from the records that it names.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from zoo.entities import ModelCard

FILE = "shipped.json"
_PART = re.compile(r"[a-z]+|\d+")
_PART_OR_END = re.compile(r"[a-z]+|\d+|\n")
BASE_DOUBT = 1.5
"""How much less is known of a model through the model that it was made from, as a factor on the standard error."""


@dataclass(frozen=True)
class Expectation:
    """What is expected of models on an ordinary data set of a task, before anything is measured.

    Attributes:
        mean: n, in standard deviations of the models that the records tell of, around their average; higher is better.
        deviation: n, standard errors of ``mean``.
        origin: n times ``results`` (the records have the very model), ``base`` (they have the model that it was made
            from), ``alike`` (models with such names, sizes and training) or ``own`` (runs of the registry).
    """

    mean: np.ndarray
    deviation: np.ndarray
    origin: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def content() -> dict[str, Any]:
    """What is in the file: ``sources`` and, by task name, what was learnt."""
    found: dict[str, Any] = json.loads((resources.files("zoo.recommend.prior") / FILE).read_text(encoding="utf-8"))
    return found


def tasks() -> tuple[str, ...]:
    """The tasks that the shipped prior knows."""
    return tuple(content()["tasks"])


def terms(card: ModelCard) -> Iterator[str]:
    """What a card is described by, besides numbers: parts of its name, and what it is and was trained on."""
    yield from _PART.findall(card.id.rpartition("/")[2].lower())
    yield from _facts(card)


def _facts(card: ModelCard) -> Iterator[str]:
    if card.architecture:
        yield f"architecture={card.architecture}"
    for name in card.pretraining:
        yield f"pretraining={name}"


def numbers(cards: Sequence[ModelCard]) -> np.ndarray:
    """n x 4: logarithm of the parameters, its square, years since 2023, and whether the parameters are unknown."""
    parameters = np.array([card.parameters or 0 for card in cards], dtype=float)
    unknown = parameters <= 0.0
    size = np.where(unknown, 0.0, np.log10(np.where(unknown, 1.0, parameters)) - 8.0)
    years = np.array([_years(card.released) for card in cards])
    return np.column_stack([size, size**2, years, unknown])


def expect(cards: Sequence[ModelCard], task: str) -> Expectation | None:
    """What published results let expect of each card; None for a task that they do not tell of."""
    learnt = content()["tasks"].get(task)
    if learnt is None:
        return None
    known = learnt["known"]
    mean = learnt["intercept"] + numbers(cards) @ np.array(learnt["numbers"]) + _described(cards, learnt["terms"])
    deviation = np.full(len(cards), float(learnt["deviation"]))
    origin = ["alike"] * len(cards)
    for place, card in enumerate(cards):
        if card.id in known:
            mean[place], deviation[place] = known[card.id]
            origin[place] = "results"
        elif card.base_model in known:
            mean[place], doubt = known[card.base_model]
            deviation[place] = doubt * BASE_DOUBT
            origin[place] = "base"
    return Expectation(mean, deviation, tuple(origin))


class _Weights(dict[str, float]):
    """Weights of parts of names: nothing for those unknown, NaN for the end of a name."""

    def __missing__(self, part: str) -> float:
        return math.nan if part == "\n" else 0.0


def _described(cards: Sequence[ModelCard], weights: dict[str, float]) -> np.ndarray:
    """Sum of the weights of each card's terms, n: all names cut into parts at once, as there may be 100,000."""
    text = "".join([card.id.rpartition("/")[2] + "\n" for card in cards]).lower()
    worth = np.array(list(map(_Weights(weights).__getitem__, _PART_OR_END.findall(text))))
    ends = np.isnan(worth)
    sums = np.concatenate([[0.0], np.cumsum(np.where(ends, 0.0, worth))[ends]])
    facts: dict[tuple[str | None, tuple[str, ...]], float] = {}
    for card in cards:
        key = (card.architecture, card.pretraining)
        if key not in facts:
            facts[key] = sum(weights.get(term, 0.0) for term in _facts(card))
    return np.diff(sums) + np.array([facts[card.architecture, card.pretraining] for card in cards])


@functools.lru_cache(maxsize=4096)
def _years(released: str | None) -> float:
    """Years since the beginning of 2023; 0 where the date is unknown."""
    if not released or not released[:4].isdigit():
        return 0.0
    month = int(released[5:7]) - 1 if released[5:7].isdigit() else 6
    return int(released[:4]) - 2023 + month / 12
