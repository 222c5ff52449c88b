"""Put candidates in order by what is known beforehand, without running a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoo.answers import Candidate
from zoo.entities import ModelCard
from zoo.recommend.history import History
from zoo.recommend.prior import predict
from zoo.recommend.prior.shipped import Expectation, content

WIDTH = 1.645
"""Standard errors on either side of a 90 % interval."""

_ORIGINS = {
    "results": "published results of this very model",
    "base": "published results of the model that it was made from",
    "alike": "published results of models with such names, sizes and training",
    "own": "runs in this registry",
}


def by_prior(cards: Sequence[ModelCard], task: str, dataset: str = "") -> list[Candidate] | None:
    """Candidates by their expected place, best first; None where nothing is known of the task.

    Args:
        cards: the models.
        task: name of the task.
        dataset: name of the data set; the registry's runs on it count, and its name says what it is like.
    """
    expected = expected_of(cards, task, dataset)
    return None if expected is None else in_order(cards, expected, task)


def in_order(cards: Sequence[ModelCard], expected: Expectation, task: str) -> list[Candidate]:
    """Candidates by what is expected of each, best first; the smaller one first among equals."""
    order = sorted(
        range(len(cards)),
        key=lambda at: (-expected.mean[at], cards[at].parameters or math.inf, cards[at].id),
    )
    return [_candidate(cards[at], expected, at, rank, task) for rank, at in enumerate(order, start=1)]


def expected_of(cards: Sequence[ModelCard], task: str, dataset: str = "") -> Expectation | None:
    """What the shipped prior and the registry's runs of the task let expect of models; None where neither tells."""
    return predict(cards, task, dataset, own_history(task, cards))


def own_history(task: str, cards: Sequence[ModelCard] | None) -> History | None:
    """The registry's runs of a task, None where there are none that can teach anything.

    Args:
        cards: what is known of the models that were run; None looks them up.
    """
    from zoo.errors import DataError
    from zoo.recommend.history import from_runs
    from zoo.registry import open_registry

    registry = open_registry()
    runs = registry.runs(task=task)
    if not runs:
        return None
    models = {run.model for run in runs}
    cards = registry.cards_called(sorted(models)) if cards is None else cards
    try:
        return from_runs(runs, [card for card in cards if card.id in models])
    except DataError:
        return None


def _candidate(card: ModelCard, expected: Expectation, at: int, rank: int, task: str) -> Candidate:
    mean, error = float(expected.mean[at]), WIDTH * float(expected.deviation[at])
    return Candidate(
        rank=rank,
        id=card.id,
        score=round(mean, 4),
        interval=(round(mean - error, 4), round(mean + error, 4)),
        parameters=card.parameters,
        bytes=card.bytes,
        license=card.license,
        reasons=(_reason(mean, error, expected.origin[at], task),),
    )


def _reason(mean: float, error: float, origin: str, task: str) -> str:
    cited = ", ".join(entry["source"] for entry in content()["tasks"].get(task, {"sources": []})["sources"])
    source = _ORIGINS[origin] + (f" ({cited})" if cited and origin != "own" else "")
    return (
        f"Expected {abs(mean):.2f} standard deviations {'above' if mean >= 0 else 'below'} the average model "
        f"(90 % interval {mean - error:+.2f} to {mean + error:+.2f}), by {source}; not measured."
    )
