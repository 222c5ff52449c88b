"""Fine-tuning with early stopping: of every weight, of the last blocks, or by LoRA, with a new head."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.adapt.experiment import Experiment, make_run, prepare
from zoo.adapt.saving import Adapted, save
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import HasHead, HasLearningRate, Trainable
from zoo.errors import UnsupportedModel, needs_extra
from zoo.features.memory import keep_freed_memory

if TYPE_CHECKING:
    from zoo.adapt.linear_probe import LinearHead
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import Dataset, Plan, Run

LEARNING_RATE = 1e-4
"""Of pretrained weights, where neither the plan nor the backbone names one."""

BATCH_NORM_LEARNING_RATE = 3e-4
"""The same for networks with batch normalisation, which bear more."""

HEAD_FACTOR = 10
"""How much faster the new head learns."""


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress, method: str = "everything") -> Run:
    """Fine-tune by the plan what ``method`` (of ``zoo.adapt.methods``) says, test it, and write it to ``plan.output``.

    A linear probe on the same split is fitted too, and where it is better on the validation samples, it is the run's
    model: ``strategy`` and ``metrics`` of the run are the probe's then, and its plan has the figures of both.

    Where the device's memory is too small for the batches, they are halved and their gradients added up. The backbone
    itself has its pretrained weights again afterwards.

    Raises:
        UnsupportedModel: the model has nothing that can be trained.
        ZooError: see ``zoo.adapt.experiment.prepare`` and ``zoo.adapt.training.loop.train``.
    """
    with needs_extra("torch", "fine-tune models"):
        import torch

        from zoo.adapt import methods
        from zoo.adapt.checkpoint import Checkpoint
        from zoo.adapt.head import has_batch_norm, start_from_probe
        from zoo.adapt.memory import train_within_memory
        from zoo.adapt.training.loop import seeded
        from zoo.adapt.training.optimizer import check_layer_decay
    from zoo.adapt import comparison
    from zoo.adapt.saving import check_room
    from zoo.adapt.seen import trained_on

    started = time.perf_counter()
    trainable = check_trainable(backbone)
    pretrained = trainable.module
    check_room(plan.output, sum(parameter.numel() for parameter in pretrained.parameters()))
    experiment = prepare(dataset, plan, backbone.card)
    if plan.device == "cpu":
        keep_freed_memory()
    by_batch = has_batch_norm(pretrained)
    rate = learning_rate(backbone, plan, BATCH_NORM_LEARNING_RATE if by_batch else LEARNING_RATE)
    with methods.borrowed(pretrained) as borrowed:
        with seeded(plan.seed):
            plain = trainable.head(experiment.task, experiment.outputs).to(plan.device)
            attached = borrowed.attach(method, plain, backbone.card.id)
        check_layer_decay(pretrained, plan.layer_decay, backbone.card.id)
        probe = comparison.fit_probe(backbone, dataset, experiment, plan, progress)
        judge = Judge(experiment)
        parts = judge.batches(backbone, experiment.train, plan), judge.batches(backbone, experiment.validation, plan)
        start = None
        if plan.head == "probe" or (plan.head == "auto" and not by_batch):
            start = start_from_probe(
                plain,
                pretrained,
                experiment,
                parts,
                target_scale=(judge.centre, judge.scale),
                probe=probe,
                progress=progress,
            )
            _check_start(start, plan, backbone)
        settings = Settings(
            plan.epochs,
            rate,
            rate * HEAD_FACTOR,
            plan.weight_decay,
            plan.patience,
            plan.seed,
            plan.layer_decay,
            plan.accumulate,
            start is not None,
        )
        weights = experiment.class_weights()
        loss = judge.loss(None if weights is None else torch.tensor(weights, dtype=torch.float32, device=plan.device))
        validation = experiment.validation
        training, settings = train_within_memory(
            attached.module,
            pretrained,
            borrowed.original,
            parts,
            settings=settings,
            loss=loss,
            progress=progress,
            score=lambda outputs: experiment.decide(judge.predictions(outputs), validation),
            checkpoint=Checkpoint.of(backbone.card, dataset, plan),
        )
        module = attached.merged()
        carried_out: dict[str, Any] = {
            "learning_rate": settings.learning_rate,
            "head_learning_rate": settings.head_learning_rate,
            "head": "random" if start is None else "probe",
            "batch_size": parts[0].batch_size,
            "accumulate": settings.accumulate,
            "best_epoch": training.best.number,
            "stopped": training.stopped,
            "class_weights": weights is not None,
            "trained_parameters": attached.trained,
        }
        metrics = experiment.judge(judge.test(module, backbone, plan, progress), experiment.test)
        better = comparison.better_probe(plan, probe, training, start)
        carried_out |= comparison.record(experiment, probe, training, metrics, better)
        run = make_run(
            experiment,
            backbone.card,
            plan,
            started=started,
            metrics=carried_out["probe"] if better else metrics,
            epochs=len(training.epochs),
            carried_out=carried_out,
        )
        adapted = Adapted(run, backbone.card, dataset, module=module, centre=judge.centre, scale=judge.scale)
        if better:
            run = replace(run, strategy=comparison.LINEAR_PROBE)
            adapted = Adapted(run, backbone.card, dataset, head=better.head, layer=better.layer)
        if not plan.output:
            return run
        seen = trained_on(dataset, experiment.learned_from, backbone.card)
        return save(replace(adapted, seen=seen))


def learning_rate(backbone: Backbone, plan: Plan, usual: float) -> float:
    """The plan's learning rate of the pretrained weights, else the backbone's own, else the usual one."""
    if plan.learning_rate is not None:
        return plan.learning_rate
    return float(backbone.learning_rate) if isinstance(backbone, HasLearningRate) else usual


def _check_start(start: LinearHead | None, plan: Plan, backbone: Backbone) -> None:
    if start is None and plan.head == "probe":
        raise UnsupportedModel(
            f"The head of '{backbone.card.id}' cannot start as a linear probe: it is not one linear layer, or the "
            "features that it takes are not finite.",
            "Leave --head out.",
        )


def check_trainable(backbone: Backbone) -> Trainable:
    """The backbone as one that can be fine-tuned.

    Raises:
        UnsupportedModel: it cannot; the model's own reason where it gives one.
    """
    if isinstance(backbone, Trainable):
        return backbone
    if isinstance(backbone, HasHead):
        backbone.head(None, 2)
    raise UnsupportedModel(
        f"'{backbone.card.id}' cannot be fine-tuned: its plugin gives no torch module to train.",
        "Train a head on its features: --strategy linear-probe",
    )


class Judge:
    """Turns targets into what the loss takes, and outputs into predictions.

    Numbers are standardised by the training split, so that the same learning rate fits degrees and megapascals.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        known = experiment.targets[list(experiment.train)]
        self.centre = 0.0 if experiment.classification else float(known.mean())
        self.scale = 1.0 if experiment.classification else float(known.std()) or 1.0

    def batches(self, backbone: Backbone, positions: tuple[int, ...], plan: Plan) -> Any:
        """The samples at ``positions`` in batches."""
        from zoo.adapt.batches import Batches

        part = self.experiment.dataset.subset(positions)
        targets = self.experiment.targets[list(positions)]
        if not self.experiment.classification:
            targets = ((targets - self.centre) / self.scale).astype(np.float32)
        return Batches(backbone, part.inputs, targets, plan.batch_size, plan.device)

    def loss(self, weights: Any) -> Any:
        """Cross entropy for classes, mean squared error for numbers."""
        from torch.nn import functional

        if self.experiment.classification:
            return lambda outputs, targets: functional.cross_entropy(outputs, targets, weight=weights)
        if weights is not None:  # of 0 and of 1, which are below and above their mean
            return lambda outputs, targets: (weights[(targets > 0).long()] * (outputs[:, 0] - targets).square()).mean()
        return lambda outputs, targets: functional.mse_loss(outputs[:, 0], targets)

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Class indices, or numbers in the targets' own unit."""
        if self.experiment.classification:
            return outputs.argmax(axis=1)
        return outputs[:, 0].astype(np.float64) * self.scale + self.centre

    def test(self, module: Any, backbone: Backbone, plan: Plan, progress: Progress) -> np.ndarray:
        """Predictions for the test split."""
        from zoo.adapt.training.loop import evaluate

        with progress.step("Testing"):
            outputs, _ = evaluate(module, self.batches(backbone, self.experiment.test, plan), self.loss(None))
        return self.predictions(outputs)
