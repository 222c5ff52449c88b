"""Results of models on data sets, as one table of models by data sets; higher is always better.

Faulty records are fixed if that is possible, with a note in ``History.notes``; others raise one clear error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import DataError

if TYPE_CHECKING:
    from zoo.entities import ModelCard, Run

LOWER_IS_BETTER = frozenset(
    {
        "error",
        "error_rate",
        "top_1_error",
        "loss",
        "log_loss",
        "nll",
        "brier",
        "brier_score",
        "mae",
        "mse",
        "rmse",
        "mape",
        "perplexity",
        "wer",
        "cer",
        "eer",
        "fid",
        "hamming_loss",
        "calibration_error",
        "ece",
    }
)
"""Metrics whose sign is reversed."""

FRACTIONS = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "top_1_accuracy",
        "top_5_accuracy",
        "top1",
        "top5",
        "f1",
        "f1_macro",
        "f1_micro",
        "macro_f1",
        "precision",
        "recall",
        "auc",
        "auroc",
        "roc_auc",
        "average_precision",
        "map",
        "mrr",
        "ndcg",
        "ndcg_at_10",
        "spearman",
        "pearson",
        "matthews",
        "v_measure",
        "iou",
        "dice",
        "score",
        "main_score",
        "exact_match",
    }
)
"""Metrics whose values are at most one, unless they are written as percentages."""

FEWEST_MODELS = 3
"""Minimum number of models for a ranking to learn from or compare with."""


@dataclass(frozen=True)
class Record:
    """One result, and where it comes from: file and line, or a run."""

    place: str
    model: str
    dataset: str
    metric: str
    value: float
    cost: float | None = None


@dataclass(frozen=True)
class History:
    """Past results.

    Attributes:
        models, datasets: names, in the order of the rows and columns.
        scores: n models x d data sets, float64, higher is better, NaN where unknown.
        costs: the same shape, seconds that each result cost, NaN where unknown.
        model_facts: facts about each model, column name to text; models without a result included.
        dataset_facts: the same for data sets.
        notes: what was fixed in the records, in sentences.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    scores: np.ndarray
    costs: np.ndarray
    model_facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dataset_facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def only(self, models: Sequence[str] | None = None, datasets: Sequence[str] | None = None) -> History:
        """The part with these models and data sets, in this order; names without a result get empty rows."""
        models = self.models if models is None else tuple(models)
        datasets = self.datasets if datasets is None else tuple(datasets)
        tables = []
        for table in (self.scores, self.costs):
            padded = np.full((len(self.models) + 1, len(self.datasets) + 1), np.nan)
            padded[:-1, :-1] = table
            row = {name: place for place, name in enumerate(self.models)}
            column = {name: place for place, name in enumerate(self.datasets)}
            tables.append(padded[np.ix_([row.get(m, -1) for m in models], [column.get(d, -1) for d in datasets])])
        return replace(self, models=models, datasets=datasets, scores=tables[0], costs=tables[1])

    def without(self, models: Iterable[str] = (), datasets: Iterable[str] = ()) -> History:
        """The results of the other models and data sets; all facts are kept."""
        gone_models, gone_datasets = set(models), set(datasets)
        return self.only(
            [name for name in self.models if name not in gone_models],
            [name for name in self.datasets if name not in gone_datasets],
        )

    def fact(self, name: str) -> dict[str, str]:
        """One column of the models' facts, by model, without empty cells."""
        return {model: facts[name] for model, facts in self.model_facts.items() if facts.get(name)}

    def numbers(self, *names: str) -> dict[str, float]:
        """The first of these columns that exists, as numbers by model."""
        for name in names:
            found = {}
            for model, text in self.fact(name).items():
                try:
                    found[model] = float(text)
                except ValueError:
                    continue
            if found:
                return found
        return {}


def history(
    records: Iterable[Record],
    model_facts: Mapping[str, Mapping[str, str]] | None = None,
    dataset_facts: Mapping[str, Mapping[str, str]] | None = None,
) -> History:
    """The history of records, with faults fixed as ``docs/selection.md`` describes.

    Raises:
        DataError: no record is usable.
    """
    notes: list[str] = []
    groups: dict[tuple[str, str], list[Record]] = {}
    unusable = 0
    for record in records:
        if not np.isfinite(record.value):
            unusable += 1
            continue
        groups.setdefault((record.dataset, record.metric), []).append(record)
    if unusable:
        notes.append(f"{_count(unusable, 'record')} without a finite value left out.")
    if not groups:
        raise DataError("There is no usable record.", "Each needs a model, a data set and a finite value.")
    values: dict[tuple[str, str], list[float]] = {}
    costs: dict[tuple[str, str], float] = {}
    fixed: dict[tuple[str, str], list[str]] = {}
    for (dataset, metric), found in _one_metric_each(groups, notes).items():
        signed = _signed(np.array([record.value for record in found]), dataset, metric, fixed)
        for record, value in zip(found, signed, strict=True):
            values.setdefault((record.model, dataset), []).append(float(value))
            if record.cost is not None:
                costs[record.model, dataset] = record.cost
    notes += [f"{what} on {_some(places)}: {how}." for (what, how), places in fixed.items()]
    repeated = [cell for cell, several in values.items() if len(several) > 1]
    if repeated:
        model, dataset = repeated[0]
        notes.append(
            f"{_count(len(repeated), 'result')} given several times, such as {model} on {dataset}: their mean is used."
        )
    models = tuple(sorted({model for model, _ in values}))
    datasets = tuple(sorted({dataset for _, dataset in values}))
    row, column = {m: i for i, m in enumerate(models)}, {d: i for i, d in enumerate(datasets)}
    scores, spent = (np.full((len(models), len(datasets)), np.nan) for _ in range(2))
    for (model, dataset), several in values.items():
        scores[row[model], column[dataset]] = np.mean(several)
        spent[row[model], column[dataset]] = costs.get((model, dataset), np.nan)
    if model_facts:
        unknown = [model for model in models if model not in model_facts]
        if unknown:
            notes.append(
                f"{_count(len(unknown), 'model')} of the records not in the table of models, such as {unknown[0]}: "
                "only the name is known."
            )
    return History(models, datasets, scores, spent, model_facts or {}, dataset_facts or {}, tuple(notes))


def from_runs(runs: Iterable[Run], cards: Iterable[ModelCard] = ()) -> History:
    """The history of a registry: each run's metrics, and the facts of the models' cards.

    Raises:
        DataError: no run has a usable figure.
    """
    from zoo.history.cards import facts_of

    records = [
        Record(f"run {run.id}", run.model, run.dataset, metric, value, run.seconds or None)
        for run in runs
        for metric, value in run.metrics.items()
    ]
    return history(records, {card.id: facts_of(card) for card in cards})


def _one_metric_each(
    groups: Mapping[tuple[str, str], list[Record]], notes: list[str]
) -> dict[tuple[str, str], list[Record]]:
    """For each data set the metric that most models have; the first by name among equals."""
    chosen: dict[str, str] = {}
    for dataset, metric in sorted(groups):
        best = chosen.get(dataset)
        if best is None or len(groups[dataset, metric]) > len(groups[dataset, best]):
            chosen[dataset] = metric
    several = sorted({dataset for dataset, metric in groups if chosen[dataset] != metric})
    if several:
        notes.append(
            f"{_count(len(several), 'data set')} with several metrics, such as {several[0]}: "
            f"the one that most models have is used ({chosen[several[0]]})."
        )
    return {(dataset, metric): groups[dataset, metric] for dataset, metric in chosen.items()}


def _signed(values: np.ndarray, dataset: str, metric: str, fixed: dict[tuple[str, str], list[str]]) -> np.ndarray:
    """Convert percentages to fractions and make higher better; each change is noted."""
    name = metric.strip().lower().replace("-", "_").replace(" ", "_")
    if name in LOWER_IS_BETTER:
        fixed.setdefault((f"{metric} is better when lower", "its sign is reversed"), []).append(dataset)
        return -values
    percent = np.abs(values) > 1.0
    if name in FRACTIONS and percent.any() and np.abs(values).max() <= 100.0:
        if percent.all():
            fixed.setdefault((f"{metric} is in percent", "divided by 100"), []).append(dataset)
        else:
            what = f"{metric} mixes percentages and fractions", "what is above 1 is divided by 100"
            fixed.setdefault(what, []).append(f"{dataset} ({_count(int(percent.sum()), 'value')})")
        return np.where(percent, values / 100.0, values)
    return values


def _some(places: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    return places[0] if len(places) == 1 else f"{places[0]} and {_count(len(places) - 1, 'other')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
