"""Fine-tunes a backbone's learner on structured targets by the core's training loop."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.adapt.evaluating import CHUNK, known_targets, told
from zoo.adapt.experiment import metrics_for
from zoo.adapt.options import TRAINING, Options
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import Learns
from zoo.contract.kind import Kind
from zoo.errors import UnsupportedModel, needs_extra
from zoo.kinds.known import kind_of
from zoo.kinds.text_metrics import TRANSLATION

if TYPE_CHECKING:
    from torch import nn

    from zoo.contract.backbone import Backbone, Learner, Progress
    from zoo.contract.metric import Metric
    from zoo.entities import Dataset, ModelCard, Plan, Run
    from zoo.tasks import Task

LEARNING_RATE = 1e-4
HEAD_FACTOR = 10
METHODS = {"full": "everything", "partial": "last_blocks", "lora": "low_rank", "linear-probe": "head_alone"}
"""What of the model is trained, by strategy."""


def options(strategy: str) -> Options:
    """The options of a plan that a strategy uses for structured targets."""
    reasons = {
        "head": "the model brings its own head, and a linear probe is fitted for classes and numbers only",
        "keep": "there is no other model to keep: fine-tuning is compared with a probe for classes and numbers only",
    }
    if METHODS[strategy] == "head_alone":
        reasons["layer_decay"] = "the pretrained blocks are frozen"
    return Options(frozenset(TRAINING) - reasons.keys(), reasons=reasons)


@dataclass(frozen=True)
class Parts:
    """A data set with structured targets, split for one adaptation; what ``make_run`` asks of an experiment.

    Attributes:
        copies: how many samples are copies of an earlier one; those lie in its part.
        learned_from: positions of the samples of training and validation.
    """

    task: Task
    dataset: Dataset
    kind: Kind
    train: Dataset
    validation: Dataset
    test: Dataset
    metrics: tuple[Metric, ...]
    copies: int = 0
    learned_from: tuple[int, ...] = ()

    def judge(self, answers: Sequence[Any], part: Dataset) -> dict[str, float]:
        """Every metric of answers for a part."""
        return {metric.name: float(metric.compute(part.targets, answers)) for metric in self.metrics}

    def baseline(self) -> dict[str, float]:
        """The same on the test part for what knowing nothing but the training targets answers."""
        return self.judge(self.kind.baseline(self.test.inputs, known_targets(self.train), self.task.name), self.test)


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Train the backbone's learner by the plan, test it on held-out samples, and write it to ``plan.output``.

    Raises:
        InvalidInput: the plan has a value that is not valid.
        UnsupportedModel: the model has no learner for the task.
        DataError: the data set is too small to hold samples out.
    """
    with needs_extra("torch", "fine-tune models"):
        from zoo.adapt import methods
        from zoo.adapt.checkpoint import Checkpoint
        from zoo.adapt.memory import train_within_memory
        from zoo.adapt.training.loop import seeded
        from zoo.adapt.training.optimizer import check_layer_decay
    from zoo.adapt.experiment import check_plan, make_run
    from zoo.adapt.fine_tuning import learning_rate
    from zoo.adapt.saving import Adapted, check_room, save
    from zoo.adapt.seen import trained_on
    from zoo.adapt.structured.learner import ExampleBatches

    started = time.perf_counter()
    check_plan(plan)
    parts = divide(dataset, plan, backbone.card)
    rate = learning_rate(backbone, plan, LEARNING_RATE)
    settings = Settings(
        plan.epochs,
        rate,
        rate * HEAD_FACTOR,
        plan.weight_decay,
        plan.patience,
        plan.seed,
        plan.layer_decay,
        plan.accumulate,
    )
    with seeded(plan.seed):
        learner = learner_of(backbone, parts.task, vocabulary(dataset, parts.task))
    pretrained = learner.pretrained
    check_room(plan.output, sum(parameter.numel() for parameter in learner.module.parameters()))
    with methods.borrowed(pretrained) as borrowed:
        plain = learner.module.to(plan.device)
        with seeded(plan.seed):
            attached = borrowed.attach(METHODS[plan.strategy], plain, backbone.card.id)
        check_layer_decay(pretrained, plan.layer_decay, backbone.card.id)
        train, validation = (
            ExampleBatches(learner, part.inputs, known_targets(part), plan.batch_size, plan.device)
            for part in (parts.train, parts.validation)
        )
        training, settings = train_within_memory(
            attached.module,
            pretrained,
            borrowed.original,
            (train, validation),
            settings=settings,
            loss=lambda losses, _: losses.mean(),
            score=lambda _: _decide(parts, learner, parts.validation),
            progress=progress,
            checkpoint=Checkpoint.of(backbone.card, dataset, plan),
        )
        module = attached.merged()
        with progress.step("Testing"):
            metrics = parts.judge(answers(parts.kind, learner, parts.test), parts.test)
        carried_out = {
            "learning_rate": settings.learning_rate,
            "head_learning_rate": settings.head_learning_rate,
            "batch_size": train.batch_size,
            "accumulate": settings.accumulate,
            "best_epoch": training.best.number,
            "stopped": training.stopped,
            "trained_parameters": attached.trained,
            **parts.kind.evaluated_with(parts.task.name),
        }
        run = make_run(
            parts,  # type: ignore[arg-type]
            backbone.card,
            replace(plan, device=_device(plain, plan.device)),
            started=started,
            metrics=metrics,
            epochs=len(training.epochs),
            carried_out=carried_out,
        )
        if plan.output:
            seen = trained_on(dataset, parts.learned_from, backbone.card)
            written = replace(dataset, classes=learner.classes)
            run = save(Adapted(run, backbone.card, written, module=module, seen=seen))
        return run


def divide(dataset: Dataset, plan: Plan, base: ModelCard | None = None) -> Parts:
    """The parts to train on, to stop early on and to test on: seeded, or the last ones where samples follow in time.

    Args:
        base: the model to start from; what it was trained on is not tested on.

    Raises:
        DataError: a part would stay empty.
    """
    from zoo.adapt.experiment import too_few
    from zoo.adapt.seen import keep_apart
    from zoo.data import copies, scaffold_split, split, units
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    task, kind = find_task(plan.task, plugins().tasks), kind_of(dataset.target_kind)
    if kind.ordered and plan.split == "random":
        count = len(dataset)
        ends = [round(count * (1 - plan.validation - plan.test)), round(count * (1 - plan.test)), count]
        starts = [0, *ends[:2]]
        made: tuple[Dataset, ...] = tuple(
            dataset.subset(range(start, end)) for start, end in zip(starts, ends, strict=True)
        )
        repeated = 0  # time keeps apart what is learned from and what is tested
    else:
        fractions = (1 - plan.validation - plan.test, plan.validation, plan.test)
        made = (scaffold_split if plan.split == "scaffold" else split)(dataset, fractions, plan.seed)
        repeated = copies(units(dataset))
    if not all(len(part) for part in made):
        raise too_few(dataset, repeated)
    positions = [tuple(part.inputs.indices) for part in made]  # type: ignore[attr-defined]
    if base is not None:
        kept = keep_apart(dataset, positions, base, move=not kind.ordered)
        if kept != positions:
            positions, made = kept, tuple(dataset.subset(part) for part in kept)
    kind.evaluated_with(task.name)  # where what judges is missing, its own words say so, before anything is trained
    return Parts(
        task,
        dataset,
        kind,
        made[0],
        made[1],
        made[2],
        metrics_for(task, known_targets(made[2])[: kind.most_evaluated]),
        repeated,
        (*positions[0], *positions[1]),
    )


def learner_of(backbone: Backbone, task: Task, classes: Sequence[str]) -> Learner:
    """The backbone's learner.

    Raises:
        UnsupportedModel: it has none for the task.
    """
    learner = backbone.learner(task.name, tuple(classes)) if isinstance(backbone, Learns) else None
    if learner is None:
        raise UnsupportedModel(
            f"'{backbone.card.id}' cannot be trained for {task.name}.",
            f"Find a model that can: zoo search --task {task.name}",
        )
    return learner


def answers(kind: Kind, learner: Learner, part: Dataset) -> list[Any]:
    """The learner's answers for a part, as targets."""
    found: list[Any] = []
    for start in range(0, len(part), CHUNK):
        inputs = [part.inputs[index] for index in range(start, min(start + CHUNK, len(part)))]
        found += [kind.comparable(item, answer) for item, answer in zip(inputs, learner.predict(inputs), strict=True)]
    return found


def vocabulary(dataset: Dataset, task: Task) -> tuple[str, ...]:
    """What a learner is made for: the data's classes, the languages of a translation, or the characters of texts."""
    named = told(dataset, task)
    if named or dataset.target_kind != "text" or task.name == TRANSLATION:
        return named
    texts = (unicodedata.normalize("NFKC", str(text)) for text in known_targets(dataset))
    return tuple(sorted({character for text in texts for character in text}))


def _device(module: nn.Module, planned: str) -> str:
    """Where a module's weights are: the planned device, but for models that stay on another one."""
    types = {parameter.device.type for parameter in module.parameters()}
    return planned if planned.partition(":")[0] in types or not types else types.pop()


def _decide(parts: Parts, learner: Learner, part: Dataset) -> float:
    """The deciding metric, higher is better; the same for all epochs where their loss alone is to tell."""
    if parts.kind.select_by_loss:
        return 0.0
    metric = parts.metrics[0]
    value = float(metric.compute(part.targets, answers(parts.kind, learner, part)))
    return value if metric.higher_is_better else -value
