"""The training loop: AdamW, warm-up and cosine decay, gradient clipping, early stopping.

The defaults are the usual ones: no weight decay on biases and norms, a higher learning rate for a random head than for
the pretrained weights, gradients clipped to norm 1 (Devlin et al., BERT, 2019, appendix A.2; Loshchilov and Hutter,
SGDR, 2017).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from zoo.adapt.devices.sharing import ONE, OneDevice
from zoo.adapt.training.budget import Clock
from zoo.adapt.training.checkpoint import random_state, set_random_state
from zoo.adapt.training.methods import changing, check_statistics, fresh_statistics, half_precision, train_mode
from zoo.adapt.training.optimizer import parameter_groups, warm_up_and_cosine
from zoo.adapt.training.settings import Epoch, OutOfMemory, Settings, Training
from zoo.adapt.training.watching import Pruned, is_hopeless
from zoo.compute import counted, current
from zoo.errors import UnsupportedModel, ZooError

if TYPE_CHECKING:
    from zoo.adapt.training.batches import Batches, Shared
    from zoo.adapt.training.checkpoint import Checkpoint
    from zoo.contract.backbone import Progress

CLIP_NORM = 1.0


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
    devices: OneDevice = ONE,
) -> Training:
    """Train ``module`` in place and leave it with its best weights, in evaluation mode.

    Args:
        module: maps a batch to outputs, batch x k.
        backbone: the pretrained part of ``module``.
        loss: of outputs and targets, a scalar.
        score: of the validation outputs (n x k, in order); higher is better. Ties go to the lower validation loss.
        checkpoint: where the state is saved after each epoch; an interrupted training resumes from there and ends with
            the same weights.
        devices: that divide each batch; all their processes call this with the same arguments.

    Ctrl-C ends the training and keeps the best weights; if there are none yet, ``KeyboardInterrupt`` is raised.

    Raises:
        OutOfMemory: the device ran out of memory; the weights are left partly trained.
        UnsupportedModel: the output does not depend on the pretrained weights that are to be trained, or on several
            devices, batch normalisation would estimate its statistics.
        ZooError: the loss was not finite in the first epoch.
        Pruned: see ``zoo.adapt.training.watching.watched``.
    """
    course = _Course(module, backbone, settings, len(batches), devices)
    course.clock = Clock(settings.deadline, len(validation), settings.reserve)
    stopped = "epochs"
    try:
        with seeded(settings.seed) as generator, out_of_memory(), devices.polling():
            if not course.resume(checkpoint, generator) and settings.evaluate_start:
                outputs, validation_loss = evaluate(module, validation, loss, devices)
                course.add(devices.agreed(Epoch(0, math.nan, validation_loss, score(outputs))))
            for number in range(len(course.epochs) + 1, settings.epochs + 1):
                if course.lost_patience():
                    break
                course.draw_apart(number)
                if devices.agreed(course.clock.ends_before_epoch()):
                    stopped = "budget"
                    break
                with progress.step(f"Epoch {number} of {settings.epochs}", len(batches)) as step:
                    training_loss = course.learn(batches, loss, generator, step)
                outputs, validation_loss = evaluate(module, validation, loss, devices)
                if not devices.agreed(math.isfinite(training_loss) and math.isfinite(validation_loss)):
                    stopped = "diverged"
                    break
                course.add(devices.agreed(Epoch(number, training_loss, validation_loss, score(outputs))))
                if is_hopeless(course.epochs[-1]):
                    if checkpoint is not None:
                        checkpoint.remove()
                    raise Pruned
                if course.clock.cut:
                    stopped = "budget"
                    break
                course.clock.epoch_ends()
                if checkpoint is not None and devices.first:
                    checkpoint.save(lambda: course.state(generator))
        if stopped == "epochs" and course.lost_patience():
            stopped = "patience"
    except KeyboardInterrupt:
        if course.best is None:
            raise
        stopped = "interrupted"
    if course.best is None or (stopped == "diverged" and not course.epochs):
        raise ZooError("The training diverged: the loss is not finite.", "Choose a lower --learning-rate.")
    if checkpoint is not None and devices.first and stopped != "interrupted":
        checkpoint.remove()
    module.load_state_dict(course.best_weights, strict=False)
    module.eval()
    return Training(tuple(course.epochs), course.best, stopped)


class _Course:
    """A training in progress: the optimiser, the epochs done, and the best weights so far."""

    def __init__(
        self, module: nn.Module, backbone: nn.Module, settings: Settings, batches: int, devices: OneDevice
    ) -> None:
        self.module, self.settings, self.devices = module, settings, devices
        self.parallel = devices.parallel(module)
        self.unproven = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
        # The fused step is several times faster than the default one, especially on CPUs.
        self.optimizer = torch.optim.AdamW(parameter_groups(module, backbone, settings), fused=True)
        steps = settings.epochs * math.ceil(batches / settings.accumulate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, warm_up_and_cosine(steps))
        self.optimizer.zero_grad(set_to_none=True)
        self.epochs: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: dict[str, torch.Tensor] = {}
        self.clock = Clock()

    def learn(
        self,
        batches: Batches,
        loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        generator: np.random.Generator,
        step: Any,
    ) -> float:
        """Train one epoch; returns the mean loss of its batches."""
        total, waiting, middle, done = 0.0, 0, len(batches) // 2, 0
        devices, accumulate = self.devices, self.settings.accumulate
        train_mode(self.module, keep_statistics=self.settings.keep_statistics)
        if devices.count > 1:
            check_statistics(self.module)
        with fresh_statistics(self.module) as count_again:
            for number, (batch, targets, share) in enumerate(self._parts(batches, generator)):
                if number == middle:
                    count_again()
                waiting += 1
                ends = waiting == accumulate or (devices.count > 1 and number + 1 == batches.steps)
                last = nullcontext() if ends else devices.accumulating(self.parallel)
                with last, counted("training", batch, len(targets)):
                    with half_precision(batches.device):
                        value = loss(self.parallel(batch), targets) * share
                    with devices.contact():
                        # Gradients are averaged over the processes, but the loss of a batch is a sum of its shares.
                        (value * devices.count / accumulate).backward()
                if ends:
                    self._update()
                    waiting = 0
                total += value.item()
                done += 1
                step.advance()
                self.clock.cut = devices.agreed(self.clock.ends_after_batch())
                if self.clock.cut and (devices.count == 1 or not waiting):
                    break
        if waiting:
            self._update()
        return devices.total(total) / done

    def _parts(self, batches: Batches, generator: np.random.Generator) -> Shared:
        """This process's part of each batch, with its share of the loss."""
        if self.devices.count == 1:
            return ((batch, targets, 1.0) for batch, targets in batches.shuffled(generator))
        return batches.shared(generator, self.devices)

    def draw_apart(self, epoch: int) -> None:
        """Let each process but the first draw numbers of its own, such as those of dropout, from this epoch on."""
        if self.devices.rank:
            drawn = np.random.SeedSequence((self.settings.seed, epoch, self.devices.rank))
            torch.manual_seed(int(drawn.generate_state(1)[0]))

    def _update(self) -> None:
        if self.unproven and all(parameter.grad is None for parameter in self.unproven):
            raise UnsupportedModel(
                "None of the pretrained weights that this strategy trains has an effect on the output, so only the "
                "head would be trained.",
                "Train other weights, or only a head: --strategy full, --strategy linear-probe",
            )
        self.unproven = []
        nn.utils.clip_grad_norm_(self.module.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)

    def add(self, epoch: Epoch) -> None:
        """Record an epoch, and its weights if they are the best."""
        if epoch.number:
            self.epochs.append(epoch)
        if self.best is None or epoch.rank > self.best.rank:
            self.best, self.best_weights = epoch, _copy(self.module)

    def lost_patience(self) -> bool:
        """Whether the best epoch is ``patience`` epochs ago."""
        return self.best is not None and len(self.epochs) - self.best.number >= self.settings.patience

    def state(self, generator: np.random.Generator) -> dict[str, Any]:
        """The state that a training resumes from."""
        return {
            "module": changing(self.module),
            "best_weights": self.best_weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epochs": [list(astuple(epoch)) for epoch in self.epochs],
            "best": list(astuple(self.best)) if self.best else None,
            "random": random_state(generator),
            "compute": None if (meter := current()) is None else meter.state(),
        }

    def resume(self, checkpoint: Checkpoint | None, generator: np.random.Generator) -> bool:
        """Resume from a checkpoint; False if there is none."""
        if checkpoint is None:
            return False
        # The first process looks, because a file that cannot be used is removed.
        state = checkpoint.load() if self.devices.first else None
        if not self.devices.once(lambda: state is not None):
            return False
        state = state or checkpoint.load()
        if state is None:
            raise ZooError("The checkpoint was removed while the training started.", "Start it again.")
        self.module.load_state_dict(state["module"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.epochs = [Epoch(*values) for values in state["epochs"]]
        self.best = Epoch(*state["best"])
        device = next(self.module.parameters()).device
        self.best_weights = {name: tensor.to(device) for name, tensor in state["best_weights"].items()}
        set_random_state(state["random"], generator)
        if (meter := current()) is not None:
            meter.restore(state.get("compute"), first=self.devices.first)
        return True


def evaluate(
    module: nn.Module,
    batches: Batches,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    devices: OneDevice = ONE,
) -> tuple[np.ndarray, float]:
    """Outputs of all samples in order (n x k, float32) and the mean loss; no gradients.

    Several devices evaluate different batches, and all of them get all outputs.
    """
    module.eval()
    found = []
    with torch.inference_mode():
        for batch, targets in batches if devices.count == 1 else batches.in_order(devices):
            with counted("evaluation", batch, len(targets)):
                output = module(batch).float()
            found.append((output.cpu().numpy(), loss(output, targets).item() * len(targets), len(targets)))
    outputs, totals, samples = zip(*devices.gathered(found, len(batches)), strict=True)
    return np.concatenate(outputs), sum(totals) / sum(samples)


@contextmanager
def seeded(seed: int) -> Iterator[np.random.Generator]:
    """Seed Python, numpy and torch inside the block and restore them afterwards; yields a generator for the order."""
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
    """Turn an out-of-memory error of the device into a clear error."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            "The device ran out of memory while training.", "Choose a smaller --batch-size, with --accumulate."
        ) from error


def _copy(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in changing(module).items()}
