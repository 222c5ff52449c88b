"""Spend few measurements well: ask which model to measure next, tell what came out, stop when it is good enough."""

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

SCALES = (0.5, 0.7, 1.0, 1.4, 2.0)
"""How much wider than expected the scores of this data set may lie; the measurements tell which is right."""

UNKNOWN_SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""The same where no results on other data sets tell how far apart scores lie."""

SCALE_DOUBT = 0.5
"""Prior standard deviation of the logarithm of that."""

LEVEL_DOUBT = 2.0
"""Least prior standard deviation of the data set's level, in standard deviations of the models."""

DRAWS = 256
"""Samples of the posterior behind ``expected_regret``."""


class Posterior:
    """What is believed of every model's score while measurements come in.

    A Gaussian process over the models with the covariance of the prior's errors, for each of several scales (as
    ``SCALES``), weighted by how well it foresaw the measurements so far.

    Attributes:
        means: h x n, for each scale, on the prediction's axis.
        covariance: h x n x n, in standard deviations; 1 x n x n as long as all scores were exact, when all are alike.
    """

    def __init__(self, prediction: Prediction, scales: Sequence[float] = SCALES) -> None:
        self.axis = prediction.axis
        self.scales = prediction.scale * np.array(scales)
        self._level = prediction.level
        self._places = np.tile(prediction.mean, (len(scales), 1))
        level = max(prediction.level_error / prediction.scale, LEVEL_DOUBT)
        self.covariance = (prediction.covariance() + level**2)[None]
        self._relative = prediction.covariance()
        self._log_weights = -0.5 * (np.log(scales) / (SCALE_DOUBT if scales is SCALES else prediction.scale_error)) ** 2

    @property
    def weights(self) -> np.ndarray:
        """Belief in each scale, summing to one."""
        relative = np.exp(self._log_weights - self._log_weights.max())
        return relative / relative.sum()

    @property
    def means(self) -> np.ndarray:
        """h x n, on the axis."""
        return self._level + self.scales[:, None] * self._places

    def tell(self, place: int, score: float, error: float = 0.0) -> None:
        """Take in the score of one model, whose standard error is in the unit of the scores."""
        noise = (error / self.axis.slope(score) / self.scales) ** 2
        if error > 0.0 and len(self.covariance) == 1:
            self.covariance = np.repeat(self.covariance, len(self.scales), axis=0)
        column = self.covariance[:, :, place].copy()
        variance = column[:, place] + noise
        seen = (float(self.axis.place(np.array(score))) - self._level) / self.scales
        surprise = seen - self._places[:, place]
        self._log_weights += -0.5 * (surprise**2 / variance) - 0.5 * np.log(variance) - np.log(self.scales)
        self._places += (surprise / variance)[:, None] * column
        divisor = variance[: len(column), None, None]
        self.covariance -= column[:, :, None] * column[:, None, :] / divisor
        if error == 0.0:
            self.covariance[:, place, :] = self.covariance[:, :, place] = 0.0

    def believed(self, place: int) -> float:
        """The expected score of one model, in the unit of the scores."""
        return float(self.axis.score(self.weights @ self.means[:, place]))

    def deviations(self) -> np.ndarray:
        """Standard deviation of each model for each scale, h x n, in standard deviations of the models."""
        variances = np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0.0)
        return np.broadcast_to(np.sqrt(variances), self._places.shape)

    def expected_improvement(self, best: float | None) -> np.ndarray:
        """By how much each model is expected to exceed ``best``, n, in the unit of the scores.

        Without a best, by how much it is expected to exceed the average model.
        """
        if best is None:
            mean = self._places[0]
            spread = np.sqrt(np.diag(self._relative))
            return float(self.scales[2]) * _improvement(mean - float(np.median(mean)), spread)
        target = float(self.axis.place(np.array(best)))
        gains = [
            scale * _improvement((mean - target) / scale, deviation)
            for scale, mean, deviation in zip(self.scales, self.means, self.deviations(), strict=True)
        ]
        return self.axis.slope(best) * (self.weights @ np.array(gains))

    def draws(self, number: int, seed: int = 0) -> np.ndarray:
        """Samples of all models' scores, number x n, in the unit of the scores."""
        random = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(self.covariance)
        roots = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        chosen = random.choice(len(self.scales), size=number, p=self.weights)
        noise = random.standard_normal((number, self._places.shape[1]))
        if len(roots) == 1:
            noise = noise @ roots[0].T
        else:
            for scale, root in enumerate(roots):
                noise[chosen == scale] = noise[chosen == scale] @ root.T
        return self.axis.score(self.means[chosen] + self.scales[chosen, None] * noise)


class Selector:
    """Names the model that is worth measuring next, until the rest is not worth it.

    >>> selector = Selector(["a", "b", "c"], history)           # doctest: +SKIP
    >>> while (model := selector.ask()) is not None:            # doctest: +SKIP
    ...     selector.tell(model, measure(model))

    Args:
        models: the candidates, by the names that the history uses, or as cards.
        history: past results on other data sets; None takes what is known of the cards for the task.
        dataset: name of the data set; its name says what it is like, and results on it in the history are not used.
        task: name of the task; without a history, models that are cards are expected to do what the shipped prior and
            the registry's own runs of the task say.
        budget: most that may be spent, in the unit of the costs: measurements, where no cost is ever told.
        tolerance: stop when the expected regret is at most this, in the unit of the scores.
        costs: what measuring each model is expected to cost; the expected improvement is divided by it.
        prediction: a prior of one's own instead of one from the history, for exactly these models.

    Raises:
        InvalidInput: no candidate, one twice, or a budget, tolerance or cost that is not a positive number.
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
        self._told: dict[str, float] = {}
        self._uncertain: set[str] = set()
        self._skipped: set[str] = set()
        self.spent = 0.0

    @property
    def told(self) -> dict[str, float]:
        """The measurements so far, in order."""
        return dict(self._told)

    @property
    def best(self) -> str | None:
        """The measured model whose score is believed highest, None before the first measurement.

        That is the highest score told, unless one with a larger error owes its lead to chance more likely than not.
        """
        return max(self._told, key=self._believed) if self._told else None

    @property
    def expected_regret(self) -> float:
        """How much better than the best measured model the best of those left is expected to be; infinite at first.

        That two measured models may be in the wrong order by the errors of their scores does not count: no further
        model that is measured changes it.
        """
        best = self.best
        if best is None:
            return math.inf
        left = np.array([model not in self._told and model not in self._skipped for model in self.models])
        if not left.any():
            return 0.0
        draws = self._posterior.draws(DRAWS)
        return float(np.mean(np.maximum(draws[:, left].max(axis=1) - draws[:, self.models.index(best)], 0.0)))

    @property
    def finished(self) -> str | None:
        """Why there is nothing more to measure, or None."""
        if len(self._told) + len(self._skipped) == len(self.models):
            return "every candidate is measured" + (" or left out" if self._skipped else "")
        if self.budget is not None and not self._affordable().any():
            return f"the budget of {self.budget:g} is spent"
        if self.tolerance > 0.0 and self._told and self.expected_regret <= self.tolerance:
            return f"the expected regret is at most {self.tolerance:g}"
        return None

    def ask(self) -> str | None:
        """The candidate whose expected improvement per cost is highest; None when it is time to stop."""
        return next(iter(self.ask_several(1)), None)

    def ask_several(self, number: int) -> list[str]:
        """The candidates to measure next, at most so many; each as if those before it had come out as expected.

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
        """Leave a candidate out from now on, whose measurement failed or that is not wanted.

        Raises:
            InvalidInput: the model is no candidate, or its score was told.
        """
        if model not in self.models or model in self._told:
            raise InvalidInput(f"'{model}' is no candidate that is left.", "Skip one that was not told yet.")
        self._skipped.add(model)

    def tell(self, model: str, score: float, cost: float | None = None, error: float = 0.0) -> None:
        """Take in a measurement, asked for or not; higher scores are better.

        Args:
            cost: what it cost; the expected cost where None.
            error: standard error of the score, in its unit; of what models measured on the same samples do not have in
                common, where they are.

        Raises:
            InvalidInput: the model is no candidate or was told before, or a figure is not finite.
        """
        if model not in self.models:
            hint = suggest(model, self.models) or "Tell a score of one of the candidates."
            raise InvalidInput(f"'{model}' is not one of the {len(self.models)} candidates.", hint)
        if model in self._told:
            raise InvalidInput(f"The score of '{model}' was told before ({self._told[model]:g}).", "Tell each once.")
        if not math.isfinite(score):
            raise InvalidInput(f"The score of '{model}' is {score}.", "Leave a model out whose measurement failed.")
        place = self.models.index(model)
        if cost is not None and not (math.isfinite(cost) and cost >= 0.0):
            raise InvalidInput(f"The cost of '{model}' is {cost}.", "A cost is a number of at least 0.")
        if not (math.isfinite(error) and error >= 0.0):
            raise InvalidInput(f"The error of '{model}' is {error}.", "An error is a number of at least 0.")
        self.spent += float(self._costs[place]) if cost is None else cost
        self._told[model] = float(score)
        if error > 0.0:
            self._uncertain.add(model)
        self._posterior.tell(place, float(score), error)

    def expected(self) -> dict[str, tuple[float, float, float]]:
        """For every candidate the expected score and its 90 % interval (equal for those measured without error)."""
        draws = self._posterior.draws(4 * DRAWS)
        low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95), axis=0)
        exact = self._told.keys() - self._uncertain
        return {
            model: (self._told[model],) * 3 if model in exact else (float(m), float(lo), float(hi))
            for model, m, lo, hi in zip(self.models, middle, low, high, strict=True)
        }

    def _believed(self, model: str) -> float:
        """The score told, or what is believed of it where it has an error."""
        return self._posterior.believed(self.models.index(model)) if model in self._uncertain else self._told[model]

    def _affordable(self, spent: float | None = None) -> np.ndarray:
        left = np.array([model not in self._told and model not in self._skipped for model in self.models])
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


def _improvement(lead: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Expected positive part of a normal variable with mean ``lead`` and standard deviation ``spread``."""
    safe = np.where(spread > 1e-9, spread, 1.0)
    ratio = lead / safe
    density = np.exp(-0.5 * ratio**2) / math.sqrt(2.0 * math.pi)
    return np.where(spread > 1e-9, safe * (density + ratio * _normal_distribution(ratio)), np.maximum(lead, 0.0))


def _normal_distribution(values: np.ndarray) -> np.ndarray:
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in values])


def _check(models: tuple[str, ...], budget: float | None, tolerance: float) -> None:
    if not models:
        raise InvalidInput("There is no candidate to select from.", "Give at least one model.")
    if len(set(models)) < len(models):
        twice = next(model for model in models if models.count(model) > 1)
        raise InvalidInput(f"'{twice}' is there twice among the candidates.", "Name each once.")
    if budget is not None and not budget > 0.0:
        raise InvalidInput(f"A budget of {budget:g} allows no measurement.", "Give a budget above 0, or none.")
    if not (math.isfinite(tolerance) and tolerance >= 0.0):
        raise InvalidInput(f"A tolerance of {tolerance:g} makes no sense.", "Give a regret to accept, such as 0.01.")


def _costs(models: tuple[str, ...], costs: Mapping[str, float] | None) -> np.ndarray:
    if costs is None:
        return np.ones(len(models))
    for model, cost in costs.items():
        if not (math.isfinite(cost) and cost > 0.0):
            raise InvalidInput(f"The cost of '{model}' is {cost}.", "A cost is a number above 0.")
    known = [costs[model] for model in models if model in costs]
    usual = float(np.median(known)) if known else 1.0
    return np.array([costs.get(model, usual) for model in models], dtype=float)
