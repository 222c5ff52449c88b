"""Initialises a new head as a linear probe, so that training starts from what frozen features achieve.

A random head sends random gradients through pretrained weights and distorts them before it has learned anything; a head
fitted to the frozen features first does not (Kumar et al., "Fine-tuning can distort pretrained features and
underperform out-of-distribution", ICLR 2022, LP-FT). If the head's input features are not known yet, this takes one
forward pass of the training and validation samples.

After training, the head is fitted again, to the tuned features of the training and the validation samples: the tuned
features did not see the latter, which makes them worth more to the head (Kirichenko et al., "Last layer re-training is
sufficient for robustness to spurious correlations", ICLR 2023), and the linear probe learns from them too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from zoo.adapt.linear_head import PENALTIES, LinearHead, choose, fit, refit
from zoo.adapt.training.methods import is_batch_norm
from zoo.compute import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zoo.adapt.comparison import Probe
    from zoo.adapt.training.batches import Batches
    from zoo.contract.backbone import Progress
    from zoo.contract.experiment import Experiment

NEVER = 10.0
"""How far the bias of a class without training samples is below the least likely class; it stays trainable."""

SAME = 1e-3
"""Relative difference, from rounding, up to which features are considered equal."""

FLOOR = 0.1
"""Minimum deviation by which a feature is divided before the head is fitted, as a multiple of the mean deviation.

Some models have features that are almost constant (one of all-MiniLM-L6-v2 has a ten-millionth of the others'
deviation). Its weight is accordingly large, and after one step of training it varies by much more: the loss explodes.
"""


def has_batch_norm(module: nn.Module) -> bool:
    """Whether a module normalises by the statistics of its training data.

    A head that was fitted to its features fits them only as long as the statistics stay.
    """
    return any(is_batch_norm(child) for child in module.modules())


def new_linear(module: nn.Module, pretrained: nn.Module, outputs: int) -> nn.Linear | None:
    """The only new linear layer with ``outputs`` outputs and a bias; None if there is none, or several."""
    own = {id(parameter) for parameter in pretrained.parameters()}
    found = [
        child
        for child in module.modules()
        if type(child) is nn.Linear and child.out_features == outputs and id(child.weight) not in own
    ]
    return found[0] if len(found) == 1 and found[0].bias is not None else None


def start_from_probe(
    module: nn.Module,
    pretrained: nn.Module,
    experiment: Experiment,
    parts: tuple[Batches, Batches],
    *,
    target_scale: tuple[float, float],
    loss: Callable[[np.ndarray], float],
    probe: Probe | None,
    progress: Progress,
) -> Start | None:
    """Give the head of ``module`` the weights of a linear probe, fitted to the training samples in place.

    The penalty is the one with the lowest loss on the validation samples. The most accurate one is often so weak that
    the head has all training samples right with certainty, and leaves nothing to learn.

    Args:
        parts: batches of the training and of the validation samples.
        target_scale: centre and scale that standardise numbers for the loss; 0 and 1 for classes.
        loss: the loss of the validation samples, from the head's outputs for them, n x k.
        probe: a linear probe on the backbone's features, which are used if they are the head's inputs.

    Returns:
        None if the head is not one linear layer, or its inputs are not finite; nothing has changed then.
    """
    linear = new_linear(module, pretrained, experiment.outputs)
    if linear is None:
        return None
    train, validation = list(experiment.train), list(experiment.validation)
    known = probe is not None and _takes(module, linear, parts[0], probe.features[train])
    features = probe.features if probe is not None and known else inputs_of(module, linear, experiment, parts, progress)
    if not np.isfinite(features).all():
        return None
    best: tuple[float, LinearHead] | None = None
    with progress.step("Fitting the head"):
        for penalty in reversed(PENALTIES):
            fitted = fit(experiment, features[train], experiment.targets[train], penalty, floor=FLOOR)
            head = standardised(fitted, target_scale)
            reached = loss(head.outputs(features[validation]))
            if best is not None and not reached < best[0]:
                break  # weaker ones fit the training samples still more closely, and take longer
            best = reached, head
    assert best is not None
    place(linear, best[1])
    return Start(best[1], known)


@dataclass(frozen=True)
class Start:
    """The head that a training starts from.

    Attributes:
        head: its weights, for the loss.
        on_probe_features: whether its inputs are the features of the linear probe.
    """

    head: LinearHead
    on_probe_features: bool


@dataclass(frozen=True)
class Refitted:
    """A head that was fitted again after training.

    Attributes:
        penalty: the one that was best on the validation samples.
        score: the primary metric on these samples, of the head with this penalty fitted without them.
        held_out: outputs of that head for these samples, n x k, in the targets' own unit.
    """

    penalty: float
    score: float
    held_out: np.ndarray


def refit_head(
    module: nn.Module,
    pretrained: nn.Module,
    experiment: Experiment,
    parts: tuple[Batches, Batches],
    *,
    target_scale: tuple[float, float],
    score: float,
    progress: Progress,
) -> Refitted | None:
    """Fit the head of a trained module again, in place: as the linear probe, with training and validation samples.

    Args:
        parts, target_scale: as for ``start_from_probe``.
        score: the primary metric of the trained head on the validation samples; higher is better.

    Returns:
        None if the head is not one linear layer, its inputs are not finite, or the trained head is better on the
        validation samples than one that is fitted to the training samples; nothing has changed then.
    """
    linear = new_linear(module, pretrained, experiment.outputs)
    if linear is None:
        return None
    features = inputs_of(module, linear, experiment, parts, progress)
    if not np.isfinite(features).all():
        return None
    with progress.step("Fitting the head again"):
        choice = choose(experiment, features, floor=FLOOR)
        if choice.score < score:
            return None
        head = refit(experiment, features, choice.penalty, floor=FLOOR)
    place(linear, standardised(head, target_scale))
    return Refitted(choice.penalty, choice.score, choice.head.outputs(features[list(experiment.validation)]))


def standardised(head: LinearHead, target_scale: tuple[float, float]) -> LinearHead:
    """A head for standardised targets; the bias of a class without training samples is finite."""
    centre, scale = target_scale
    bias = (head.bias - centre) / scale
    known = bias[np.isfinite(bias)]
    return LinearHead(head.weight / scale, np.where(np.isfinite(bias), bias, known.min() - NEVER))


def place(linear: nn.Linear, head: LinearHead) -> None:
    """Give a layer the weights of a head."""
    with torch.no_grad():
        linear.weight.copy_(torch.as_tensor(head.weight))
        linear.bias.copy_(torch.as_tensor(head.bias))


def _takes(module: nn.Module, linear: nn.Linear, batches: Batches, features: np.ndarray) -> bool:
    """Whether ``features`` of the same samples, n x d, are the inputs of ``linear``, by the first batch."""
    if linear.in_features != features.shape[1]:
        return False
    found = next(head_inputs(module, linear, batches))
    known = features[: len(found)]
    return np.allclose(found, known, rtol=SAME, atol=SAME * float(np.abs(known).mean()))


def inputs_of(
    module: nn.Module, linear: nn.Linear, experiment: Experiment, parts: tuple[Batches, Batches], progress: Progress
) -> np.ndarray:
    """Inputs of ``linear``, n x d, for the training and validation samples; 0 for the test samples."""
    features = np.zeros((len(experiment.dataset), linear.in_features))
    with progress.step("Extracting the head's inputs", sum(len(part) for part in parts)) as step:
        for positions, batches in zip((experiment.train, experiment.validation), parts, strict=True):
            rows = []
            for found in head_inputs(module, linear, batches):
                rows.append(found)
                step.advance()
            features[list(positions)] = np.concatenate(rows)
    return features


def head_inputs(module: nn.Module, linear: nn.Linear, batches: Batches) -> Iterator[np.ndarray]:
    """Inputs of ``linear``, batch x d in float64, for batches in order, without dropout or gradients."""
    module.eval()
    with captured(linear) as found:
        for batch, targets in batches:
            with torch.inference_mode(), counted("features", batch, len(targets)):
                module(batch)
            yield found.pop().double().cpu().numpy()


@contextmanager
def captured(linear: nn.Linear | None) -> Iterator[list[torch.Tensor]]:
    """A list that collects the inputs of ``linear`` while the block runs; it stays empty for None."""
    inputs: list[torch.Tensor] = []
    if linear is None:
        yield inputs
        return
    handle = linear.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    try:
        yield inputs
    finally:
        handle.remove()
