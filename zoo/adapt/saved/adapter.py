"""Adapters in the folder of a tuned model: peft's own files for the adapter, and a file of the new tensors.

``peft.PeftModel.from_pretrained(base, folder)`` reads the adapter. zoo reads its tensors and few figures of its
configuration only, because a configuration of peft can name files and modules to load.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.adapt.saved.names import ADAPTER, ADAPTER_CONFIG, WEIGHTS
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    import torch
    from torch import nn

    from zoo.adapt.training.adapters import Recipe
    from zoo.adapt.training.methods import Adapter
    from zoo.entities import ModelCard


def write(adapter: Adapter, base: ModelCard, revision: str | None, folder: Path) -> None:
    """Write the adapter and the new tensors; raises ``OSError`` or ``SafetensorError`` if that fails."""
    from safetensors.torch import save_file

    # The name of a model on the Hub lets peft find the base model; other ids are only for people.
    adapter.config.base_model_name_or_path = base.name if base.source == "hf" else base.id
    adapter.config.revision = revision
    adapter.config.save_pretrained(str(folder))
    save_file(dict(adapter.tensors), folder / ADAPTER, metadata={"format": "pt"})
    save_file(dict(adapter.new), folder / WEIGHTS, metadata={"format": "pt"})


def read(folder: Path, module: nn.Module, pretrained: nn.Module, backbone: object) -> str:
    """Give a module the adapter and the new tensors in a folder, the adapter merged unless it is virtual tokens.

    Args:
        module: the base model with a new head.
        pretrained: the pretrained part of it.
        backbone: the base model, which cuts its inputs earlier for virtual tokens.

    Returns:
        What does not fit the base model, in words; an empty text if all of it does.

    Raises:
        OSError, SafetensorError, ValueError: a file cannot be read.
        MissingExtra: peft is not installed.
    """
    import torch
    from safetensors.torch import load_file

    from zoo.adapt.training import adapters, prompts, targets

    tensors, new = load_file(folder / ADAPTER), load_file(folder / WEIGHTS)
    own = adapters.new_tensors(module, pretrained)
    wrong = sorted(n for n in own.keys() | new.keys() if n not in own or n not in new or own[n].shape != new[n].shape)
    if wrong:
        return f"its new tensors do not fit the base model at {wrong[0]}"
    recipe = _recipe(parse_json((folder / ADAPTER_CONFIG).read_text(encoding="utf-8")), tensors)
    core = targets.core_of(pretrained)
    lacking = [name for name in recipe.names if name not in dict(core.named_modules())]
    if lacking:
        return f"the base model has no module {lacking[0]}"
    wrapped = adapters.add(core, recipe)
    problem = adapters.fill(wrapped, tensors)
    if not problem:
        if recipe.virtual_tokens:
            prompts.put_in(pretrained, wrapped, recipe.virtual_tokens, backbone)
        else:
            wrapped.merge_and_unload()
        with torch.no_grad():
            for name, tensor in new.items():
                own[name].copy_(tensor)
    return problem


def _recipe(config: Any, tensors: Mapping[str, torch.Tensor]) -> Recipe:
    """The adapter by its configuration, with the layers that its tensors belong to.

    Raises:
        ValueError: zoo does not write such adapters.
    """
    from zoo.adapt.training.adapters import Recipe

    kind = str(config.get("peft_type")).lower() if isinstance(config, dict) else ""
    prompt = {"prompt_tuning": "prompt-tuning", "prefix_tuning": "prefix-tuning"}.get(kind)
    if prompt is not None:
        count = config.get("num_virtual_tokens")
        if type(count) is not int or count < 1:
            raise ValueError(f"{ADAPTER_CONFIG} has no valid number of virtual tokens")
        if any(one.shape[0] != count for one in tensors.values()):  # before memory is reserved for them
            raise ValueError(f"{ADAPTER_CONFIG} has another number of virtual tokens than the tensors")
        return Recipe(prompt, virtual_tokens=count)
    mark = {"lora": ".lora_", "ia3": ".ia3_"}.get(kind)
    if mark is None:
        raise ValueError(f"{ADAPTER_CONFIG} describes no adapter that zoo knows")
    shapes = {name.rpartition(mark)[0].removeprefix("base_model.model."): one.shape for name, one in tensors.items()}
    if kind == "ia3":
        # Factors of a linear layer's inputs are 1 x n, those of outputs n x 1; convolutions have those of outputs only.
        inputs = [name for name, shape in shapes.items() if len(shape) == 2 and shape[0] < shape[1]]
        return Recipe(kind, tuple(shapes), inputs=tuple(inputs))
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or type(alpha) is not int or rank < 1:
        raise ValueError(f"{ADAPTER_CONFIG} has no valid rank and alpha")
    if any(one.shape[0] != rank for name, one in tensors.items() if ".lora_A" in name):
        raise ValueError(f"{ADAPTER_CONFIG} has a rank that is not that of the tensors")
    return Recipe("dora" if config.get("use_dora") is True else "lora", tuple(shapes), rank=rank, alpha=alpha)
