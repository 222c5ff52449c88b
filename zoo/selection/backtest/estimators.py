"""How well estimators, and ensembles of them, predict the ranking by real fine-tuning.

Agreement is the weighted Kendall tau between the order of the models by an estimator and by their fine-tuned score
(Vigna, "A weighted correlation index for rankings with ties", WWW 2015, hyperbolic weights, so that the top counts
most), and the regret: the best fine-tuned score minus that of the model ranked first.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.entities import Entity, ModelCard
from zoo.errors import InvalidInput, ZooError, needs_extra
from zoo.kinds.known import estimated_as
from zoo.selection.backtest.ground_truth import FineTuning, GroundTruthFile, Recipe

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress

BASELINE = "parameters"
"""Ranking by size, which any estimator should beat."""

FEWEST_MODELS = 3
"""Minimum number of models for a ranking to compare."""


@dataclass(frozen=True)
class Agreement(Entity):
    """How well one order of the models agrees with the order by fine-tuning.

    Attributes:
        weighted_tau: from -1 (reversed) to 1 (the same order).
        regret: in the unit of the task's metric; 0 where the model ranked first is the best.
    """

    weighted_tau: float
    regret: float


@dataclass(frozen=True)
class DataResult(Entity):
    """One data set.

    Attributes:
        ground_truth: fine-tuned score by model.
        predicted: value by estimator and model.
        agreement: by estimator or ensemble.
        left_out: models and estimators without a result, with the reason.
        seconds_measuring: loading, extraction and all estimators together.
    """

    task: str
    data: str
    samples: int
    classes: int
    ground_truth: Mapping[str, float]
    predicted: Mapping[str, Mapping[str, float]]
    agreement: Mapping[str, Agreement]
    left_out: Mapping[str, str] = field(default_factory=dict)
    seconds_measuring: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values; the key of ``ground_truth`` is shorter."""
        return {{"ground_truth": "truth"}.get(name, name): value for name, value in super().to_dict().items()}


@dataclass(frozen=True)
class EstimatorReport(Entity):
    """All data sets.

    Attributes:
        mean: mean agreement over the data sets, by estimator or ensemble, the best first; only those that every data
            set has.
        recipe: how the models were fine-tuned.
    """

    data_sets: tuple[DataResult, ...]
    mean: Mapping[str, Agreement]
    recipe: Mapping[str, Any]
    seconds: float


def evaluate(
    names: Sequence[str],
    *,
    samples: int,
    recipe: Recipe,
    ground_truth: Path | None = None,
    estimators: Sequence[str] = (),
    candidates: str | None = None,
    only_kept: bool = False,
    device: str | None = None,
    progress: Progress | None = None,
) -> EstimatorReport:
    """Measure and fine-tune models on real data sets and compare the two orders.

    Args:
        names: of data sets, see ``zoo.read``.
        samples: of each data set, a stratified part.
        ground_truth: file of fine-tuning runs; those in it are not repeated, new ones are added immediately.
        estimators: names; empty takes all that can be computed from the data's targets.
        candidates: see ``zoo.selection.request.candidates.choose``.
        only_kept: compare the models that ``ground_truth`` has runs of, and fine-tune nothing.

    Raises:
        ZooError: a data set cannot be read, or no data set has three fine-tuned models.
    """
    from zoo.contract.backbone import SilentProgress
    from zoo.data import read, sample, task_for
    from zoo.features.device import best_device

    started = time.perf_counter()
    progress, device = progress or SilentProgress(), best_device(device)
    kept = GroundTruthFile(ground_truth)
    results = []
    for name in names:
        whole = read(name)
        dataset, task = sample(whole, samples, 0), task_for(whole, None)
        tuning = FineTuning(dataset, task.name, recipe, kept, device, progress)
        result = _one_data_set(tuning, estimators, candidates, only_kept)
        if len(result.ground_truth) >= FEWEST_MODELS:
            results.append(result)
    if not results:
        raise InvalidInput(
            f"No data set has {FEWEST_MODELS} models that were fine-tuned.",
            "Name another --ground-truth, or leave --kept out.",
        )
    seconds = round(time.perf_counter() - started, 1)
    return EstimatorReport(tuple(results), mean_agreement(results), recipe.to_dict(), seconds)


def agreement(predicted: Mapping[str, float], fine_tuned: Mapping[str, float]) -> Agreement:
    """Weighted tau and regret over the models of ``fine_tuned``."""
    with needs_extra("torch", "compare rankings"):
        from scipy.stats import weightedtau

    models = sorted(fine_tuned)
    tau = weightedtau([fine_tuned[model] for model in models], [predicted[model] for model in models]).statistic
    first = max(models, key=lambda model: predicted[model])
    return Agreement(0.0 if math.isnan(tau) else float(tau), max(fine_tuned.values()) - fine_tuned[first])


def ensembles(predicted: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Every pair of estimators, and all of them, by the mean of their ranks and of their z-scores; higher is better."""
    names = sorted(predicted)
    groups = [*itertools.combinations(names, 2), *([tuple(names)] if len(names) > 2 else [])]
    found = {}
    for group in groups:
        label = "all" if len(group) > 2 else "+".join(group)
        for kind, scale in (("rank", _ranks), ("z", _z_scores)):
            scaled = [scale(predicted[name]) for name in group]
            found[f"mean {kind} of {label}"] = {
                model: statistics.fmean(values[model] for values in scaled) for model in scaled[0]
            }
    return found


def mean_agreement(results: Sequence[DataResult]) -> dict[str, Agreement]:
    """Mean over the data sets of everything that each of them has, the highest weighted tau first."""
    shared = set.intersection(*(set(result.agreement) for result in results))
    means = {
        name: Agreement(
            statistics.fmean(result.agreement[name].weighted_tau for result in results),
            statistics.fmean(result.agreement[name].regret for result in results),
        )
        for name in shared
    }
    return dict(sorted(means.items(), key=lambda item: (-item[1].weighted_tau, item[1].regret, item[0])))


def _one_data_set(tuning: FineTuning, estimators: Sequence[str], candidates: str | None, only_kept: bool) -> DataResult:
    from zoo.plugins import plugins
    from zoo.plugins.deciding import active
    from zoo.selection.request.candidates import choose, within
    from zoo.selection.request.constraints import Limits
    from zoo.tasks import find_task

    choices = choose(find_task(tuning.task, plugins().tasks), candidates)
    choices, excluded = within(choices, Limits(policy=active(), task=tuning.task))
    dataset, left_out = tuning.dataset, {one.id: one.reason for one in excluded}
    cards: dict[str, ModelCard] = {}
    fine_tuned: dict[str, float] = {}
    for choice in choices:
        model = choice.card.id
        try:
            run = tuning.known(model) if only_kept else tuning.reached(model)
        except ZooError as error:
            left_out[model] = str(error)
            continue
        if run is None or run.value is None:
            left_out[model] = run.reason if run else "was not fine-tuned"
        else:
            fine_tuned[model], cards[model] = run.value, choice.card
    started = time.perf_counter()
    predicted: dict[str, dict[str, float]] = {}
    agreed: dict[str, Agreement] = {}
    if len(fine_tuned) >= FEWEST_MODELS:
        predicted = _predictions(cards, tuning, estimators, left_out)
        size = {model: float(card.parameters or 0) for model, card in cards.items()}
        orders = {**predicted, **ensembles(predicted), BASELINE: size}
        agreed = {name: agreement(values, fine_tuned) for name, values in orders.items()}
    spent = time.perf_counter() - started
    return DataResult(
        tuning.task,
        dataset.name,
        len(dataset),
        len(dataset.classes),
        fine_tuned,
        predicted,
        agreed,
        left_out,
        round(spent, 1),
    )


def _predictions(
    cards: Mapping[str, ModelCard], tuning: FineTuning, estimators: Sequence[str], left_out: dict[str, str]
) -> dict[str, dict[str, float]]:
    """Value by estimator and model; an estimator that fails on one model is left out on this data set."""
    from zoo.contract.backbone import PROBABILITIES, SilentProgress
    from zoo.data import units
    from zoo.features import load
    from zoo.transfer.measure import find_estimator, known_estimators, measure, score

    dataset, progress = tuning.dataset, tuning.progress or SilentProgress()
    same = units(dataset)
    names = list(estimators) or list(known_estimators())
    kind = estimated_as(dataset.target_kind)
    names = [name for name in names if kind in find_estimator(name).target_kinds]
    values: dict[str, dict[str, float]] = {name: {} for name in names}
    for model, card in cards.items():
        loaded = load(card, device=tuning.device, progress=progress, action="recommend", task=tuning.task)
        given: dict[str, Any] = {"features": loaded.extract(dataset, progress=progress)}
        for name in list(values):
            estimator = find_estimator(name)
            takes = estimator.takes
            try:
                if takes not in given:
                    given[takes] = loaded.extract(dataset, (PROBABILITIES,), progress=progress)
                found, targets = given[takes].values, given[takes].targets
                if same is None or not (estimator.grouped or estimator.held_out):
                    values[name][model] = score(name, found, targets)
                else:  # copies of held-out samples must not be in the training part
                    values[name][model] = measure([name], found, targets, groups=same)[name].value
            except ZooError as error:
                left_out[name] = str(error)
                del values[name]
    return values


def _ranks(values: Mapping[str, float]) -> dict[str, float]:
    """The number of models that are worse, ties counting half."""
    return {
        model: sum((own > other) + 0.5 * (own == other) for other in values.values()) for model, own in values.items()
    }


def _z_scores(values: Mapping[str, float]) -> dict[str, float]:
    mean, spread = statistics.fmean(values.values()), statistics.pstdev(values.values())
    return {model: (value - mean) / spread if spread else 0.0 for model, value in values.items()}
