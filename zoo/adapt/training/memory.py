"""Trains with batches that fit into the device's memory: halved until they do, with accumulated gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.adapt.devices.sharing import ONE, OneDevice
from zoo.adapt.training.loop import train
from zoo.adapt.training.settings import OutOfMemory

if TYPE_CHECKING:
    from zoo.adapt.training.settings import Settings, Training

Weights = list[tuple[torch.Tensor, torch.Tensor]]


def train_within_memory(
    module: nn.Module,
    pretrained: nn.Module,
    original: dict[str, torch.Tensor],
    parts: tuple[Any, Any],
    *,
    settings: Settings,
    devices: OneDevice = ONE,
    **options: Any,
) -> tuple[Training, Settings]:
    """``zoo.adapt.training.loop.train``; if memory runs out, again from the start with half the batch size.

    Gradients of twice as many batches are then accumulated, so that optimiser steps stay the same. Several devices
    start again in new processes, since those that wait for the gradients of another cannot go on without them.

    Args:
        original: the tensors of ``pretrained`` by name.
        parts: batches of the training and of the validation samples; their ``batch_size`` is reduced to the one that
            fits.
        devices: if there are several, the error is raised, and ``halvings`` of an earlier start are applied.
        options: the other arguments of ``train``.

    Returns:
        The training, and the settings that it was done with.

    Raises:
        OutOfMemory: not even one sample fits; on several devices, this batch size does not.
    """
    for _ in range(devices.halvings):
        settings = _halved(settings, parts)
    if devices.count > 1:
        return train(module, pretrained, *parts, settings=settings, devices=devices, **options), settings
    start = starting_weights(module, pretrained, original)
    while True:
        try:
            return train(module, pretrained, *parts, settings=settings, **options), settings
        except OutOfMemory:
            if parts[0].batch_size < 2:
                raise
            settings = _halved(settings, parts)
            restore(start)


def _halved(settings: Settings, parts: tuple[Any, Any]) -> Settings:
    """Halve the batch size of ``parts`` in place, and accumulate the gradients of twice as many batches."""
    for part in parts:
        part.batch_size = max(1, part.batch_size // 2)
    return replace(settings, accumulate=settings.accumulate * 2)


def starting_weights(module: nn.Module, pretrained: nn.Module, original: dict[str, torch.Tensor]) -> Weights:
    """What training changes, each with its value now: parameters with a gradient, and all buffers.

    Parameters in ``original`` (of ``pretrained``) are not copied again.
    """
    known = {id(parameter): original[name] for name, parameter in pretrained.named_parameters() if name in original}
    parameters = (parameter for parameter in module.parameters() if parameter.requires_grad)
    return [
        *((one, known[id(one)] if id(one) in known else one.detach().clone()) for one in parameters),
        *((buffer, buffer.detach().clone()) for buffer in module.buffers()),
    ]


def restore(weights: Weights) -> None:
    """Restore the values of tensors, in place."""
    with torch.no_grad():
        for tensor, value in weights:
            tensor.copy_(value)
