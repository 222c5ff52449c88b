"""Trains a new head for classes and numbers, and compares it with a linear probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from zoo.adapt.linear_head import as_predictions
from zoo.adapt.objectives import HEAD_FACTOR, LEARNING_RATE, Outcome
from zoo.adapt.results.decision import fitted, is_fitted, recorded
from zoo.adapt.results.familiarity import familiarity
from zoo.adapt.saved.saving import Adapted
from zoo.contract.backbone import HasHead, Trainable
from zoo.errors import UnsupportedModel

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from zoo.adapt.comparison import Probe
    from zoo.adapt.head import Refitted, Start
    from zoo.adapt.results.familiarity import Familiarity
    from zoo.adapt.training.augmentation import Augmentation
    from zoo.adapt.training.settings import Training
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Plan

BATCH_NORM_LEARNING_RATE = 3e-4
"""The same for networks with batch normalisation under a random head, which tolerate a higher learning rate."""


class HeadObjective:
    """A new head on the pretrained model: cross entropy for classes and labels, mean squared error for numbers.

    Numbers are standardised by the training split, so that the same learning rate fits degrees and megapascals. A head
    that starts as a linear probe is fitted again after training, with the validation samples, as the probe is. A linear
    probe on the same split is fitted too. If it is better on the validation samples, it is the run's model: the
    run has its strategy and metrics, and the plan has the metrics of both.
    """

    def __init__(self, backbone: Backbone, experiment: Experiment, plan: Plan) -> None:
        from zoo.adapt.head import has_batch_norm
        from zoo.adapt.training.augmentation import augmentation_for

        self._backbone, self._experiment, self._plan = backbone, experiment, plan
        self._trainable = check_trainable(backbone)
        self.pretrained = self._trainable.module
        self.parameters = sum(parameter.numel() for parameter in self.pretrained.parameters())
        self._normalises_batches = has_batch_norm(self.pretrained)
        self._targets = HeadTargets(experiment)
        self._weights = experiment.class_weights()
        self.augmentation = augmentation_for(experiment.dataset, plan, backbone)
        self._probe: Probe | None = None
        self._start: Start | None = None
        self._refitted: Refitted | None = None

    @property
    def head_is_fitted(self) -> bool:
        """Whether the head starts as the linear probe."""
        return self._start is not None

    @property
    def keeps_statistics(self) -> bool:
        """Whether a head was fitted to features that depend on the statistics of batch normalisation."""
        return self._normalises_batches and self.head_is_fitted

    @property
    def usual_learning_rate(self) -> float:
        """A higher one for batch normalisation that estimates its statistics again."""
        relearned = self._normalises_batches and not self.keeps_statistics
        return BATCH_NORM_LEARNING_RATE if relearned else LEARNING_RATE

    @property
    def head_factor(self) -> float:
        """1 for a head that starts as a probe and so fits the features already (as in LP-FT, Kumar et al., 2022)."""
        return 1.0 if self.head_is_fitted else HEAD_FACTOR

    def build(self) -> nn.Module:
        """The backbone's head for this number of classes."""
        module: nn.Module = self._trainable.head(self._experiment.task, self._experiment.outputs).to(self._plan.device)
        return module

    def batches(self, positions: Sequence[int], *, train: bool = False) -> Any:
        """Preprocessed inputs with class indices or standardised numbers."""
        augmentation, weights = (self.augmentation, self._weights) if train else (None, None)
        return self._targets.batches(self._backbone, positions, self._plan, augmentation=augmentation, weights=weights)

    def start(self, module: nn.Module, parts: tuple[Any, Any], progress: Progress) -> None:
        """Fit the probe, and initialise the head from it, unless the plan wants a random one."""
        from zoo.adapt import comparison
        from zoo.adapt.head import start_from_probe

        plan = self._plan
        self._probe = comparison.fit_probe(self._backbone, self._experiment.dataset, self._experiment, plan, progress)
        if plan.head != "random":
            self._start = start_from_probe(
                module,
                self.pretrained,
                self._experiment,
                parts,
                target_scale=(self._targets.centre, self._targets.scale),
                loss=lambda outputs: self._targets.loss_of(outputs, self._experiment.validation),
                probe=self._probe,
                progress=progress,
            )
        if self._start is None and plan.head == "probe":
            raise UnsupportedModel(
                f"The head of '{self._backbone.card.id}' cannot start as a linear probe: it is not one linear layer, "
                "or its input features are not finite.",
                "Leave --head out.",
            )

    def loss(self) -> Callable[[Any, Any], Any]:
        """Weighted by class if the imbalance is strong."""
        import torch

        weights = self._weights
        weight = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=self._plan.device)
        return self._targets.loss(weight)

    def score(self, outputs: Any) -> float:
        """From logits or standardised numbers."""
        return self._experiment.decide(self._targets.predictions(outputs), self._experiment.validation)

    def refit(self, module: nn.Module, parts: tuple[Any, Any], training: Training, progress: Progress) -> None:
        """Fit a head that started as a probe again, unless it is worse on the validation samples than as trained."""
        from zoo.adapt.head import refit_head

        if self._start is None:
            return
        self._refitted = refit_head(
            module,
            self.pretrained,
            self._experiment,
            parts,
            target_scale=(self._targets.centre, self._targets.scale),
            score=training.best.score,
            progress=progress,
        )

    def finish(self, module: nn.Module, training: Training, progress: Progress) -> Outcome:
        """Predictions of the fine-tuned model, or of the probe if it is better on the validation samples."""
        from zoo.adapt import comparison
        from zoo.adapt.training.loop import evaluate

        experiment, card, refitted = self._experiment, self._backbone.card, self._refitted
        score = training.best.score if refitted is None else refitted.score
        with progress.step("Testing"):
            held_out = None if refitted is None else refitted.held_out
            if refitted is None and is_fitted(experiment):
                held_out, _ = evaluate(module, self.batches(experiment.validation), self._targets.loss(None))
            outputs, _ = evaluate(module, self.batches(experiment.test), self._targets.loss(None))
        decided = fitted(experiment, held_out)
        found = as_predictions(self._targets.unscaled(outputs), experiment, decided)
        started_there = self._start is not None and self._start.on_probe_features
        better = comparison.better_probe(self._plan, self._probe, training, score, started_there=started_there)
        carried_out = {
            "head": "random" if self._start is None else "probe",
            "weighted": self._weights is not None,
            **({} if refitted is None else {"refitted_penalty": refitted.penalty, "validation_score": refitted.score}),
            **comparison.record(experiment, self._probe, score, found, better),
        }
        known = self._familiarity(module, better) if self._plan.output else None
        if better is not None:
            carried_out |= recorded(experiment, better.decision, better.outputs(experiment))
            adapted = Adapted(
                card,
                experiment.dataset,
                head=better.head,
                layer=better.layer,
                decision=better.decision,
                familiarity=known,
            )
            return Outcome(better.tested(experiment), adapted, carried_out, comparison.LINEAR_PROBE)
        centre, scale = self._targets.centre, self._targets.scale
        carried_out |= recorded(experiment, decided, outputs)
        adapted = Adapted(
            card, experiment.dataset, module=module, centre=centre, scale=scale, decision=decided, familiarity=known
        )
        return Outcome(found, adapted, carried_out)

    def _familiarity(self, module: nn.Module, probe: Probe | None) -> Familiarity | None:
        """Where the training data's features are, of the probe or of the fine-tuned model; None if that is unknown."""
        import numpy as np

        from zoo.adapt.head import head_inputs, new_linear

        experiment = self._experiment
        parts = (experiment.train, experiment.validation)
        if probe is not None:
            return familiarity(experiment, *(probe.features[list(part)] for part in parts))
        linear = new_linear(module, self.pretrained, experiment.outputs)
        if linear is None or not experiment.classification:
            return None
        found = (np.concatenate(list(head_inputs(module, linear, self.batches(part)))) for part in parts)
        return familiarity(experiment, *found)


class HeadTargets:
    """Turns targets into what the loss takes, and outputs into predictions; numbers are standardised."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        known = experiment.of(experiment.train)
        standard = not (experiment.classification or experiment.multi_label)
        self.centre = float(known.mean()) if standard else 0.0
        self.scale = (float(known.std()) or 1.0) if standard else 1.0

    def batches(
        self,
        backbone: Backbone,
        positions: Sequence[int],
        plan: Plan,
        *,
        augmentation: Augmentation | None = None,
        weights: np.ndarray | None = None,
    ) -> Any:
        """The samples at these positions in batches, augmented where they are shuffled; ``weights`` as in ``loss``."""
        from zoo.adapt.training.batches import Batches

        part = self._experiment.part(positions)
        return Batches(
            backbone,
            part.inputs,
            self._known(positions),
            plan.batch_size,
            plan.device,
            augmentation=augmentation,
            weights=weights if self._experiment.classification else None,
        )

    def _known(self, positions: Sequence[int]) -> np.ndarray:
        """Class indices, or standardised numbers in float32."""
        import numpy as np

        targets = self._experiment.of(positions)
        if self._experiment.classification:
            return targets
        return ((targets - self.centre) / self.scale).astype(np.float32)

    def loss_of(self, outputs: np.ndarray, positions: Sequence[int]) -> float:
        """The mean loss of outputs, n x k, for these samples."""
        import torch

        found = self.loss(None)(torch.as_tensor(outputs).float(), torch.as_tensor(self._known(positions)))
        return float(found)

    def loss(self, weights: Any) -> Callable[[Any, Any], Any]:
        """Cross entropy for classes and labels, mean squared error for numbers; ``weights`` of classes, or 0 and 1."""
        from torch.nn import functional

        if self._experiment.multi_label:
            return functional.binary_cross_entropy_with_logits
        if self._experiment.classification:
            return lambda outputs, targets: functional.cross_entropy(outputs, targets, weight=weights)
        if weights is not None:  # of 0 and of 1, which are below and above their mean
            return lambda outputs, targets: (weights[(targets > 0).long()] * (outputs[:, 0] - targets).square()).mean()
        return lambda outputs, targets: functional.mse_loss(outputs[:, 0], targets)

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Class indices, log odds of labels, or numbers in the targets' own unit."""
        import numpy as np

        if self._experiment.multi_label:
            return np.asarray(outputs.astype(np.float64))
        if self._experiment.classification:
            return np.asarray(outputs.argmax(axis=1))
        return np.asarray(self.unscaled(outputs)[:, 0])

    def unscaled(self, outputs: np.ndarray) -> np.ndarray:
        """Logits, or numbers in the targets' own unit, n x k."""
        return outputs.astype("float64") * self.scale + self.centre


def check_trainable(backbone: Backbone) -> Trainable:
    """The backbone as one that can be fine-tuned.

    Raises:
        UnsupportedModel: it cannot; with the model's own reason if it gives one.
    """
    if isinstance(backbone, Trainable):
        return backbone
    if isinstance(backbone, HasHead):
        backbone.head(None, 2)
    raise UnsupportedModel(
        f"'{backbone.card.id}' cannot be fine-tuned: its plugin provides no torch module to train.",
        "Train a head on its features: --strategy linear-probe",
    )
