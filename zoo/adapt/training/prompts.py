"""Prompt and prefix tuning: trained vectors before each input of a frozen transformer.

Prompt tuning trains embeddings of virtual tokens (Lester, Al-Rfou and Constant, "The power of scale for
parameter-efficient prompt tuning", 2021); prefix tuning trains keys and values of virtual tokens in each attention
layer (Li and Liang, "Prefix-tuning", 2021). The forward passes are those of peft.
"""

from __future__ import annotations

import inspect
import math
import warnings
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from torch import nn

from zoo.adapt.training import targets
from zoo.adapt.training.adapters import PROMPT, copy_of
from zoo.adapt.training.methods import Adapter, Attached
from zoo.errors import UnsupportedModel

if TYPE_CHECKING:
    from zoo.adapt.training.adapters import PROMPT, copy_of
    from zoo.contract.backbone import Backbone


@runtime_checkable
class Truncates(Protocol):
    """A backbone that cuts long inputs.

    Attributes:
        max_tokens: length that ``preprocess`` cuts inputs to.
    """

    max_tokens: int


class Prompted(nn.Module):
    """A transformers model with virtual tokens before its inputs, which its outputs lack again."""

    def __init__(self, wrapped: Any, virtual_tokens: int) -> None:
        super().__init__()
        self.wrapped = wrapped
        self._virtual = virtual_tokens

    @property
    def config(self) -> Any:
        """The configuration of the transformers model."""
        return self.wrapped.config

    def forward(self, **batch: Any) -> Any:
        """The transformers model's outputs for the real tokens, batch x tokens x d."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft and transformers on arguments that they pass to each other
            outputs = self.wrapped(**batch)
        if outputs.last_hidden_state.shape[1] == batch["attention_mask"].shape[1]:
            return outputs
        outputs["last_hidden_state"] = outputs.last_hidden_state[:, self._virtual :]
        if outputs.get("hidden_states") is not None:
            outputs["hidden_states"] = tuple(states[:, self._virtual :] for states in outputs.hidden_states)
        return outputs


class PromptedModel(Attached):
    """A module whose frozen transformer gets virtual tokens from ``begin`` on."""

    def __init__(
        self, module: nn.Module, pretrained: nn.Module, wrapped: Any, virtual_tokens: int, backbone: Backbone
    ) -> None:
        super().__init__(module, {"virtual_tokens": virtual_tokens})
        self._pretrained, self._wrapped, self._backbone = pretrained, wrapped, backbone
        self._virtual = virtual_tokens
        self._max_tokens: int | None = None
        self.trained += sum(parameter.numel() for parameter in wrapped.prompt_encoder.parameters())

    def begin(self) -> bool:
        """Put the virtual tokens before the inputs, which are cut that much earlier from here on."""
        self._max_tokens = put_in(self._pretrained, self._wrapped, self._virtual, self._backbone)
        return True

    def adapter(self) -> Adapter:
        """Copies of the virtual tokens and of the other new tensors."""
        return copy_of(self.module, self._pretrained, self._wrapped)

    def release(self) -> None:
        """Cut inputs where they were cut before ``begin``."""
        if self._max_tokens is not None and isinstance(self._backbone, Truncates):
            self._backbone.max_tokens = self._max_tokens


def check(pretrained: nn.Module, strategy: str, virtual_tokens: int, backbone: Backbone) -> None:
    """Check that virtual tokens can be put before the inputs of a model.

    Raises:
        UnsupportedModel: it is not a transformer over tokens, or leaves no space for them.
    """
    core, model = targets.core_of(pretrained), backbone.card.id
    inputs = inspect.signature(core.forward).parameters
    needed = {"inputs_embeds"} if strategy == PROMPT else {"past_key_values", "cache"}
    if (
        not targets.is_transformers(core)
        or core is pretrained
        or any(isinstance(module, Prompted) for module in pretrained.modules())
        or getattr(core, "main_input_name", "") != "input_ids"
        or needed.isdisjoint(inputs)
    ):
        raise UnsupportedModel(
            f"'{model}' cannot be adapted by {strategy}: it is not a text encoder or decoder of transformers that "
            "takes virtual tokens.",
            "Adapt its layers: --strategy lora",
        )
    positions = getattr(core.config, "max_position_embeddings", None) or math.inf
    longest = min(positions, backbone.max_tokens if isinstance(backbone, Truncates) else math.inf)
    if longest <= 2 * virtual_tokens:
        raise UnsupportedModel(
            f"{virtual_tokens:,} virtual tokens leave too little of the {longest:,} tokens of '{model}'.",
            "Choose fewer --virtual-tokens.",
        )


def put_in(pretrained: nn.Module, wrapped: Any, virtual_tokens: int, backbone: object) -> int | None:
    """Put virtual tokens before the inputs of the transformers model in a module.

    Returns:
        The number of tokens that the backbone cut its inputs to so far; None if it does not cut them.
    """
    core, prompted = targets.core_of(pretrained), Prompted(wrapped, virtual_tokens)
    owners = [(module, name) for module in pretrained.modules() for name, one in module.named_children() if one is core]
    for owner, name in owners:
        owner._modules[name] = prompted
    if not isinstance(backbone, Truncates):
        return None
    before, backbone.max_tokens = backbone.max_tokens, backbone.max_tokens - virtual_tokens
    return before
