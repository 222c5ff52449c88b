"""Learning rates: parameter groups by depth, and their schedule."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from zoo.adapt.training.methods import blocks_of
from zoo.adapt.training.settings import Settings
from zoo.errors import UnsupportedModel

WARM_UP = 0.1
"""Fraction of the longest possible training during which the learning rate rises."""


def parameter_groups(module: nn.Module, backbone: nn.Module, settings: Settings) -> list[dict[str, object]]:
    """Groups for the optimiser: by depth in the pretrained part, or new; with weight decay, or (biases, norms) without.

    The deeper below the head, the lower a block's learning rate (layer-wise decay; Clark et al., "ELECTRA", 2020).
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
    """Number of blocks between each parameter (by ``id``) and the head; 0 for all without a sequence of blocks."""
    blocks = blocks_of(backbone)
    rows = list(blocks) if blocks is not None else []
    inside = {id(p): len(rows) - 1 - number for number, block in enumerate(rows) for p in block.parameters()}
    depths, seen = {}, not rows
    for parameter in backbone.parameters():
        # Parameters come in the order of the forward pass: those before any block are embeddings or a stem.
        seen = seen or id(parameter) in inside
        depths[id(parameter)] = inside.get(id(parameter), 0 if seen else len(rows))
    return depths


def trained_blocks(pretrained: nn.Module) -> int:
    """How many blocks, or what is before them, are trained with learning rates of their own."""
    depths = depth_below_head(pretrained)
    return len({depths[id(one)] for one in pretrained.parameters() if one.requires_grad})


def check_layer_decay(blocks: int, layer_decay: float, model: str) -> None:
    """Reject a layer decay without effect.

    Args:
        blocks: the result of ``trained_blocks``, once weights that are not trained are frozen.

    Raises:
        UnsupportedModel: the trained weights are not in several consecutive blocks.
    """
    if layer_decay != 1 and blocks < 2:
        raise UnsupportedModel(
            f"--layer-decay has no effect on '{model}': its trained weights are not in several consecutive blocks.",
            "Leave --layer-decay out.",
        )


def warm_up_and_cosine(steps: int) -> Callable[[int], float]:
    """The factor of the learning rate at each step: linear warm-up to 1, then cosine decay to 0."""
    rise = max(1, int(steps * WARM_UP))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))

    return factor
