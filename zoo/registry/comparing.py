"""Compares models: their cards, and the benchmarks that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.entities import Entity, ModelCard
from zoo.errors import InvalidInput
from zoo.registry.registry import Registry

Benchmark = tuple[str, str, str, str, bool, str]


@dataclass(frozen=True)
class SharedBenchmark(Entity):
    """One benchmark, with the scores of the models.

    Attributes:
        origin: ``reported`` or ``measured``; scores of different origins are not compared.
        values: scores by model id; models without a score are missing.
        best: id of the best model; None if several are tied or only one has a score.
    """

    task: str
    dataset: str
    split: str
    metric: str
    higher_is_better: bool
    origin: str
    values: Mapping[str, float]
    best: str | None = None


@dataclass(frozen=True)
class Comparison(Entity):
    """Cards in the requested order, and benchmarks, those that most models share first."""

    models: tuple[ModelCard, ...]
    benchmarks: tuple[SharedBenchmark, ...]

    def to_frame(self) -> Any:
        """The benchmarks as a pandas ``DataFrame``: one row per benchmark, one column per model."""
        from zoo.errors import needs_extra

        with needs_extra("notebook", "make a data frame"):
            import pandas as pd
        index = pd.MultiIndex.from_tuples(
            [(b.task, b.dataset, b.split, b.metric) for b in self.benchmarks],
            names=["task", "dataset", "split", "metric"],
        )
        return pd.DataFrame([b.values for b in self.benchmarks], index=index, columns=[m.id for m in self.models])


def compare(registry: Registry, references: Sequence[str]) -> Comparison:
    """Compare models.

    Raises:
        InvalidInput: fewer than two different models; UnknownModel with the nearest ids.
    """
    cards = list({card.id: card for card in (registry.card(reference) for reference in references)}.values())
    if len(cards) < 2:
        raise InvalidInput("A comparison needs at least two different models.", "Find models: zoo search WORDS")
    found: dict[Benchmark, dict[str, float]] = {}
    for card in cards:
        for score in registry.scores(card.id):
            place = (score.task, score.dataset, score.split, score.metric, score.higher_is_better, score.origin)
            found.setdefault(place, {})[card.id] = score.value
    order = sorted(found, key=lambda place: (-len(found[place]), place))
    return Comparison(tuple(cards), tuple(SharedBenchmark(*p, found[p], _best(found[p], p[4])) for p in order))


def _best(values: Mapping[str, float], higher_is_better: bool) -> str | None:
    top = max(values.values()) if higher_is_better else min(values.values())
    winners = [model for model, value in values.items() if value == top]
    return winners[0] if len(winners) == 1 and len(values) > 1 else None
