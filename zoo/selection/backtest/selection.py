"""Evaluates the selection on records: replays it on data sets with known scores, each left out of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.contract.backbone import Progress, SilentProgress
from zoo.errors import InvalidInput
from zoo.history.records import FEWEST_MODELS, History
from zoo.selection.backtest.prior import PARAMETERS, evaluated_datasets, mean_z_scores, require, scores_on, separated
from zoo.selection.prior.kriging import Prior
from zoo.selection.prior.prediction import Prediction
from zoo.selection.select.selector import Selector

CLOSE = 0.01
"""Maximum regret at which the best model counts as found."""

RANDOM_ORDERS = 100


def evaluate_selection(
    history: History, budget: int = 12, test: History | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Replay the selection on every evaluated data set of the history, or on every data set of ``test``.

    Args:
        history: past results; results on the replayed data set are left out, or with ``test`` only the results that the
            test has.
        budget: number of measurements.
        test: results to replay on.

    Raises:
        InvalidInput: the budget is not positive, or there is nothing to replay.
    """
    if budget < 1:
        raise InvalidInput(f"Invalid budget {budget}: it must be positive.", "Give a budget of at least 1.")
    progress = progress or SilentProgress()
    known = test is not None
    notes: list[str] = []
    if test is None:
        test, names = history, evaluated_datasets(history)
    else:
        history, test, notes = separated(history, test)
        names = [name for name in test.datasets if len(scores_on(test, name)[0]) >= FEWEST_MODELS]
    require(names, test)
    prior = Prior(history, test.models, test.datasets)
    parameters = test.numbers(*PARAMETERS)
    found = {}
    with progress.step("Selecting", len(names)) as step:
        for name in names:
            models, true = scores_on(test, name)
            prediction = prior.predict(name, models, known=known)
            found[name] = _replayed(prediction, true, budget, parameters, mean_z_scores(history, name, models))
            step.advance()
    return {
        "budget": budget,
        "mean": _means([result["selection"] for result in found.values()], budget),
        "baselines": {
            label: _means([result[label] for result in found.values()], budget)
            for label in ("mean_z_score", "parameters", "random")
            if label in next(iter(found.values()))
        },
        "datasets": {name: result["selection"] for name, result in found.items()},
        "left_out": [name for name in test.datasets if name not in names],
        "notes": [*history.notes, *(test.notes if known else ()), *notes],
    }


def _replayed(
    prediction: Prediction, true: np.ndarray, budget: int, parameters: Mapping[str, float], simple: np.ndarray
) -> dict[str, Any]:
    models = prediction.models
    scores = dict(zip(models, true, strict=True))
    selector = Selector(models, prediction=prediction, budget=budget)
    expected = []
    while (model := selector.ask()) is not None:
        selector.tell(model, scores[model])
        expected.append(round(selector.expected_regret, 4))
    sequence = list(selector.measured)
    result: dict[str, Any] = {
        "selection": {
            "models": len(models),
            "sequence": sequence,
            "regret": _regrets([scores[model] for model in sequence], true),
            "expected_regret": expected,
        },
        "mean_z_score": {"regret": _regrets(true[np.argsort(-simple, kind="stable")][:budget], true)},
        "random": {"regret": _random_regrets(true, budget)},
    }
    if any(model in parameters for model in models):
        costs = _parameters(models, parameters)
        largest = np.argsort(-costs, kind="stable")
        result["parameters"] = {"regret": _regrets(true[largest][:budget], true)}
        order = _cheapest_search(prediction, scores, dict(zip(models, costs, strict=True)))
        place = {model: at for at, model in enumerate(models)}
        result["selection"]["cost_share"] = _share([place[model] for model in order], true, costs)
        result["mean_z_score"]["cost_share"] = _share(np.argsort(-simple, kind="stable"), true, costs)
        result["parameters"]["cost_share"] = _share(largest, true, costs)
        random = np.random.default_rng(0)
        shares = [_share(random.permutation(len(true)), true, costs) for _ in range(RANDOM_ORDERS)]
        result["random"]["cost_share"] = round(float(np.mean(shares)), 4)
    return result


def _cheapest_search(prediction: Prediction, scores: Mapping[str, float], costs: Mapping[str, float]) -> list[str]:
    """The order of measurement with parameters as the cost, until a model is close to the best."""
    best = max(scores.values())
    selector = Selector(prediction.models, prediction=prediction, costs=costs)
    while (model := selector.ask()) is not None:
        selector.tell(model, scores[model])
        if scores[model] >= best - CLOSE:
            break
    return list(selector.measured)


def _parameters(models: tuple[str, ...], parameters: Mapping[str, float]) -> np.ndarray:
    """Parameters of each model; the median for models without a number."""
    known = [parameters[model] for model in models if parameters.get(model, 0.0) > 0.0]
    usual = float(np.median(known)) if known else 1.0
    return np.array([parameters[m] if parameters.get(m, 0.0) > 0.0 else usual for m in models])


def _regrets(measured: np.ndarray | list[float], true: np.ndarray) -> list[float]:
    best = np.maximum.accumulate(np.asarray(measured, dtype=float))
    return [round(float(value), 5) for value in true.max() - best]


def _random_regrets(true: np.ndarray, budget: int) -> list[float]:
    random = np.random.default_rng(0)
    orders = [_regrets(random.permutation(true)[:budget], true) for _ in range(RANDOM_ORDERS)]
    return [round(float(value), 5) for value in np.mean(orders, axis=0)]


def _share(order: np.ndarray | list[int], true: np.ndarray, costs: np.ndarray) -> float:
    """Cost until the first model within ``CLOSE`` of the best, as a share of measuring all."""
    order = np.asarray(order)
    close = np.flatnonzero(true[order] >= true.max() - CLOSE)
    return round(float(costs[order[: close[0] + 1]].sum() / costs.sum()), 4)


def _means(results: list[dict[str, Any]], budget: int) -> dict[str, Any]:
    """Mean regret after each step (after the last one where a data set has fewer models), and mean cost share."""
    steps = [[result["regret"][min(step, len(result["regret"]) - 1)] for result in results] for step in range(budget)]
    after = [round(float(np.mean(values)), 5) for values in steps]
    found: dict[str, Any] = {"regret": after[-1], "regret_after_each": after}
    shares = [result["cost_share"] for result in results if "cost_share" in result]
    if shares:
        found["cost_share"] = round(float(np.mean(shares)), 4)
    return found
