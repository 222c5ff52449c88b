"""Measurements, and adaptations: their plans and their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.entities.base import Entity


@dataclass(frozen=True)
class Measurement(Entity):
    """One transferability estimate with everything needed to repeat it.

    Attributes:
        seconds: forward passes and scoring together.
        samples: number of samples that it was measured on.
        data: fingerprint of the data set.
        low, high: the interval of the value.
        revision: revision of the model, or a digest of its weights if it has none.
    """

    model: str
    task: str
    data: str
    dataset: str
    estimator: str
    value: float
    low: float | None = None
    high: float | None = None
    layer: str = ""
    samples: int = 0
    seconds: float = 0.0
    revision: str | None = None
    seed: int = 0
    device: str = "cpu"
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True)
class Plan(Entity):
    """How to adapt a model.

    Attributes:
        strategy: name of an adaptation strategy, such as ``linear-probe`` or ``full``.
        epochs: upper limit; early stopping may end sooner.
        learning_rate: None lets the strategy choose.
        augment: how training inputs are changed at random: ``none``, ``light``, ``strong``, or ``auto``, which lets the
            kinds of the data choose.
        patience: epochs without a better validation metric before it stops.
        validation: fraction of the samples for validation and early stopping.
        test: fraction of the samples for the reported metrics.
        split: how they are held out: ``random`` (stratified by class), or by a grouping of the kind of their inputs.
        head: how a new head starts: as a linear ``probe`` on the frozen features, ``random``, or ``auto``.
        layer_decay: factor of the learning rate from each block to the one before it, away from the head.
        rank: rank of LoRA's matrices; None takes 8, or less for small models.
        targets: layers with an adapter: ``auto``, ``attention``, ``all-linear``, or comma-separated names.
        virtual_tokens: number of trained tokens or prefixes before each input.
        merge: whether the output folder has all weights, with the adapter merged, instead of the adapter alone.
        gradient_checkpointing: whether activations are computed again in the backward pass, to save memory.
        accumulate: batches per optimiser step (gradient accumulation), to save memory.
        devices: number of devices of this machine that divide each batch.
        output: folder for the adapted model, or None to save only the metrics.
        keep: which model a fine-tuning ends with: the ``best`` of the fine-tuned one and a linear probe on the same
            samples, or always the ``fine-tuned`` one.
        class_weights: weights of the classes in the loss: ``none``, ``balanced`` (inverse to their frequency), or
            ``auto``: the root of that, where the imbalance is strong.
        budget: seconds in which a fine-tuning ends, with the best weights so far; None for no limit.
        drop: file with a list of samples to leave out of training and validation, see ``zoo.data.dropping.listed``.
        folds: parts of a cross-validation, each tested once; 0 for a single test part.
        fold: the number, from 0 on, of the part that is tested.
        repeats: splits to try, with consecutive seeds.
        trials: settings to try, the first with the values of the plan.
    """

    strategy: str = "linear-probe"
    task: str = ""
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float | None = None
    weight_decay: float = 0.01
    augment: str = "auto"
    patience: int = 3
    validation: float = 0.15
    test: float = 0.2
    seed: int = 0
    device: str = "cpu"
    output: str | None = None
    split: str = "random"
    head: str = "auto"
    layer_decay: float = 1.0
    rank: int | None = None
    targets: str = "auto"
    virtual_tokens: int = 20
    merge: bool = False
    gradient_checkpointing: bool = False
    accumulate: int = 1
    devices: int = 1
    keep: str = "best"
    class_weights: str = "auto"
    budget: float | None = None
    drop: str | None = None
    folds: int = 0
    fold: int = 0
    repeats: int = 1
    trials: int = 1


@dataclass(frozen=True)
class Outcomes(Entity):
    """What a model answered for each sample of a test, so that its metrics can be broken down and compared.

    Attributes:
        kind: kind of the targets.
        classes: class names by index, if the targets are classes.
        samples: n digests of the inputs as hex, by which the same samples are found in another run; empty if unknown.
        units: n integers, equal for samples that depend on each other, such as copies.
        targets, predictions: n class indices, numbers or texts, or n lists of a number for each label.
        confidences: n probabilities of the predicted classes; empty if the model has none.
    """

    kind: str
    classes: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    units: tuple[int, ...] = ()
    targets: tuple[Any, ...] = ()
    predictions: tuple[Any, ...] = ()
    confidences: tuple[float, ...] = ()


@dataclass(frozen=True)
class Run(Entity):
    """One adaptation with its data set, plan, seed, cost and metrics.

    Attributes:
        id: short unique name.
        metrics: metric name to value on the test split.
        baseline: the same metrics of the baseline without a model.
        epochs: number of epochs that ran.
        path: folder of the adapted model, if it was kept.
        intervals: metric name to the lowest and highest value of its 95 % interval.
        outcomes: the predictions for the test samples; None if they are unknown or were not asked for.
    """

    id: str
    model: str
    task: str
    dataset: str
    data: str
    strategy: str
    metrics: Mapping[str, float]
    baseline: Mapping[str, float] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    epochs: int = 0
    samples: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    created: str = ""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    outcomes: Outcomes | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Run:
        """The run from the result of ``to_dict``; raises ``InvalidInput`` if a field is unknown or missing."""
        read, found, ends = dict(values), values.get("outcomes"), values.get("intervals")
        if isinstance(found, Mapping):
            read["outcomes"] = Outcomes.from_dict(found)
        if isinstance(ends, Mapping):
            read["intervals"] = {name: tuple(pair) for name, pair in ends.items()}
        run: Run = super().from_dict(read)
        return run
