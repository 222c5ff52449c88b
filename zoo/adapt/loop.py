"""The training loop, to be read in one sitting: AdamW, warm-up and cosine, clipping, early stopping.

The defaults are the field's: no weight decay on biases and norms, a new head that learns faster than the pretrained
weights, gradients clipped to norm 1 (Devlin et al., BERT, 2019, appendix A.2; Loshchilov and Hutter, SGDR, 2017).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from zoo.adapt.methods import half_precision
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.adapt.batches import Batches
    from zoo.protocols import Progress

CLIP_NORM = 1.0
WARM_UP = 0.1
"""Part of the longest possible training during which the learning rate rises."""


@dataclass(frozen=True)
class Settings:
    """What the loop goes by.

    Attributes:
        learning_rate: of the pretrained weights.
        head_learning_rate: of the new head.
        patience: epochs without a better validation figure before it stops.
    """

    epochs: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float = 0.01
    patience: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch; ``score`` is the deciding validation metric, higher is better."""

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
) -> Training:
    """Train ``module`` in place and leave it with its best weights, in evaluation mode.

    Args:
        module: maps a batch to outputs, batch x k.
        backbone: the pretrained part of ``module``.
        loss: of outputs and targets, a scalar.
        score: of the validation outputs (n x k, in order); higher is better. Ties go to the lower validation loss.

    Ctrl-C after the first epoch ends the training and keeps the best weights; before it, it is passed on.

    Raises:
        ZooError: the device ran out of memory, or the loss was not finite before anything was learned.
    """
    optimizer = torch.optim.AdamW(parameter_groups(module, backbone, settings))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warm_up_and_cosine(settings.epochs * len(batches)))
    epochs: list[Epoch] = []
    best: Epoch | None = None
    best_weights: dict[str, torch.Tensor] = {}
    stopped = "epochs"
    try:
        with seeded(settings.seed) as generator, out_of_memory():
            for number in range(1, settings.epochs + 1):
                with progress.step(f"Epoch {number} of {settings.epochs}", len(batches)) as step:
                    training_loss = 0.0
                    module.train()
                    for batch, targets in batches.shuffled(generator):
                        with half_precision(batches.device):
                            value = loss(module(batch), targets)
                        optimizer.zero_grad(set_to_none=True)
                        value.backward()
                        nn.utils.clip_grad_norm_(module.parameters(), CLIP_NORM)
                        optimizer.step()
                        schedule.step()
                        training_loss += value.item() / len(batches)
                        step.advance()
                outputs, validation_loss = evaluate(module, validation, loss)
                if not (math.isfinite(training_loss) and math.isfinite(validation_loss)):
                    stopped = "diverged"
                    break
                epochs.append(Epoch(number, training_loss, validation_loss, score(outputs)))
                if best is None or _rank(epochs[-1]) > _rank(best):
                    best, best_weights = epochs[-1], _copy(module)
                if number - best.number >= settings.patience:
                    stopped = "patience"
                    break
    except KeyboardInterrupt:
        if best is None:
            raise
        stopped = "interrupted"
    if best is None:
        raise ZooError("The training diverged: the loss is not finite.", "Choose a lower --learning-rate.")
    module.load_state_dict(best_weights)
    module.eval()
    return Training(tuple(epochs), best, stopped)


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


def parameter_groups(module: nn.Module, backbone: nn.Module, settings: Settings) -> list[dict[str, object]]:
    """Four groups for the optimiser: pretrained or new, with weight decay or (biases, norms, scalars) without."""
    pretrained = {id(parameter) for parameter in backbone.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            groups.setdefault((id(parameter) in pretrained, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate if old else settings.head_learning_rate,
            "weight_decay": settings.weight_decay if decayed else 0.0,
        }
        for (old, decayed), parameters in groups.items()
    ]


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
        raise ZooError("The device ran out of memory while training.", "Choose a smaller --batch-size.") from error


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.score, -epoch.validation_loss


def _copy(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
