"""Fine-tuning of all weights, some of them, or adapters: one procedure for every kind of target."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.adapt.evaluating import by_answers
from zoo.adapt.head_objective import HeadObjective
from zoo.adapt.learner_objective import LearnerObjective
from zoo.adapt.objectives import Objective
from zoo.adapt.saved.saving import check_room, save
from zoo.adapt.saved.seen import trained_on
from zoo.adapt.training.settings import Epoch, Settings
from zoo.compute import current as current_meter
from zoo.contract.backbone import HasLearningRate
from zoo.errors import InvalidInput, needs_extra
from zoo.features.memory import keep_freed_memory

if TYPE_CHECKING:
    from torch import nn

    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Plan, Run


def adapt(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress, method: str) -> Run:
    """Fine-tune what ``method`` says, test it, and write it to ``plan.output``.

    Targets that are a class or a number get a new head (``HeadObjective``), all others the backbone's own learner
    (``LearnerObjective``). Batches that do not fit into the device's memory are halved, and their gradients
    accumulated. Afterwards, the backbone has its pretrained weights again.

    Args:
        method: ``everything``, ``last_blocks``, ``head_alone``, or the name of an adapter's strategy.

    Raises:
        UnsupportedModel: the model has nothing that can be trained.
        InvalidInput: the plan is for another number of devices.
        ZooError: see ``zoo.adapt.training.loop.train``.
    """
    with needs_extra("torch", "fine-tune models"):
        from zoo.adapt.devices.sharing import current
        from zoo.adapt.training import methods
        from zoo.adapt.training.attaching import LEARNING_RATES, method_called
        from zoo.adapt.training.checkpoint import Checkpoint
        from zoo.adapt.training.gradient_checkpointing import checkpointed
        from zoo.adapt.training.loop import seeded
        from zoo.adapt.training.memory import train_within_memory
        from zoo.adapt.training.optimizer import check_layer_decay, trained_blocks

    started, dataset, devices = time.perf_counter(), experiment.dataset, current()
    if devices.count != plan.devices:
        raise InvalidInput(
            f"The plan is for {plan.devices} devices, but this process trains on {devices.count}.",
            "Start it by zoo.tune, which starts a process for each device.",
        )
    devices.same((experiment.train, experiment.validation, experiment.test))
    objective: Objective = (LearnerObjective if by_answers(dataset) else HeadObjective)(backbone, experiment, plan)
    if plan.device == "cpu":
        keep_freed_memory()
    with methods.borrowed(objective.pretrained) as borrowed, ExitStack() as until_trained:
        with seeded(plan.seed):
            plain = objective.build()
            attached = borrowed.attach(method_called(method, backbone, plan), plain, backbone.card.id)
        blocks = trained_blocks(objective.pretrained)
        check_layer_decay(blocks, plan.layer_decay, backbone.card.id)
        if plan.gradient_checkpointing:
            until_trained.enter_context(checkpointed(objective.pretrained, backbone.card.id))
        adapter_alone = method in LEARNING_RATES and not plan.merge
        check_room(plan.output, attached.trained if adapter_alone else objective.parameters)
        parts = objective.batches(experiment.train, train=True), objective.batches(experiment.validation)

        def start() -> tuple[Settings, float]:
            objective.start(plain, parts, progress)
            factor = LEARNING_RATES.get(method, 1.0)
            return _settings(objective, backbone, experiment, plan, started=started - devices.spent, factor=factor)

        settings, usual = devices.once(start)
        if attached.begin():
            parts = objective.batches(experiment.train, train=True), objective.batches(experiment.validation)
        training, settings = train_within_memory(
            attached.module,
            objective.pretrained,
            borrowed.original,
            parts,
            settings=settings,
            loss=objective.loss(),
            score=objective.score,
            progress=progress,
            checkpoint=Checkpoint.of(backbone.card, experiment.part(experiment.learned_from), plan),
            devices=devices,
        )
        if (meter := current_meter()) is not None:
            meter.pool(devices.total)
        devices.leave()  # what follows is done by the first process alone
        until_trained.close()
        objective.refit(attached.module, parts, training, progress)
        adapter = attached.adapter() if adapter_alone else None
        module = attached.merged()
        carried_out = {
            "learning_rate": settings.learning_rate,
            "usual_learning_rate": usual,
            "trained_blocks": blocks,
            "head_learning_rate": settings.head_learning_rate,
            "batch_size": parts[0].batch_size,
            "accumulate": settings.accumulate,
            **_augmented(objective),
            "best_epoch": training.best.number,
            "validation_score": _finite(training.best.score),
            "validation_loss": _finite(training.best.validation_loss),
            "stopped": training.stopped,
            "trained_parameters": attached.trained,
            "curve": [_figures(epoch) for epoch in training.epochs],
            **attached.details,
            **({"statistics": "pretrained"} if objective.keeps_statistics else {}),
        }
        outcome = objective.finish(module, training, progress)
        run = experiment.record(
            backbone,
            replace(plan, device=_device(plain, plan.device)),
            predictions=outcome.predictions,
            epochs=len(training.epochs),
            carried_out={**carried_out, **outcome.carried_out},
        )
        run = replace(run, strategy=outcome.strategy or run.strategy)
        if not plan.output:
            return run
        seen = trained_on(dataset, experiment.learned_from, backbone.card, experiment.test)
        adapted = outcome.adapted if outcome.adapted.module is None else replace(outcome.adapted, adapter=adapter)
        return save(run, adapted, seen)


def _settings(
    objective: Objective, backbone: Backbone, experiment: Experiment, plan: Plan, *, started: float, factor: float
) -> tuple[Settings, float]:
    """The training hyperparameters once the objective was started, and the usual learning rate.

    Args:
        started: ``time.perf_counter()`` at which the budget began.
        factor: usual learning rate of what is trained, as a multiple of that of pretrained weights.
    """
    usual = factor * learning_rate(backbone, replace(plan, learning_rate=None), objective.usual_learning_rate)
    rate = plan.learning_rate or usual
    settings = Settings(
        plan.epochs,
        rate,
        rate / factor * objective.head_factor,
        plan.weight_decay,
        plan.patience,
        plan.seed,
        plan.layer_decay,
        plan.accumulate,
        objective.head_is_fitted,
        None if plan.budget is None else started + plan.budget,
        _passes_after(experiment, plan, objective),
        objective.keeps_statistics,
    )
    return settings, usual


def _passes_after(experiment: Experiment, plan: Plan, objective: Objective) -> float:
    """Samples that are looked at after the training, as a multiple of the validation samples."""
    passes = bool(plan.output) + objective.head_is_fitted
    learned = passes * (len(experiment.train) + len(experiment.validation))
    return (learned + len(experiment.validation) + len(experiment.test)) / len(experiment.validation)


def learning_rate(backbone: Backbone, plan: Plan, usual: float) -> float:
    """The plan's learning rate of the pretrained weights, else the backbone's own, else the usual one."""
    if plan.learning_rate is not None:
        return plan.learning_rate
    return float(backbone.learning_rate) if isinstance(backbone, HasLearningRate) else usual


def _figures(epoch: Epoch) -> list[float | None]:
    """Number, training loss, validation loss and validation score; None if it is not a number."""
    figures = (epoch.training_loss, epoch.validation_loss, epoch.score)
    return [epoch.number, *map(_finite, figures)]


def _finite(figure: float) -> float | None:
    return round(figure, 6) if math.isfinite(figure) else None


def _augmented(objective: Objective) -> dict[str, str]:
    """How the training samples were augmented, for the record of the run."""
    found = objective.augmentation
    return {"augment": "none"} if found is None else {"augment": found.strength, "augmentation": found.described}


def _device(module: nn.Module, planned: str) -> str:
    """The device of a module's weights: the planned one, unless the model stays on another."""
    types = {parameter.device.type for parameter in module.parameters()}
    return planned if planned.partition(":")[0] in types or not types else types.pop()
