"""A new linear head on a pretrained module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from zoo.errors import InvalidInput

Features = Callable[[Any, Any], torch.Tensor]
"""A function that returns the features of a batch, batch x d, from the pretrained module and the batch."""


class HeadedModel(nn.Module):
    """A pretrained module under a new linear layer, for training: maps a collated batch to batch x outputs.

    Args:
        pretrained: returns features, batch x d, for a batch, unless ``features`` does.
        dimension: d.
        outputs: number of classes, or of numbers.
        features: computes the head's inputs, if they are not what ``pretrained`` returns.
        dropout: probability of dropping a feature in training.
        names: attributes for the pretrained part and the linear layer, under which their weights are saved.
    """

    def __init__(
        self,
        pretrained: nn.Module,
        dimension: int,
        outputs: int,
        *,
        features: Features | None = None,
        dropout: float = 0.0,
        names: tuple[str, str] = ("encoder", "linear"),
    ) -> None:
        super().__init__()
        self._names, self._features = names, features
        self.add_module(names[0], pretrained)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.add_module(names[1], nn.Linear(dimension, outputs))

    def forward(self, batch: Any) -> torch.Tensor:
        """Logits of classes, or numbers."""
        pretrained, linear = (self.get_submodule(name) for name in self._names)
        found = pretrained(batch) if self._features is None else self._features(pretrained, batch)
        weight: torch.Tensor = linear.weight  # type: ignore[assignment]
        outputs: torch.Tensor = linear(self.dropout(found).to(weight.dtype))
        return outputs


def with_head(
    pretrained: nn.Module,
    dimension: int,
    outputs: int,
    *,
    task: Any,
    device: torch.device | str,
    features: Features | None = None,
    dropout: float = 0.0,
    names: tuple[str, str] = ("encoder", "linear"),
) -> HeadedModel:
    """A new ``HeadedModel`` on a device; see there for the arguments.

    Args:
        task: the task, for the message.

    Raises:
        InvalidInput: fewer than one output.
    """
    if outputs < 1:
        raise InvalidInput(f"A head for '{task}' needs at least one output, not {outputs}.")
    return HeadedModel(pretrained, dimension, outputs, features=features, dropout=dropout, names=names).to(device)
