"""Adapters of the library peft: added to a frozen model, trained, saved apart from it, and merged into its weights."""

from __future__ import annotations

import contextlib
import copy
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from zoo.adapt.training import targets
from zoo.adapt.training.methods import Adapter, Attached
from zoo.errors import needs_extra

PROMPT, PREFIX = "prompt-tuning", "prefix-tuning"

DROPOUT = 0.05
"""Dropout before LoRA's matrices, in training."""


@dataclass(frozen=True)
class Recipe:
    """What an adapter consists of.

    Attributes:
        kind: ``lora``, ``dora`` (LoRA with trained magnitudes), ``ia3``, ``prompt-tuning`` or ``prefix-tuning``.
        names: the adapted layers, relative to ``targets.core_of``.
        inputs: those of them whose inputs (IA)^3 scales, instead of their outputs.
        rank, alpha: of LoRA.
        virtual_tokens: of prompt and prefix tuning.
    """

    kind: str
    names: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    rank: int = 0
    alpha: int = 0
    virtual_tokens: int = 0


class Adapted(Attached):
    """A module whose pretrained part has an adapter."""

    def __init__(self, module: nn.Module, pretrained: nn.Module, wrapped: Any, details: Mapping[str, Any]) -> None:
        super().__init__(module, details)
        self._pretrained, self._wrapped = pretrained, wrapped

    def adapter(self) -> Adapter:
        """Copies of the adapter and of the other new tensors."""
        return copy_of(self.module, self._pretrained, self._wrapped)

    def merged(self) -> nn.Module:
        """The module in its original structure, with the adapter merged into its weights."""
        self._wrapped.merge_and_unload()
        return self.module


def add(core: nn.Module, recipe: Recipe) -> Any:
    """Add a new adapter to a module in place; returns peft's wrapper of the module."""
    with needs_extra("lora", "train adapters"):
        import peft

    if recipe.virtual_tokens:
        with _without_warnings():
            return peft.get_peft_model(core, _virtual(recipe.kind, recipe.virtual_tokens))
    # With a task, peft loads the adapter as that of a transformers model.
    task = "FEATURE_EXTRACTION" if targets.is_transformers(core) else None
    chosen = targets.exactly(core, recipe.names)
    config: Any
    if recipe.kind == "ia3":
        inputs = "|".join(map(re.escape, recipe.inputs)) if isinstance(chosen, str) else list(recipe.inputs)
        config = peft.IA3Config(task_type=task, target_modules=chosen, feedforward_modules=inputs)
    else:
        config = peft.LoraConfig(
            task_type=task,
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=DROPOUT,
            target_modules=chosen,
            use_dora=recipe.kind == "dora",
        )
    with _without_warnings():
        wrapped = peft.get_peft_model(core, config)
    # peft may abbreviate the list to name ends that other modules of the complete model have too.
    config.target_modules = chosen
    return wrapped


def _virtual(kind: str, virtual_tokens: int) -> Any:
    """peft's configuration; virtual tokens start as real ones, prefixes at zero."""
    import peft

    task = "FEATURE_EXTRACTION"
    if kind == PREFIX:
        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=virtual_tokens, init_weights="zero")
    return peft.PromptTuningConfig(task_type=task, num_virtual_tokens=virtual_tokens, prompt_tuning_init="SAMPLE_VOCAB")


def fill(wrapped: Any, tensors: Mapping[str, torch.Tensor]) -> str:
    """Give an adapter the values of saved tensors; returns what does not fit, in words, or an empty text."""
    import peft

    own = {name: tuple(tensor.shape) for name, tensor in _tensors(wrapped).items()}
    other = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(name for name in own.keys() | other.keys() if own.get(name) != other.get(name))
    if wrong:
        return f"its adapter does not fit the base model at {wrong[0]}"
    with _without_warnings():
        peft.set_peft_model_state_dict(wrapped, dict(tensors))
    return ""


def copy_of(module: nn.Module, pretrained: nn.Module, wrapped: Any) -> Adapter:
    """Copies of an adapter and of the tensors of a module that its pretrained part lacks."""
    config = copy.copy(wrapped.peft_config["default"])
    config.inference_mode = True
    return Adapter(config, _copies(_tensors(wrapped)), _copies(new_tensors(module, pretrained)))


def new_tensors(module: nn.Module, pretrained: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and saved buffers of a module that its pretrained part lacks, by name."""
    own = {id(tensor) for tensor in (*pretrained.parameters(), *pretrained.buffers())}
    named = (*module.named_parameters(), *module.named_buffers())
    saved = module.state_dict().keys()
    return {name: tensor for name, tensor in named if id(tensor) not in own and name in saved}


def _tensors(wrapped: Any) -> dict[str, torch.Tensor]:
    import peft

    with _without_warnings():
        # Otherwise peft asks the Hub whether the vocabulary was changed.
        found: dict[str, torch.Tensor] = peft.get_peft_model_state_dict(wrapped, save_embedding_layers=False)
    return found


def _copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
