"""Splits a data set for an adaptation, and records the resulting run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from math import isfinite
from typing import TYPE_CHECKING, Any

from zoo.adapt.known_strategies import options_of
from zoo.adapt.plans import check_plan
from zoo.adapt.task_metrics import metrics_for
from zoo.compute import current
from zoo.contract.experiment import Experiment, Predictions, is_binary
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo.provenance import figure_versions, revision_of
from zoo.tasks import find_task

if TYPE_CHECKING:
    from zoo.adapt.results.outcomes import Gain
    from zoo.contract.backbone import Backbone
    from zoo.entities import Outcomes

RANKED = "roc_auc"
"""The primary metric for targets of 0 and 1."""


@dataclass(frozen=True)
class Prepared(Experiment):
    """An experiment whose results go to the registry.

    Attributes:
        started: ``time.perf_counter()`` at its start.
        units: n integers, equal for samples that depend on each other; None if each is independent.
        dropped: samples of the plan's list by part; those of the test part are tested on nevertheless.
    """

    started: float = field(default_factory=time.perf_counter)
    units: Any = None
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def test_units(self) -> list[int] | None:
        """The same for the test samples."""
        return None if self.units is None else [int(self.units[at]) for at in self.test]

    def gain(self, predictions: Any, other: Any) -> Gain:
        """The paired gain over other predictions, see ``zoo.adapt.results.intervals.difference``."""
        from zoo.adapt.results.outcomes import gain

        return gain(self.metrics[0], self.of(self.test), predictions, other, self.test_units)

    def record(
        self,
        backbone: Backbone,
        plan: Plan,
        *,
        metrics: Mapping[str, float] | None = None,
        predictions: Predictions | None = None,
        epochs: int = 0,
        carried_out: Mapping[str, Any] | None = None,
    ) -> Run:
        """The record of the adaptation, with the baseline, intervals, the versions and the time."""
        if metrics is None and predictions is None:
            raise ValueError("record needs metrics or predictions")
        guessed, found = self.guessed(), predictions
        if metrics is None and found is not None:
            metrics = self.evaluate(found.values, self.test)
        used = options_of(plan.strategy, self.dataset).select(plan.to_dict())
        return Run(
            id=new_id(),
            model=backbone.card.id,
            task=self.task.name,
            dataset=self.dataset.name,
            data=self.dataset.fingerprint,
            strategy=plan.strategy,
            metrics=dict(metrics or {}),
            baseline=self.evaluate(guessed, self.test),
            plan={
                **used,
                **(carried_out or {}),
                **self._divided(),
                **({"dropped": dict(self.dropped)} if self.dropped else {}),
                "copies": self.copies,
                "near_copies": self.near_copies,
                "test_samples": len(self.test),
                **({} if (meter := current()) is None else {"compute": meter.record(plan.device)}),
                **({} if found is None else self._compared(found.values, guessed)),
            },
            seed=plan.seed,
            epochs=epochs,
            samples=len(self.dataset),
            seconds=round(time.perf_counter() - self.started, 3),
            device=plan.device,
            revision=revision_of(backbone.card),
            versions=figure_versions(backbone, kind_of(self.dataset.input_kind), self.kind),
            path=plan.output,
            created=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            intervals={} if found is None else self._intervals(found.values),
            outcomes=None if found is None else self._outcomes(found),
        )

    def _compared(self, found: Any, guessed: Any) -> dict[str, Any]:
        """Gains over the baseline and over rivals, with their intervals; metrics of rivals; independent samples."""
        others = {"baseline": guessed, **{name: rival.values for name, rival in self.rivals.items()}}
        units = self.test_units
        gains = {name: self.gain(found, other) for name, other in others.items()}
        return {
            "gains": {name: list(gain) for name, gain in gains.items() if all(map(isfinite, gain))},
            "rivals": {name: self.evaluate(rival.values, self.test) for name, rival in self.rivals.items()},
            "test_units": len(self.test) if units is None else len(set(units)),
        }

    def _intervals(self, found: Any) -> dict[str, tuple[float, float]]:
        from zoo.adapt.results.outcomes import intervals

        return intervals(self.metrics, self.of(self.test), found, self.test_units)

    def _outcomes(self, found: Predictions) -> Outcomes | None:
        from zoo.adapt.results.outcomes import outcomes

        targets, units = self.of(self.test), self.test_units
        return outcomes(self.dataset, self.test, targets, found.values, confidences=found.confidences, units=units)

    def _divided(self) -> dict[str, Any]:
        """The columns that the parts follow, the groups in the test part, and samples left out of it as repeats."""
        data = self.dataset
        found: dict[str, Any] = {
            f"{role}_column": data.columns[role] for role in ("group", "time") if role in data.columns
        }
        if data.groups:
            found["test_groups"] = len({data.groups[at] for at in self.test})
        if self.multi_label:
            found |= {f"labels_without_{name}": names for name, names in self._missing_labels() if names}
        if data.parts:
            found["parts"] = "the data's own"
        if data.times or data.parts:
            used = len(self.train) + len(self.validation) + len(self.test)
            dropped = sum(self.dropped.get(name, 0) for name in ("training", "validation"))
            found["left_out_repeats"] = len(data) - used - dropped
        return found

    def _missing_labels(self) -> Iterator[tuple[str, list[str]]]:
        """Labels that no training sample has, so that they are not learned, and that no test sample has."""
        for name, part in (("training_samples", self.train), ("test_samples", self.test)):
            occurs = self.targets[list(part)].any(axis=0).tolist()
            yield name, [label for label, given in zip(self.dataset.classes, occurs, strict=True) if not given]

    def register(self, card: ModelCard) -> None:
        """Add a card to the registry."""
        from zoo.registry import open_registry

        open_registry().add([card])


def prepare(dataset: Dataset, plan: Plan, base: ModelCard | None = None) -> Prepared:
    """Split a data set by a plan: stratified, seeded, the same parts for every strategy and model.

    Args:
        base: the model to start from; samples that it was trained on are not used for the test.

    Raises:
        InvalidInput: the plan has invalid values.
        DataError: the data set has no targets, or is too small to hold samples out.
        UnknownTask: no such task.
    """
    import numpy as np

    from zoo.adapt.parts import (
        at_random,
        check_classes,
        check_given,
        check_groups,
        given,
        in_folds,
        in_time,
        without_dropped,
        without_repeats,
    )
    from zoo.adapt.saved.seen import keep_apart
    from zoo.data import copies, units
    from zoo.data.identity import identical
    from zoo.data.splitting import RANDOM
    from zoo.plugins import plugins

    started = time.perf_counter()
    check_plan(plan)
    task, kind = find_task(plan.task, plugins().tasks), kind_of(dataset.target_kind)
    if dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' has no labels, so no model can be adapted to it.",
            "Name the column of the labels with --target-column, or sort the files into class folders.",
        )
    check_groups(dataset, plan.split)
    ordered = kind.ordered and plan.split == RANDOM
    exact, near = (0, 0) if ordered else (copies(identical(dataset)), copies(units(dataset, grouped=False)))
    if dataset.parts:
        check_given(dataset, plan)
        parts = given(dataset, plan)
    elif plan.folds:
        parts = in_folds(dataset, plan)
    elif dataset.times:
        parts = without_repeats(dataset, in_time(np.asarray(dataset.times), plan))
    else:
        parts = in_time(np.arange(len(dataset)), plan) if ordered else at_random(dataset, plan)
    check_classes(dataset, parts)
    if not all(parts):
        raise too_few(dataset, near)
    if base is not None:
        parts = keep_apart(dataset, parts, base, move=not (kind.ordered or dataset.parts))
    dropped: dict[str, int] = {}
    if plan.drop is not None:
        parts, dropped = without_dropped(dataset, parts, plan.drop)
    kind.evaluated_with(task.name)  # report a missing metric model before training
    targets: Any = kind.array(dataset.targets) if kind.estimable else dataset.targets
    tested = targets[list(parts[2])] if kind.estimable else [targets[at] for at in parts[2][: kind.most_evaluated]]
    metrics = metrics_for(task, tested)
    if kind.estimable and targets.dtype.kind == "f" and all(is_binary(targets[list(part)]) for part in parts[1:]):
        # Targets of 0 and 1 are evaluated by rank, as in MoleculeNet (Wu et al., 2018).
        metrics = tuple(sorted(metrics, key=lambda metric: metric.name != RANKED))
    return Prepared(
        task,
        dataset,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        targets=targets,
        metrics=metrics,
        kind=kind,
        copies=exact,
        near_copies=near - exact,
        started=started,
        units=None if ordered else units(dataset),
        dropped=dropped,
        weighting=plan.class_weights,
    )


def too_few(dataset: Dataset, repeated: int) -> DataError:
    """The error for a data set that is too small for three parts, with its number of copies."""
    distinct = f", {len(dataset) - repeated:,} of them distinct" if repeated else ""
    return DataError(
        f"'{dataset.name}' has {len(dataset):,} samples{distinct}; that is too few for training, validation and test "
        "parts.",
        "Add samples.",
    )


def new_id() -> str:
    """A short unique name that sorts by time: ``20261124-093015-4fa2``."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
