"""Initialises a new head as a linear probe, so that training starts from what frozen features achieve.

A random head sends random gradients through pretrained weights and distorts them before it has learned anything; a head
fitted to the frozen features first does not (Kumar et al., "Fine-tuning can distort pretrained features and
underperform out-of-distribution", ICLR 2022, LP-FT). If the head's input features are not known yet, this takes one
forward pass of the training and validation samples.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from zoo.adapt.training.methods import is_batch_norm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zoo.adapt.comparison import Probe
    from zoo.adapt.linear_head import LinearHead
    from zoo.adapt.training.batches import Batches
    from zoo.contract.backbone import Progress
    from zoo.contract.experiment import Experiment

NEVER = 10.0
"""How far the bias of a class without training samples is below the least likely class; it stays trainable."""

SAME = 1e-3
"""Relative difference, from rounding, up to which features are considered equal."""


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
    probe: Probe | None,
    progress: Progress,
) -> LinearHead | None:
    """Give the head of ``module`` the weights of a linear probe, fitted to the training samples in place.

    The penalty is the one that is best on the validation samples, as for the strategy ``linear-probe``.

    Args:
        parts: batches of the training and of the validation samples.
        target_scale: centre and scale that standardise numbers for the loss; 0 and 1 for classes.
        probe: a linear probe on the backbone's features, used if they are the head's inputs.

    Returns:
        The probe that the head started from. None if the head is not one linear layer, or its inputs are not finite;
        nothing has changed then.
    """
    linear = new_linear(module, pretrained, experiment.outputs)
    if linear is None:
        return None
    if probe is not None and _takes(module, linear, parts[0], probe.features[list(experiment.train)]):
        head = probe.start
    else:
        found = _fitted(module, linear, experiment, parts, progress)
        if found is None:
            return None
        head = found
    centre, scale = target_scale
    bias = (head.bias - centre) / scale
    known = bias[np.isfinite(bias)]
    bias = np.where(np.isfinite(bias), bias, known.min() - NEVER)
    with torch.no_grad():
        linear.weight.copy_(torch.as_tensor(head.weight / scale))
        linear.bias.copy_(torch.as_tensor(bias))
    return head


def _takes(module: nn.Module, linear: nn.Linear, batches: Batches, features: np.ndarray) -> bool:
    """Whether ``features`` of the same samples, n x d, are the inputs of ``linear``, by the first batch."""
    if linear.in_features != features.shape[1]:
        return False
    found = next(head_inputs(module, linear, batches))
    known = features[: len(found)]
    return np.allclose(found, known, rtol=SAME, atol=SAME * float(np.abs(known).mean()))


def _fitted(
    module: nn.Module, linear: nn.Linear, experiment: Experiment, parts: tuple[Batches, Batches], progress: Progress
) -> LinearHead | None:
    """A linear probe on the inputs of ``linear``; None if they are not finite."""
    from zoo.adapt.linear_head import choose

    features = np.zeros((len(experiment.dataset), linear.in_features))
    with progress.step("Fitting the head", sum(len(part) for part in parts)) as step:
        for positions, batches in zip((experiment.train, experiment.validation), parts, strict=True):
            rows = []
            for found in head_inputs(module, linear, batches):
                rows.append(found)
                step.advance()
            features[list(positions)] = np.concatenate(rows)
        return choose(experiment, features).head if np.isfinite(features).all() else None


def head_inputs(module: nn.Module, linear: nn.Linear, batches: Batches) -> Iterator[np.ndarray]:
    """Inputs of ``linear``, batch x d in float64, for batches in order, without dropout or gradients."""
    module.eval()
    with captured(linear) as found:
        for batch, _ in batches:
            with torch.inference_mode():
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
