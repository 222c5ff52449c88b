"""What every strategy shares: the task, the split, the evaluation of predictions, and the run that comes out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.adapt.plans import check_plan
from zoo.adapt.task_metrics import metrics_for
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo.provenance import revision_of, versions
from zoo.tasks import Task, find_task

if TYPE_CHECKING:
    from zoo.contract.kind import Kind
    from zoo.contract.metric import Metric

STRONG_IMBALANCE = 10
"""Classes are weighted when the largest has this many times the samples of the smallest."""

RANKED = "roc_auc"
"""The metric that decides where the targets are 0 and 1."""


@dataclass(frozen=True)
class Experiment:
    """A data set split for one adaptation, and how it is evaluated.

    Attributes:
        train, validation, test: positions of the samples in the data set.
        targets: n targets: class indices (int64), floats (float64), or a sequence of other values.
        metrics: the task's metrics that apply, the one that decides first.
        kind: that of the targets.
        copies: how many samples are copies of an earlier one; those lie in its part.
    """

    task: Task
    dataset: Dataset
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    targets: Any
    metrics: tuple[Metric, ...]
    kind: Kind
    copies: int = 0

    @property
    def learned_from(self) -> tuple[int, ...]:
        """Positions of the samples that the weights depend on: those of training and of validation."""
        return (*self.train, *self.validation)

    @property
    def outputs(self) -> int:
        """How many numbers a head gives: one for each class, or one."""
        return len(self.dataset.classes) if self.classification else 1

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.kind.estimable and self.targets.dtype.kind == "i"

    def evaluate(self, predictions: Any, positions: Sequence[int]) -> dict[str, float]:
        """Every metric of predictions for the samples at ``positions``."""
        targets = self.of(positions)
        return {metric.name: float(metric.compute(targets, predictions)) for metric in self.metrics}

    def decide(self, predictions: Any, positions: Sequence[int]) -> float:
        """The deciding metric, turned so that higher is better."""
        metric = self.metrics[0]
        value = float(metric.compute(self.of(positions), predictions))
        return value if metric.higher_is_better else -value

    def of(self, positions: Sequence[int]) -> Any:
        """The targets of the samples at ``positions``."""
        return self.targets[list(positions)] if self.kind.estimable else [self.targets[at] for at in positions]

    def part(self, positions: Sequence[int]) -> Dataset:
        """The samples at ``positions``."""
        return self.dataset.subset(positions)

    def baseline(self) -> dict[str, float]:
        """The same metrics on the test split for what the kind of target answers without a model."""
        guessed = self.kind.baseline(self.part(self.test).inputs, self.of(self.train), self.task.name)
        return self.evaluate(guessed, self.test)

    def class_weights(self) -> np.ndarray | None:
        """A weight for each class, or for 0 and 1, where the imbalance is strong: the root of its rarity, 1 on average.

        The root is a compromise: full inverse frequency would buy rare classes at the price of accuracy.
        """
        known = self.targets[list(self.train)]
        if not self.classification and not is_binary(known):
            return None
        counts = np.bincount(known.astype(np.int64), minlength=self.outputs)
        present = counts > 0
        if counts.max() < STRONG_IMBALANCE * counts[present].min():
            return None
        weights = np.where(present, 1 / np.sqrt(np.maximum(counts, 1)), 0.0)
        return weights * len(self.train) / (weights * counts).sum()


def is_binary(targets: np.ndarray) -> bool:
    """Whether numbers are all 0 or 1, and both occur."""
    return set(np.unique(targets).tolist()) == {0.0, 1.0}


def prepare(dataset: Dataset, plan: Plan, base: ModelCard | None = None) -> Experiment:
    """Split a data set by a plan: stratified, seeded, the same parts for every strategy and model.

    Args:
        base: the model to start from; what it was trained on is not tested on.

    Raises:
        InvalidInput: the plan's figures cannot be.
        DataError: the data set has no targets, or is too small to hold samples out.
        UnknownTask: no such task.
    """
    from zoo.adapt.saved.seen import keep_apart
    from zoo.data import copies, units
    from zoo.data.splitting import RANDOM
    from zoo.plugins import plugins

    check_plan(plan)
    task, kind = find_task(plan.task, plugins().tasks), kind_of(dataset.target_kind)
    if dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' has no labels, so nothing can be adapted to it.",
            "Name the column of the labels with --target-column, or sort the files into class folders.",
        )
    in_time = kind.ordered and plan.split == RANDOM
    parts = _in_time(dataset, plan) if in_time else _at_random(dataset, plan)
    # What is learned from and what is tested are apart in time; elsewhere copies are kept in one part.
    repeated = 0 if in_time else copies(units(dataset))
    if not all(parts):
        raise too_few(dataset, repeated)
    if base is not None:
        parts = keep_apart(dataset, parts, base, move=not kind.ordered)
    kind.evaluated_with(task.name)  # a metric model that is missing is named before anything is trained
    targets: Any = kind.array(dataset.targets) if kind.estimable else dataset.targets
    tested = targets[list(parts[2])] if kind.estimable else [targets[at] for at in parts[2][: kind.most_evaluated]]
    metrics = metrics_for(task, tested)
    if kind.estimable and targets.dtype.kind == "f" and all(is_binary(targets[list(part)]) for part in parts[1:]):
        # Targets of 0 and 1 are evaluated by rank, as in MoleculeNet (Wu et al., 2018).
        metrics = tuple(sorted(metrics, key=lambda metric: metric.name != RANKED))
    return Experiment(task, dataset, parts[0], parts[1], parts[2], targets, metrics, kind, repeated)


def _at_random(dataset: Dataset, plan: Plan) -> list[tuple[int, ...]]:
    """Positions of the three parts: stratified and seeded, or by groups."""
    from zoo.data import split_as

    fractions = (1 - plan.validation - plan.test, plan.validation, plan.test)
    divided = split_as(dataset, plan.split, fractions, plan.seed)
    # Parts are made of the data set itself, so that their indices are positions in it.
    return [tuple(int(position) for position in part.inputs.indices) for part in divided]  # type: ignore[attr-defined]


def _in_time(dataset: Dataset, plan: Plan) -> list[tuple[int, ...]]:
    """Positions of the three parts: the first samples, those that follow, and the last."""
    count = len(dataset)
    ends = [round(count * (1 - plan.validation - plan.test)), round(count * (1 - plan.test)), count]
    return [tuple(range(start, end)) for start, end in zip([0, *ends[:2]], ends, strict=True)]


def too_few(dataset: Dataset, repeated: int) -> DataError:
    """The error for a data set that is too small for three parts, with its number of copies."""
    distinct = f", {len(dataset) - repeated:,} of them distinct" if repeated else ""
    return DataError(
        f"'{dataset.name}' has {len(dataset):,} samples{distinct}; that is too few to train on, to stop early on and "
        "to test on.",
        "Bring more samples.",
    )


def make_run(
    experiment: Experiment,
    card: ModelCard,
    plan: Plan,
    *,
    started: float,
    metrics: Mapping[str, float],
    epochs: int,
    carried_out: Mapping[str, Any],
) -> Run:
    """The record of an adaptation.

    Args:
        started: ``time.perf_counter()`` at its beginning.
        carried_out: what the plan left to the strategy, as it was chosen, and how it ended; kept beside the plan, of
            which options without effect are left out.
    """
    from zoo.adapt.known_strategies import options_of

    used = options_of(plan.strategy, experiment.dataset).select(plan.to_dict())
    return Run(
        id=new_id(),
        model=card.id,
        task=experiment.task.name,
        dataset=experiment.dataset.name,
        data=experiment.dataset.fingerprint,
        strategy=plan.strategy,
        metrics=dict(metrics),
        baseline=experiment.baseline(),
        plan={**used, **carried_out, "copies": experiment.copies, "test_samples": len(experiment.test)},
        seed=plan.seed,
        epochs=epochs,
        samples=len(experiment.dataset),
        seconds=round(time.perf_counter() - started, 3),
        device=plan.device,
        revision=revision_of(card),
        versions=versions(),
        path=plan.output,
        created=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
    )


def new_id() -> str:
    """A short unique name that sorts by time: ``20261124-093015-4fa2``."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
