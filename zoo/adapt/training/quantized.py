"""QLoRA: LoRA on linear layers whose weights are held in 4 bits while it is trained.

Dettmers, Pagnoni, Holtzman and Zettlemoyer, "QLoRA: efficient finetuning of quantized LLMs", 2023: NormalFloat-4 with
double quantisation, by bitsandbytes on a CUDA GPU. The adapter is saved, tested and used on the model's own weights.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zoo.adapt.training import targets
from zoo.adapt.training.adapters import Adapted, Recipe, add, fill
from zoo.adapt.training.methods import Adapter
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping


class Quantized(Adapted):
    """A module whose pretrained part has 4-bit linear layers with an adapter."""

    def __init__(
        self,
        module: nn.Module,
        pretrained: nn.Module,
        recipe: Recipe,
        device: str,
        details: Mapping[str, Any],
    ) -> None:
        self._core, self._recipe, self._device = targets.core_of(pretrained), recipe, device
        self._replaced: list[tuple[nn.Module, str, nn.Module]] = []
        self._quantize()
        super().__init__(module, pretrained, add(self._core, recipe), details)

    def merged(self) -> nn.Module:
        """The module with the adapter merged into its own weights, instead of their 4-bit approximations."""
        adapter: Adapter = self.adapter()
        self.release()
        wrapped = add(self._core, self._recipe)
        fill(wrapped, adapter.tensors)
        wrapped.merge_and_unload()
        return self.module

    def release(self) -> None:
        """Put the model's own linear layers back."""
        for owner, name, layer in self._replaced:
            owner._modules[name] = layer.to(self._device)
        self._replaced.clear()
        self._core.__dict__.pop("is_loaded_in_4bit", None)

    def _quantize(self) -> None:
        from bitsandbytes.nn import Linear4bit, Params4bit

        for owner in list(self._core.modules()):
            for name, layer in list(owner.named_children()):
                if type(layer) is not nn.Linear:
                    continue
                small = Linear4bit(
                    layer.in_features,
                    layer.out_features,
                    bias=layer.bias is not None,
                    compute_dtype=torch.bfloat16,
                    quant_type="nf4",
                )
                weight = layer.weight.detach().to("cpu", copy=True)
                small.weight = Params4bit(weight, requires_grad=False, compress_statistics=True, quant_type="nf4")
                if layer.bias is not None:
                    small.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=False)
                self._replaced.append((owner, name, layer.to("cpu")))
                owner._modules[name] = small.to(self._device)  # which quantises the weights
        # peft asks the model, not its layers.
        self._core.__dict__["is_loaded_in_4bit"] = True


def check_available(device: str) -> None:
    """Check that weights can be quantised.

    Raises:
        InvalidInput: there is no CUDA GPU, or no bitsandbytes.
    """
    if not device.startswith("cuda") or not torch.cuda.is_available() or find_spec("bitsandbytes") is None:
        raise InvalidInput(
            "--strategy qlora needs a CUDA GPU and the package bitsandbytes, which are not both available here.",
            "Use --strategy lora, or on a CUDA GPU: pip install bitsandbytes",
        )
