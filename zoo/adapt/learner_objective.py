"""Trains a backbone's own learner, for targets that are neither a class nor a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.adapt.evaluating import CHUNK, known_targets
from zoo.adapt.objectives import HEAD_FACTOR, LEARNING_RATE, Outcome
from zoo.adapt.saved.saving import Adapted
from zoo.compute import counted
from zoo.contract.backbone import Learns
from zoo.contract.experiment import Predictions
from zoo.contract.losses import HasIndependentLosses
from zoo.errors import UnsupportedModel
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from torch import nn

    from zoo.adapt.training.settings import Training
    from zoo.contract.backbone import Backbone, Learner, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Dataset, Plan
    from zoo.tasks import Task


class LearnerObjective:
    """The backbone's own learner, whose module computes the loss itself; epochs are compared by its answers."""

    usual_learning_rate = LEARNING_RATE
    head_factor = HEAD_FACTOR
    keeps_statistics = False
    head_is_fitted = False

    def __init__(self, backbone: Backbone, experiment: Experiment, plan: Plan) -> None:
        from zoo.adapt.training.augmentation import augmentation_for
        from zoo.adapt.training.loop import seeded

        self._backbone, self._experiment, self._plan = backbone, experiment, plan
        with seeded(plan.seed):
            self._learner = learner_of(backbone, experiment.task, vocabulary(experiment.dataset, experiment.task))
        check_divisible(backbone, self._learner, experiment.task, plan)
        self.augmentation = augmentation_for(experiment.dataset, plan, self._learner)
        self.pretrained = self._learner.pretrained
        self.parameters = sum(parameter.numel() for parameter in self._learner.module.parameters())

    def build(self) -> nn.Module:
        """The learner's module."""
        return self._learner.module.to(self._plan.device)

    def batches(self, positions: Sequence[int], *, train: bool = False) -> Any:
        """Examples, each an input with its target."""
        from zoo.adapt.training.batches import ExampleBatches

        part, plan = self._experiment.part(positions), self._plan
        augmentation = self.augmentation if train else None
        return ExampleBatches(
            self._learner, part.inputs, known_targets(part), plan.batch_size, plan.device, augmentation=augmentation
        )

    def start(self, module: nn.Module, parts: tuple[Any, Any], progress: Progress) -> None:
        """Nothing: the learner starts as it is."""

    def loss(self) -> Callable[[Any, Any], Any]:
        """The mean of the examples' losses."""
        return lambda losses, _: losses.mean()

    def score(self, outputs: Any) -> float:
        """From the learner's answers; the same for all epochs if only their loss decides."""
        if self._experiment.kind.select_by_loss:
            return 0.0
        from zoo.adapt.devices.sharing import current

        validation, devices = self._experiment.validation, current()
        chunks = devices.mine(_chunks(validation))
        answers = devices.gathered([self._answers(chunk) for chunk in chunks], len(_chunks(validation)))
        return self._experiment.decide([one for chunk in answers for one in chunk], validation)

    def refit(self, module: nn.Module, parts: tuple[Any, Any], training: Training, progress: Progress) -> None:
        """Nothing: there is no head for classes or numbers."""

    def finish(self, module: nn.Module, training: Training, progress: Progress) -> Outcome:
        """The learner's answers for the test samples."""
        experiment = self._experiment
        with progress.step("Testing"):
            answers = [one for chunk in _chunks(experiment.test) for one in self._answers(chunk)]
        dataset = replace(experiment.dataset, classes=self._learner.classes)
        adapted = Adapted(self._backbone.card, dataset, module=module)
        return Outcome(Predictions(answers), adapted, experiment.kind.evaluated_with(experiment.task.name))

    def _answers(self, positions: Sequence[int]) -> list[Any]:
        """The learner's answers for a few samples, as targets."""
        part, kind = self._experiment.part(positions), self._experiment.kind
        inputs = [part.inputs[index] for index in range(len(part))]
        with counted("answers", None, len(inputs)):
            answers = self._learner.predict(inputs)
        return [kind.comparable(item, answer) for item, answer in zip(inputs, answers, strict=True)]


def _chunks(positions: Sequence[int]) -> list[Sequence[int]]:
    """The positions in chunks that are decoded together."""
    return [positions[start : start + CHUNK] for start in range(0, len(positions), CHUNK)]


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


def check_divisible(backbone: Backbone, learner: Learner, task: Task, plan: Plan) -> None:
    """Reject several devices for a learner whose losses they would change.

    Raises:
        UnsupportedModel: the losses of a batch depend on each other.
    """
    if plan.devices > 1 and not (isinstance(learner, HasIndependentLosses) and learner.independent_losses):
        raise UnsupportedModel(
            f"'{backbone.card.id}' computes its loss for {task.name} over the whole batch, so --devices cannot divide "
            "batches.",
            "Leave --devices out.",
        )


def vocabulary(dataset: Dataset, task: Task) -> tuple[str, ...]:
    """What a learner is built for: the data's classes, the languages of a translation, or the characters of texts."""
    named = dataset.classes or dataset.languages
    return named or tuple(kind_of(dataset.target_kind).vocabulary(known_targets(dataset), task.name))
