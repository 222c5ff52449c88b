"""Predicts models from published results and the registry's runs, without running one, and words the prediction."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.entities import ModelCard
from zoo.history.records import History
from zoo.selection.prior import predict
from zoo.selection.prior.shipped import Expectation, content

WIDTH = 1.959964
"""Standard errors on either side of a 95 % interval, as of every score of a candidate."""

_ORIGINS = {
    "results": "published results of this model",
    "base": "published results of its base model",
    "alike": "published results of models with similar names, sizes and training",
    "own": "runs in this registry",
    "scores": "its published scores for this task",
}

_OWN = frozenset({"own", "scores"})
"""Origins other than the records behind the shipped prior."""


def expected_of(cards: Sequence[ModelCard], task: str, dataset: str = "") -> Expectation | None:
    """Predictions from the shipped prior and the registry's runs of the task; None if neither knows the task."""
    return predict(cards, task, dataset, own_history(task, cards))


def own_history(task: str, cards: Sequence[ModelCard] | None) -> History | None:
    """The registry's runs of a task, None if none is usable.

    Args:
        cards: cards of the models that were run; None looks them up.
    """
    from zoo.errors import DataError
    from zoo.history.records import from_runs
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


def expectation_in_words(mean: float, deviation: float, origin: str, task: str) -> str:
    """The prediction for a model with its 95 % interval and source, in a sentence."""
    error = WIDTH * deviation
    cited = ", ".join(entry["source"] for entry in content()["tasks"].get(task, {"sources": []})["sources"])
    source = _ORIGINS[origin] + (f" ({cited})" if cited and origin not in _OWN else "")
    return (
        f"Expected {abs(mean):.2f} standard deviations {'above' if mean >= 0 else 'below'} the average model "
        f"(95 % interval {mean - error:+.2f} to {mean + error:+.2f}), by {source}; not measured."
    )
