"""Chooses which model to measure next: ask for it, tell its score, stop when the best so far is good enough."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.entities import ModelCard
from zoo.errors import InvalidInput, suggest
from zoo.history.records import History
from zoo.selection.prior import predict
from zoo.selection.prior.kriging import Prior
from zoo.selection.prior.prediction import Prediction, uninformed
from zoo.selection.prior.ranking import own_history
from zoo.selection.select.posterior import SCALES, UNKNOWN_SCALES, Posterior

DRAWS = 256
"""Number of posterior samples for ``expected_regret``."""


class Selector:
    """Chooses the most promising model to measure next, until the others are not worth measuring.

    >>> selector = Selector(["a", "b", "c"], history)           # doctest: +SKIP
    >>> while (model := selector.ask()) is not None:            # doctest: +SKIP
    ...     selector.tell(model, measure(model))

    Args:
        models: the candidates, by the names that the history uses, or as cards.
        history: past results on other data sets; None uses the shipped prior and the registry's runs.
        dataset: name of the data set, from which similar data sets are found; results on it in the history are not
            used.
        task: name of the task; without a history, the scores of models that are cards are predicted from the shipped
            prior and the registry's own runs of the task.
        budget: maximum cost, in the unit of ``costs``; without them, number of measurements.
        tolerance: stop when the expected regret is at most this, in the unit of the scores.
        costs: expected cost of measuring each model; the expected improvement is divided by it.
        prediction: a prior for exactly these models, instead of one from the history.

    Raises:
        InvalidInput: there is no candidate, or one twice, or a budget, tolerance or cost is not positive.
    """

    def __init__(
        self,
        models: Sequence[str] | Sequence[ModelCard],
        history: History | None = None,
        *,
        dataset: str = "this data set",
        task: str | None = None,
        budget: float | None = None,
        tolerance: float = 0.0,
        costs: Mapping[str, float] | None = None,
        prediction: Prediction | None = None,
    ) -> None:
        cards = [model for model in models if isinstance(model, ModelCard)]
        self.models = tuple(model.id if isinstance(model, ModelCard) else model for model in models)
        _check(self.models, budget, tolerance)
        self.budget, self.tolerance = budget, tolerance
        self._costs = _costs(self.models, costs)
        self._posterior = Posterior(
            prediction or _predicted(self.models, history, dataset, cards if len(cards) == len(models) else [], task),
            SCALES if prediction is not None or history is not None else UNKNOWN_SCALES,
        )
        self._scores: dict[str, float] = {}
        self._uncertain: set[str] = set()
        self._skipped: set[str] = set()
        self.spent = 0.0

    @property
    def measured(self) -> dict[str, float]:
        """The measurements so far, in order."""
        return dict(self._scores)

    @property
    def best(self) -> str | None:
        """The measured model with the highest expected score, None before the first measurement.

        That is the one with the highest score, unless its error is large and it probably leads by chance.
        """
        return max(self._scores, key=self._believed) if self._scores else None

    @property
    def expected_regret(self) -> float:
        """Expected difference between the best remaining and the best measured model; infinite at first.

        Errors in the order of measured models are ignored, because measuring further models does not change them.
        """
        best = self.best
        if best is None:
            return math.inf
        left = np.array([model not in self._scores and model not in self._skipped for model in self.models])
        if not left.any():
            return 0.0
        draws = self._posterior.draws(DRAWS)
        return float(np.mean(np.maximum(draws[:, left].max(axis=1) - draws[:, self.models.index(best)], 0.0)))

    @property
    def finished(self) -> str | None:
        """Why there is nothing more to measure, or None."""
        if len(self._scores) + len(self._skipped) == len(self.models):
            return "every candidate is measured" + (" or left out" if self._skipped else "")
        if self.budget is not None and not self._affordable().any():
            return f"the budget of {self.budget:g} is spent"
        if self.tolerance > 0.0 and self._scores and self.expected_regret <= self.tolerance:
            return f"the expected regret is at most {self.tolerance:g}"
        return None

    def ask(self) -> str | None:
        """The candidate whose expected improvement per cost is highest; None when it is time to stop."""
        return next(iter(self.ask_several(1)), None)

    def ask_several(self, number: int) -> list[str]:
        """The candidates to measure next, at most ``number``; each as if those before it had scored as expected.

        That is the kriging believer of Ginsbourger, Le Riche and Carraro (2010). Empty when it is time to stop.
        """
        if self.finished is not None:
            return []
        posterior = copy.deepcopy(self._posterior)
        best = self._believed(self.best) if self.best is not None else None
        found: list[str] = []
        spent = self.spent
        while len(found) < number:
            open_to = self._affordable(spent) & np.array([model not in found for model in self.models])
            if not open_to.any():
                break
            worth = posterior.expected_improvement(best) / self._costs
            place = int(np.argmax(np.where(open_to, worth, -1.0)))
            found.append(self.models[place])
            believed = posterior.believed(place)
            best = believed if best is None else max(best, believed)
            spent += float(self._costs[place])
            if len(found) < number:
                posterior.tell(place, believed)
        return found

    def skip(self, model: str) -> None:
        """Leave a candidate out from now on, because its measurement failed or it is not wanted.

        Raises:
            InvalidInput: the model is not a candidate, or is already measured.
        """
        if model not in self.models or model in self._scores:
            raise InvalidInput(f"'{model}' is not one of the candidates left.", "Skip one without a score.")
        self._skipped.add(model)

    def tell(self, model: str, score: float, cost: float | None = None, error: float = 0.0) -> None:
        """Add a measurement, of any candidate; higher scores are better.

        Args:
            cost: what it cost; None for the expected cost.
            error: standard error of the score, in its unit; for models that were measured on the same samples, of the
                part that their errors do not share.

        Raises:
            InvalidInput: the model is not a candidate, or has a score already, or a figure is not finite.
        """
        if model not in self.models:
            hint = suggest(model, self.models) or "Tell a score of one of the candidates."
            raise InvalidInput(f"'{model}' is not one of the {len(self.models)} candidates.", hint)
        if model in self._scores:
            raise InvalidInput(f"'{model}' has a score already ({self._scores[model]:g}).", "Tell each score once.")
        if not math.isfinite(score):
            raise InvalidInput(f"The score of '{model}' is {score}.", "Leave a model out whose measurement failed.")
        place = self.models.index(model)
        if cost is not None and not (math.isfinite(cost) and cost >= 0.0):
            raise InvalidInput(f"The cost of '{model}' is {cost}.", "A cost must be at least 0.")
        if not (math.isfinite(error) and error >= 0.0):
            raise InvalidInput(f"The error of '{model}' is {error}.", "An error must be at least 0.")
        self.spent += float(self._costs[place]) if cost is None else cost
        self._scores[model] = float(score)
        if error > 0.0:
            self._uncertain.add(model)
        self._posterior.tell(place, float(score), error)

    def expected(self) -> dict[str, tuple[float, float, float]]:
        """For every candidate the expected score and its 90 % interval (equal for those measured without error)."""
        draws = self._posterior.draws(4 * DRAWS)
        low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95), axis=0)
        exact = self._scores.keys() - self._uncertain
        return {
            model: (self._scores[model],) * 3 if model in exact else (float(m), float(lo), float(hi))
            for model, m, lo, hi in zip(self.models, middle, low, high, strict=True)
        }

    def _believed(self, model: str) -> float:
        """The score, or its posterior if it has an error."""
        return self._posterior.believed(self.models.index(model)) if model in self._uncertain else self._scores[model]

    def _affordable(self, spent: float | None = None) -> np.ndarray:
        left = np.array([model not in self._scores and model not in self._skipped for model in self.models])
        if self.budget is None:
            return left
        return left & ((self.spent if spent is None else spent) + self._costs <= self.budget * (1.0 + 1e-9))


def _predicted(
    models: tuple[str, ...], history: History | None, dataset: str, cards: Sequence[ModelCard], task: str | None
) -> Prediction:
    if history is not None:
        return Prior(history, models, (dataset,)).predict(dataset, models)
    expected = predict(cards, task, dataset, own_history(task, cards)) if cards and task is not None else None
    return uninformed(models) if expected is None else uninformed(models).around(expected.mean, expected.deviation)


def _check(models: tuple[str, ...], budget: float | None, tolerance: float) -> None:
    if not models:
        raise InvalidInput("There is no candidate to select from.", "Give at least one model.")
    if len(set(models)) < len(models):
        twice = next(model for model in models if models.count(model) > 1)
        raise InvalidInput(f"'{twice}' appears twice among the candidates.", "Name each once.")
    if budget is not None and not budget > 0.0:
        raise InvalidInput(f"Invalid budget {budget:g}: it must be positive.", "Give a budget above 0, or none.")
    if not (math.isfinite(tolerance) and tolerance >= 0.0):
        raise InvalidInput(f"Invalid tolerance {tolerance:g}: it must be 0 or more.", "Give a regret, such as 0.01.")


def _costs(models: tuple[str, ...], costs: Mapping[str, float] | None) -> np.ndarray:
    if costs is None:
        return np.ones(len(models))
    for model, cost in costs.items():
        if not (math.isfinite(cost) and cost > 0.0):
            raise InvalidInput(f"The cost of '{model}' is {cost}.", "A cost must be positive.")
    known = [costs[model] for model in models if model in costs]
    usual = float(np.median(known)) if known else 1.0
    return np.array([costs.get(model, usual) for model in models], dtype=float)
