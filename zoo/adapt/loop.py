"""The training loop, to be read in one sitting: AdamW, warm-up and cosine, clipping, early stopping.

The defaults are the field's: no weight decay on biases and norms, a new head that learns faster than the pretrained
weights, gradients clipped to norm 1 (Devlin et al., BERT, 2019, appendix A.2; Loshchilov and Hutter, SGDR, 2017).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from zoo.adapt.checkpoint import random_state, set_random_state
from zoo.adapt.methods import blocks_of, half_precision, is_batch_norm, train_mode
from zoo.errors import UnsupportedModel, ZooError

if TYPE_CHECKING:
    from zoo.adapt.batches import Batches
    from zoo.adapt.checkpoint import Checkpoint
    from zoo.contract.backbone import Progress

CLIP_NORM = 1.0
WARM_UP = 0.1
"""Part of the longest possible training during which the learning rate rises."""


class OutOfMemory(ZooError):
    """The device has too little memory for this batch size."""


@dataclass(frozen=True)
class Settings:
    """What the loop goes by.

    Attributes:
        learning_rate: of the pretrained weights.
        head_learning_rate: of the new head.
        patience: epochs without a better validation figure before it stops.
        layer_decay: factor of the learning rate from each block to the one before it, away from the head.
        accumulate: batches whose gradients are added up before the weights change.
        judge_start: whether the weights before the first epoch compete, as epoch 0: where the head knows something.
    """

    epochs: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float = 0.01
    patience: int = 3
    seed: int = 0
    layer_decay: float = 1.0
    accumulate: int = 1
    judge_start: bool = False


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch; ``score`` is the deciding validation metric, higher is better; 0 is before the first."""

    number: int
    training_loss: float
    validation_loss: float
    score: float


@dataclass(frozen=True)
class Training:
    """How a training went.

    Attributes:
        best: the epoch whose weights the module now has.
        stopped: ``epochs`` (all done), ``patience``, ``interrupted`` or ``diverged``.
    """

    epochs: tuple[Epoch, ...]
    best: Epoch
    stopped: str


def train(
    module: nn.Module,
    backbone: nn.Module,
    batches: Batches,
    validation: Batches,
    *,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    score: Callable[[np.ndarray], float],
    settings: Settings,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
) -> Training:
    """Train ``module`` in place and leave it with its best weights, in evaluation mode.

    Args:
        module: maps a batch to outputs, batch x k.
        backbone: the pretrained part of ``module``.
        loss: of outputs and targets, a scalar.
        score: of the validation outputs (n x k, in order); higher is better. Ties go to the lower validation loss.
        checkpoint: where the state is kept after an epoch; a training that was cut off goes on from there, to the same
            end as if nothing had happened.

    Ctrl-C ends the training and keeps the best weights; where there are none yet, it is passed on.

    Raises:
        OutOfMemory: the device ran out of memory; the weights are somewhere on the way.
        UnsupportedModel: the output does not depend on the pretrained weights that are to be trained.
        ZooError: the loss was not finite before anything was learned.
    """
    course = _Course(module, backbone, settings, len(batches))
    stopped = "epochs"
    try:
        with seeded(settings.seed) as generator, out_of_memory():
            if not course.resume(checkpoint, generator) and settings.judge_start:
                outputs, validation_loss = evaluate(module, validation, loss)
                course.judge(Epoch(0, math.nan, validation_loss, score(outputs)))
            for number in range(len(course.epochs) + 1, settings.epochs + 1):
                if course.lost_patience():
                    break
                with progress.step(f"Epoch {number} of {settings.epochs}", len(batches)) as step:
                    training_loss = course.learn(batches, loss, generator, step)
                outputs, validation_loss = evaluate(module, validation, loss)
                if not (math.isfinite(training_loss) and math.isfinite(validation_loss)):
                    stopped = "diverged"
                    break
                course.judge(Epoch(number, training_loss, validation_loss, score(outputs)))
                if checkpoint is not None:
                    checkpoint.save(lambda: course.state(generator))
        if stopped == "epochs" and course.lost_patience():
            stopped = "patience"
    except KeyboardInterrupt:
        if course.best is None:
            raise
        stopped = "interrupted"
    if course.best is None or (stopped == "diverged" and not course.epochs):
        raise ZooError("The training diverged: the loss is not finite.", "Choose a lower --learning-rate.")
    if checkpoint is not None and stopped != "interrupted":
        checkpoint.remove()
    module.load_state_dict(course.best_weights)
    module.eval()
    return Training(tuple(course.epochs), course.best, stopped)


class _Course:
    """A training on its way: the optimiser, the epochs done, and the best weights so far."""

    def __init__(self, module: nn.Module, backbone: nn.Module, settings: Settings, batches: int) -> None:
        self.module, self.settings = module, settings
        self.unproven = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
        # The fused step is several times quicker than the default one, above all on CPUs.
        self.optimizer = torch.optim.AdamW(parameter_groups(module, backbone, settings), fused=True)
        steps = settings.epochs * math.ceil(batches / settings.accumulate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, warm_up_and_cosine(steps))
        self.optimizer.zero_grad(set_to_none=True)
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: dict[str, torch.Tensor] = {}

    def learn(
        self,
        batches: Batches,
        loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        generator: np.random.Generator,
        step: Any,
    ) -> float:
        """One epoch; gives the mean loss of its batches."""
        total, waiting, middle = 0.0, 0, len(batches) // 2
        train_mode(self.module)
        with fresh_statistics(self.module) as count_anew:
            for number, (batch, targets) in enumerate(batches.shuffled(generator)):
                if number == middle:
                    count_anew()
                with half_precision(batches.device):
                    value = loss(self.module(batch), targets)
                (value / self.settings.accumulate).backward()
                waiting += 1
                if waiting == self.settings.accumulate:
                    self._update()
                    waiting = 0
                total += value.item() / len(batches)
                step.advance()
        if waiting:
            self._update()
        return total

    def _update(self) -> None:
        if self.unproven and all(parameter.grad is None for parameter in self.unproven):
            raise UnsupportedModel(
                "None of the pretrained weights that this strategy trains has an effect on the output, so that only "
                "the head would learn.",
                "Train others, or a head: --strategy full, --strategy linear-probe",
            )
        self.unproven = []
        nn.utils.clip_grad_norm_(self.module.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)

    def judge(self, epoch: Epoch) -> None:
        """Note an epoch, and its weights if they are the best."""
        if epoch.number:
            self.epochs.append(epoch)
        if self.best is None or _rank(epoch) > _rank(self.best):
            self.best, self.best_weights = epoch, _copy(self.module)

    def lost_patience(self) -> bool:
        """Whether the best epoch is too long ago."""
        return self.best is not None and len(self.epochs) - self.best.number >= self.settings.patience

    def state(self, generator: np.random.Generator) -> dict[str, Any]:
        """Everything that a training goes on from."""
        return {
            "module": self.module.state_dict(),
            "best_weights": self.best_weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epochs": [list(astuple(epoch)) for epoch in self.epochs],
            "best": list(astuple(self.best)) if self.best else None,
            "random": random_state(generator),
        }

    def resume(self, checkpoint: Checkpoint | None, generator: np.random.Generator) -> bool:
        """Go on from a checkpoint, where there is one."""
        state = checkpoint.load() if checkpoint is not None else None
        if state is None:
            return False
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.epochs = [Epoch(*values) for values in state["epochs"]]
        self.best = Epoch(*state["best"])
        device = next(self.module.parameters()).device
        self.best_weights = {name: tensor.to(device) for name, tensor in state["best_weights"].items()}
        set_random_state(state["random"], generator)
        return True


def evaluate(
    module: nn.Module, batches: Batches, loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> tuple[np.ndarray, float]:
    """Outputs of all samples in order (n x k, float32) and the mean loss; no gradients."""
    module.eval()
    outputs, total, samples = [], 0.0, 0
    with torch.inference_mode():
        for batch, targets in batches:
            output = module(batch).float()
            total += loss(output, targets).item() * len(targets)
            samples += len(targets)
            outputs.append(output.cpu().numpy())
    return np.concatenate(outputs), total / samples


@contextmanager
def fresh_statistics(module: nn.Module) -> Iterator[Callable[[], None]]:
    """Let batch normalisation take the plain mean of the batches after a call of what this gives.

    Running averages lag behind weights that have made few steps, so that the model would be judged, and used, by
    statistics that are not its own (Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, there by a pass of its
    own). Layers in evaluation mode keep theirs.
    """
    layers: list[Any] = [layer for layer in module.modules() if is_batch_norm(layer) and layer.training]
    momenta = [layer.momentum for layer in layers]

    def begin() -> None:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean

    try:
        yield begin
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def parameter_groups(module: nn.Module, backbone: nn.Module, settings: Settings) -> list[dict[str, object]]:
    """Groups for the optimiser: by depth of the pretrained part, or new; with weight decay, or (biases, norms) without.

    The deeper below the head, the more slowly a block learns (layer-wise decay; Clark et al., "ELECTRA", 2020).
    """
    depths = depth_below_head(backbone)
    groups: dict[tuple[int | None, bool], list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            groups.setdefault((depths.get(id(parameter)), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.head_learning_rate
            if depth is None
            else settings.learning_rate * settings.layer_decay**depth,
            "weight_decay": settings.weight_decay if decayed else 0.0,
        }
        for (depth, decayed), parameters in groups.items()
    ]


def depth_below_head(backbone: nn.Module) -> dict[int, int]:
    """How many blocks lie between each parameter (by ``id``) and the head; 0 for all without a row of blocks."""
    blocks = blocks_of(backbone)
    rows = list(blocks) if blocks is not None else []
    inside = {id(p): len(rows) - 1 - number for number, block in enumerate(rows) for p in block.parameters()}
    depths, seen = {}, not rows
    for parameter in backbone.parameters():
        # Parameters come in the order of the forward pass: those before any block are embeddings or a stem.
        seen = seen or id(parameter) in inside
        depths[id(parameter)] = inside.get(id(parameter), 0 if seen else len(rows))
    return depths


def check_layer_decay(pretrained: nn.Module, layer_decay: float, model: str) -> None:
    """Refuse a layer decay that would change nothing; what is not trained has to be frozen already.

    Raises:
        UnsupportedModel: the weights that are trained do not lie in several blocks in a row.
    """
    depths = depth_below_head(pretrained)
    if layer_decay != 1 and not any(one.requires_grad and depths[id(one)] for one in pretrained.parameters()):
        raise UnsupportedModel(
            f"--layer-decay has no effect on '{model}' here: what is trained of it is not several blocks in a row.",
            "Leave --layer-decay out.",
        )


def warm_up_and_cosine(steps: int) -> Callable[[int], float]:
    """A factor for the learning rate at each step: up in a line to 1, then down to 0 in half a cosine."""
    rise = max(1, int(steps * WARM_UP))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))

    return factor


@contextmanager
def seeded(seed: int) -> Iterator[np.random.Generator]:
    """Python, numpy and torch seeded inside the block and as they were after it; gives a generator for the order."""
    before = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        try:
            yield np.random.default_rng(seed)
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])


@contextmanager
def out_of_memory() -> Iterator[None]:
    """Turn a device's lack of memory into one sentence."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            "The device ran out of memory while training.", "Choose a smaller --batch-size, with --accumulate."
        ) from error


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.score, -epoch.validation_loss


def _copy(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
