"""Evaluates the prior on records: leave a data set out, leave models out, or test on another file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.contract.backbone import Progress, SilentProgress
from zoo.errors import InvalidInput
from zoo.history.records import FEWEST_MODELS, History
from zoo.history.similarity import kind
from zoo.selection.prior.kriging import Prior
from zoo.selection.prior.prediction import Prediction, tie_step
from zoo.selection.rank.ordering import pearson, regret, weighted_tau

ENOUGH_MODELS = 150
"""A data set is evaluated if this many models, or a quarter of all, have a score on it."""

EVALUATED_KINDS = ("classif", "cluster", "sts", "retriev")
"""Kinds of task to evaluate, if the data sets' names show them; the others are only training data."""

FOLDS = 5
MOST_UNSEEN = 24
"""Models are left out on at most this many data sets, evenly spread over their names."""

RANDOM_ORDERS = 20

PARAMETERS = ("number_of_parameters", "n_parameters", "parameters", "params")
DOWNLOADS = ("downloads",)

Figures = dict[str, float]


def evaluate(history: History, progress: Progress | None = None) -> dict[str, Any]:
    """Leave each data set out in turn; then, in five parts, the models.

    Raises:
        InvalidInput: nothing can be evaluated.
    """
    progress = progress or SilentProgress()
    names = evaluated_datasets(history)
    require(names, history)
    prior = Prior(history)
    found: dict[str, Figures] = {}
    with progress.step("Leaving a data set out", len(names)) as step:
        for name in names:
            models, true = scores_on(history, name)
            found[name] = figures(prior.predict(name, models), true)
            step.advance()
    return {
        **_summary(found, baselines(history, history, names)),
        "unseen_models": _unseen_models(history, names[:: math.ceil(len(names) / MOST_UNSEEN)], progress),
        "left_out": [name for name in history.datasets if name not in names],
        "notes": list(history.notes),
    }


def evaluate_on(train: History, test: History, progress: Progress | None = None) -> dict[str, Any]:
    """Train on one history and predict all of another; results that are in both are taken from the training.

    Raises:
        InvalidInput: nothing can be evaluated.
    """
    progress = progress or SilentProgress()
    train, test, notes = separated(train, test)
    names = [name for name in test.datasets if len(scores_on(test, name)[0]) >= FEWEST_MODELS]
    require(names, test)
    prior = Prior(train, test.models, test.datasets)
    found: dict[str, Figures] = {}
    with progress.step("Predicting", len(names)) as step:
        for name in names:
            models, true = scores_on(test, name)
            found[name] = figures(prior.predict(name, models, known=True), true)
            step.advance()
    return {
        **_summary(found, baselines(train, test, names)),
        "left_out": [name for name in test.datasets if name not in names],
        "notes": [*train.notes, *test.notes, *notes],
    }


def dataset_facts(*histories: History) -> dict[str, Any]:
    """Number of data sets with facts, of how many, and in which columns."""
    names = {name for history in histories for name in history.datasets}
    known = {name: facts for history in histories for name, facts in history.dataset_facts.items() if name in names}
    return {
        "described": sum(map(bool, known.values())),
        "datasets": len(names),
        "columns": sorted({column for facts in known.values() for column in facts}),
    }


def separated(train: History, test: History) -> tuple[History, History, list[str]]:
    """Both with all facts of either, and the training without the results of the test."""
    facts = {**test.model_facts, **train.model_facts}
    about = {**test.dataset_facts, **train.dataset_facts}
    mirrored = test.only(train.models, train.datasets).scores
    shared = ~np.isnan(mirrored) & ~np.isnan(train.scores)
    notes = [f"{shared.sum():,} results are in both files: left out of the training."] if shared.any() else []
    scores = np.where(shared, np.nan, train.scores)
    return (
        replace(train, scores=scores, model_facts=facts, dataset_facts=about),
        replace(test, model_facts=facts, dataset_facts=about),
        notes,
    )


def evaluated_datasets(history: History) -> list[str]:
    """The data sets that results are reported for: enough models, and of the kinds in question."""
    least = min(ENOUGH_MODELS, max(FEWEST_MODELS, math.ceil(len(history.models) / 4)))
    counts = (~np.isnan(history.scores)).sum(axis=0)
    names = [name for name, count in zip(history.datasets, counts, strict=True) if count >= least]
    kinds = [kind(name) for name in names]
    if 2 * sum(map(bool, kinds)) < len(names):
        return names
    return [name for name, of in zip(names, kinds, strict=True) if of in EVALUATED_KINDS]


def scores_on(history: History, dataset: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The models that have a score on a data set, and their scores."""
    column = history.scores[:, history.datasets.index(dataset)]
    known = ~np.isnan(column)
    return tuple(name for name, there in zip(history.models, known, strict=True) if there), column[known]


def figures(prediction: Prediction, true: np.ndarray) -> Figures:
    """Metrics of a prediction."""
    low, high = prediction.interval()
    return {
        **_order(prediction.mean, true, prediction.scores()),
        "weighted_tau_with_ties": weighted_tau(prediction.tied(), true),
        "coverage_90": float(np.mean((true >= low) & (true <= high))),
        "models": len(true),
    }


def _order(order: np.ndarray, true: np.ndarray, expected: np.ndarray | None = None) -> Figures:
    return {
        "weighted_tau": weighted_tau(order, true),
        "pearson": pearson(order if expected is None else expected, true),
        "regret_at_1": regret(order, true, 1),
        "regret_at_5": regret(order, true, 5),
    }


def baselines(train: History, test: History, names: Iterable[str]) -> dict[str, dict[str, float | None]]:
    """Mean results of simple baselines over the same data sets; baselines without data are left out."""
    orders: dict[str, Callable[[str, tuple[str, ...]], np.ndarray]] = {
        "mean_z_score": lambda name, models: mean_z_scores(train, name, models)
    }
    for label, numbers in (("parameters", test.numbers(*PARAMETERS)), ("downloads", test.numbers(*DOWNLOADS))):
        if numbers:
            orders[label] = lambda _, models, numbers=numbers: filled(models, numbers)  # type: ignore[misc]
    found: dict[str, list[Figures]] = {label: [] for label in (*orders, "random")}
    for name in names:
        models, true = scores_on(test, name)
        for label, order in orders.items():
            found[label].append(_order(order(name, models), true))
        random = np.random.default_rng(0)
        chances = [_order(random.random(len(true)), true) for _ in range(RANDOM_ORDERS)]
        found["random"].append(_mean(chances))
    return {label: _rounded(_mean(values)) for label, values in found.items()}


def mean_z_scores(history: History, dataset: str, models: tuple[str, ...]) -> np.ndarray:
    """The models' mean z-score over all other evaluated data sets; the mean of the rest for models without one."""
    others = history.only(models=models)
    wanted = set(evaluated_datasets(history)) - {dataset}
    kept = [place for place, name in enumerate(history.datasets) if name in wanted]
    spread = np.nanstd(history.scores[:, kept], axis=0)
    z = (others.scores[:, kept] - np.nanmean(history.scores[:, kept], axis=0)) / np.where(spread > 0, spread, np.nan)
    counts = (~np.isnan(z)).sum(axis=1)
    sums = np.nansum(z, axis=1)
    return filled(models, {m: s / c for m, s, c in zip(models, sums, counts, strict=True) if c})


def filled(models: tuple[str, ...], numbers: Mapping[str, float]) -> np.ndarray:
    """The models' numbers; missing ones are replaced by the mean."""
    known = [numbers[model] for model in models if model in numbers]
    usual = float(np.mean(known)) if known else 0.0
    return np.array([numbers.get(model, usual) for model in models])


def _unseen_models(history: History, names: list[str], progress: Progress) -> dict[str, Any]:
    """Predict each fifth of the models from their facts and from the runs of the other models."""
    part = np.random.default_rng(0).permutation(len(history.models)) % FOLDS
    expected = np.full(history.scores.shape, np.nan)
    place, errors, inside = expected.copy(), expected.copy(), expected.copy()
    with progress.step("Leaving models out", FOLDS) as step:
        for fold in range(FOLDS):
            held = tuple(name for name, at in zip(history.models, part, strict=True) if at == fold)
            rows = np.flatnonzero(part == fold)
            prior = Prior(history.without(models=held), models=held)
            for name in names:
                column = history.datasets.index(name)
                prediction = prior.predict(name, held, known=True)
                low, high = prediction.interval()
                true = history.scores[rows, column]
                place[rows, column] = prediction.level + prediction.scale * prediction.mean
                errors[rows, column] = prediction.variance * prediction.scale**2
                expected[rows, column] = prediction.scores()
                inside[rows, column] = (true >= low) & (true <= high)
            step.advance()
    found: dict[str, Figures] = {}
    for name in names:
        column = history.datasets.index(name)
        known = ~np.isnan(history.scores[:, column])
        true, mean = history.scores[known, column], place[known, column]
        found[name] = {
            **_order(mean, true, expected[known, column]),
            "weighted_tau_with_ties": weighted_tau(np.round(mean / tie_step(mean, errors[known, column])), true),
            "coverage_90": float(np.mean(inside[known, column])),
            "models": int(known.sum()),
        }
    columns = [history.datasets.index(name) for name in names]
    there = ~np.isnan(history.scores[:, columns])
    summary = _summary(found, {k: v for k, v in baselines(history, history, names).items() if k != "mean_z_score"})
    summary["mean"]["pearson_over_all_results"] = round(
        pearson(expected[:, columns][there], history.scores[:, columns][there]), 4
    )
    return summary


def _summary(found: Mapping[str, Figures], simple: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mean": _rounded({k: v for k, v in _mean(list(found.values())).items() if k != "models"}),
        "baselines": dict(simple),
        "datasets": {name: _rounded(values) for name, values in found.items()},
    }


def _mean(several: list[Figures]) -> Figures:
    """Means by name, ignoring NaN, for metrics that are undefined on a data set."""
    found = {}
    for name in several[0]:
        values = [figures[name] for figures in several if not math.isnan(figures[name])]
        found[name] = float(np.mean(values)) if values else math.nan
    return found


def _rounded(values: Mapping[str, float]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, int) else None if math.isnan(value) else round(value, 4)
        for name, value in values.items()
    }


def require(names: list[str], history: History) -> None:
    """Raise ``InvalidInput`` if there is no data set to evaluate."""
    if not names:
        raise InvalidInput(
            f"No data set has results of at least {FEWEST_MODELS} models: nothing can be evaluated.",
            f"The records have {len(history.models)} models on {len(history.datasets)} data sets; add some.",
        )
