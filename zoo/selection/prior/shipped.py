"""The prior that ships with zoo: predictions from published results, for models with results and similar ones.

``shipped.json`` is plain text, written by ``tools/build_prior.py`` from the records that it lists.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from zoo.entities import ModelCard
from zoo.selection.prior.names import sums
from zoo.untrusted import parse_json

FILE = "shipped.json"
_PART = re.compile(r"[a-z]+|[0-9]+")
BASE_DOUBT = 1.5
"""Factor on the standard error of a model that is predicted from its base model."""


@dataclass(frozen=True)
class Expectation:
    """Predicted scores of models on an ordinary data set of a task, before anything is measured.

    Attributes:
        mean: n, in standard deviations of the models in the records, around their average; higher is better.
        deviation: n, standard errors of ``mean``.
        origin: n of ``results`` (the records have the model itself), ``base`` (they have its base model), ``alike``
            (models with similar names, sizes and training) or ``own`` (runs of the registry).
    """

    mean: np.ndarray
    deviation: np.ndarray
    origin: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def content() -> dict[str, Any]:
    """The content of the file: ``sources`` and, by task name, the learnt weights."""
    found: dict[str, Any] = parse_json((resources.files("zoo.selection.prior") / FILE).read_text(encoding="utf-8"))
    return found


def tasks() -> tuple[str, ...]:
    """The tasks that the shipped prior knows."""
    return tuple(content()["tasks"])


def terms(card: ModelCard) -> Iterator[str]:
    """Terms that describe a card, besides numbers: parts of its name, its architecture and pretraining data."""
    yield from _PART.findall(card.id.rpartition("/")[2].lower())
    yield from _facts(card.architecture, card.pretraining)


def _facts(architecture: str | None, pretraining: tuple[str, ...]) -> Iterator[str]:
    if architecture:
        yield f"architecture={architecture}"
    for name in pretraining:
        yield f"pretraining={name}"


@dataclass(frozen=True)
class Facts:
    """Facts about many models, column by column, in the same order.

    Attributes:
        ids, architectures, parameters, released, base_models: as in their cards, None if unknown.
        pretraining: names of data sets.
    """

    ids: Sequence[str]
    architectures: Sequence[str | None]
    parameters: Sequence[int | None]
    released: Sequence[str | None]
    base_models: Sequence[str | None]
    pretraining: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, cards: Sequence[ModelCard]) -> Facts:
        """The facts of cards."""
        return cls(
            [card.id for card in cards],
            [card.architecture for card in cards],
            [card.parameters for card in cards],
            [card.released for card in cards],
            [card.base_model for card in cards],
            [card.pretraining for card in cards],
        )


def numbers(cards: Sequence[ModelCard]) -> np.ndarray:
    """n x 4: logarithm of the parameters, its square, years since 2023, and whether the parameters are unknown."""
    return _numbers(Facts.of(cards))


def _numbers(facts: Facts) -> np.ndarray:
    parameters = np.array([count or 0 for count in facts.parameters], dtype=float)
    unknown = parameters <= 0.0
    size = np.where(unknown, 0.0, np.log10(np.where(unknown, 1.0, parameters)) - 8.0)
    since = {date: _years(date) for date in set(facts.released)}
    years = np.array([since[date] for date in facts.released], dtype=float)
    return np.column_stack([size, size**2, years, unknown])


def expect(cards: Sequence[ModelCard], task: str) -> Expectation | None:
    """The prediction from published results for each card; None for a task without any."""
    return expect_of(Facts.of(cards), task)


def expect_of(facts: Facts, task: str) -> Expectation | None:
    """The same for models by their facts alone; fast enough for a hundred thousand at once."""
    learnt = content()["tasks"].get(task)
    if learnt is None:
        return None
    known = learnt["known"]
    mean = learnt["intercept"] + _numbers(facts) @ np.array(learnt["numbers"]) + _described(facts, learnt["terms"])
    deviation = np.full(len(facts.ids), float(learnt["deviation"]))
    origin = ["alike"] * len(facts.ids)
    for place in [at for at, base in enumerate(facts.base_models) if base in known]:
        mean[place], doubt = known[facts.base_models[place]]
        deviation[place] = doubt * BASE_DOUBT
        origin[place] = "base"
    for place in [at for at, id in enumerate(facts.ids) if id in known]:
        mean[place], deviation[place] = known[facts.ids[place]]
        origin[place] = "results"
    return Expectation(mean, deviation, tuple(origin))


def _described(facts: Facts, weights: dict[str, float]) -> np.ndarray:
    """Sum of the weights of each model's terms, n."""
    keys = list(zip(facts.architectures, facts.pretraining, strict=True))
    sums_of = {key: sum(weights.get(term, 0.0) for term in _facts(*key)) for key in set(keys)}
    tails = [id.rpartition("/")[2] for id in facts.ids]
    return sums(tails, weights) + np.fromiter(map(sums_of.__getitem__, keys), dtype=float, count=len(keys))


def _years(released: str | None) -> float:
    """Years since the beginning of 2023; 0 where the date is unknown."""
    if not released or not released[:4].isdigit():
        return 0.0
    month = int(released[5:7]) - 1 if released[5:7].isdigit() else 6
    return int(released[:4]) - 2023 + month / 12
