"""Gradient checkpointing: activations inside blocks are computed again in the backward pass instead of being stored.

Chen et al., "Training deep nets with sublinear memory cost", 2016. Memory grows with one block's activations and the
inputs of all blocks; the time, by up to one more forward pass. Gradients are the same.

The blocks next to the head keep theirs: the backward pass needs them first, and has freed them before it comes to the
blocks whose activations it computes again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from zoo.adapt.training.methods import blocks_of, is_batch_norm
from zoo.adapt.training.targets import core_of, is_transformers
from zoo.errors import UnsupportedModel

KEPT = 3
"""The share of the trained blocks that keep their activations, for less time, is 1 / KEPT: those next to the head."""


@contextmanager
def checkpointed(pretrained: nn.Module, model: str) -> Iterator[None]:
    """Store no activations inside most blocks of a module while it is trained inside the ``with`` block.

    Models of transformers do this themselves; for others it is done for the blocks that ``blocks_of`` finds, but for
    the last third of those that are trained.

    Raises:
        UnsupportedModel: the model has no sequence of blocks.
    """
    core = core_of(pretrained)
    own: Any = core if is_transformers(core) and getattr(core, "supports_gradient_checkpointing", False) else None
    if own is not None:
        # The name changed in transformers 5.24.
        name = "activation" if hasattr(own, "activation_checkpointing_enable") else "gradient"
        getattr(own, f"{name}_checkpointing_enable")({"use_reentrant": False})
        plain: list[Any] = keeping(blocks_of(own))
        for block in plain:
            if hasattr(block, "gradient_checkpointing"):
                block.gradient_checkpointing = False
        try:
            yield
        finally:
            getattr(own, f"{name}_checkpointing_disable")()
        return
    blocks = blocks_of(pretrained)
    if blocks is None:
        raise UnsupportedModel(
            f"'{model}' is not a sequence of blocks, so --gradient-checkpointing cannot save memory.",
            "Leave --gradient-checkpointing out, or choose a smaller --batch-size with --accumulate.",
        )
    kept = keeping(blocks)
    again = [block for block in blocks if block not in kept]
    for block in again:
        block.forward = functools.partial(_forward, block, block.forward)
    try:
        yield
    finally:
        for block in again:
            del block.forward


def keeping(blocks: Iterable[nn.Module] | None) -> list[nn.Module]:
    """The blocks that keep their activations: the last third of those from the first trained one on."""
    rows = list(blocks or ())
    while rows and not any(parameter.requires_grad for parameter in rows[0].parameters()):
        rows.pop(0)
    return rows[len(rows) - len(rows) // KEPT :]


def _forward(block: nn.Module, plain: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return plain(*inputs, **named)
    return checkpoint(plain, *inputs, use_reentrant=False, context_fn=functools.partial(_contexts, block), **named)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts of the forward pass, and of its repetition."""
    return nullcontext(), _without_statistics(block)


@contextmanager
def _without_statistics(block: nn.Module) -> Iterator[None]:
    """Batch normalisation does not count a batch again."""
    layers: list[Any] = [layer for layer in block.modules() if is_batch_norm(layer)]
    before = [(layer.momentum, layer.num_batches_tracked.clone()) for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, (momentum, counted) in zip(layers, before, strict=True):
            layer.momentum = momentum
            layer.num_batches_tracked.copy_(counted)
