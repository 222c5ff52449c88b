"""Which part of a module is trained: everything, its last blocks, or its head; adapters are in ``adapters``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from zoo.errors import UnsupportedModel

KEPT = 2 / 3
"""Fraction of the blocks, from the input on, that partial fine-tuning freezes."""


@dataclass(frozen=True)
class Adapter:
    """A trained adapter, apart from the model.

    Attributes:
        config: peft's configuration.
        tensors: by peft's names.
        new: the other trained tensors, which the pretrained part lacks, such as the head, by their names in the module.
    """

    config: Any
    tensors: Mapping[str, torch.Tensor]
    new: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Attached:
    """A module prepared for training.

    Attributes:
        module: the module to train; frozen parameters have no gradient.
        trained: number of trained parameters.
        details: further figures for the record of the run.
    """

    def __init__(self, module: nn.Module, details: Mapping[str, Any] | None = None) -> None:
        self.module, self.details = module, dict(details or {})
        self.trained = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)

    def begin(self) -> bool:
        """Called after the head was initialised; whether inputs are preprocessed differently from here on."""
        return False

    def adapter(self) -> Adapter | None:
        """Copies of what was trained besides the pretrained weights; None if those were trained themselves."""
        return None

    def merged(self) -> nn.Module:
        """The trained module, with adapters merged into its weights, but for virtual tokens."""
        return self.module

    def release(self) -> None:
        """Undo what was changed besides the structure and the weights of the pretrained module."""


Method = Callable[[nn.Module, nn.Module, str], Attached]
"""Function of the module, of the pretrained part of it, and of the model's id."""


def everything(module: nn.Module, pretrained: nn.Module, model: str) -> Attached:
    """Every weight."""
    return Attached(module)


def last_blocks(module: nn.Module, pretrained: nn.Module, model: str) -> Attached:
    """The last third of the pretrained blocks, the layers after them, and the new head; all layers before are frozen.

    Raises:
        UnsupportedModel: the model is not a sequence of blocks.
    """
    blocks = blocks_of(pretrained)
    if blocks is None:
        raise UnsupportedModel(
            f"'{model}' is not a sequence of blocks, so none of them can be frozen.",
            "Train all weights, or only a head: --strategy full, --strategy linear-probe",
        )
    children = list(blocks)
    kept = max(1, round(len(children) * KEPT))
    first = {id(parameter) for child in children[:kept] for parameter in child.parameters()}
    inside = {id(parameter) for parameter in blocks.parameters()}
    seen = False
    for parameter in pretrained.parameters():
        seen = seen or id(parameter) in inside
        # Parameters come in the order of the forward pass: those before any block are embeddings or a stem.
        if id(parameter) in first or not seen:
            parameter.requires_grad_(False)
    return Attached(module)


def head_alone(module: nn.Module, pretrained: nn.Module, model: str) -> Attached:
    """The new head; all pretrained weights are frozen.

    Raises:
        UnsupportedModel: there is no new head.
    """
    for parameter in pretrained.parameters():
        parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise UnsupportedModel(
            f"'{model}' gets no new head for this task, so there is nothing to train but its own weights.",
            "Train them: --strategy full, --strategy lora",
        )
    return Attached(module)


def blocks_of(module: nn.Module) -> nn.ModuleList | nn.Sequential | None:
    """The sequence of blocks with most of a module's weights, or None if no sequence has a tenth of them.

    A list of two, such as the layers of a small transformer, counts where no longer sequence has a tenth.
    """
    total = sum(parameter.numel() for parameter in module.parameters())
    rows = [
        child
        for child in module.modules()
        if isinstance(child, (nn.ModuleList, nn.Sequential))
        and all(block is not None for block in child)  # some networks have placeholders for blocks that they lack
        and sum(parameter.numel() for parameter in child.parameters()) * 10 >= total
    ]
    blocks = [sum(any(True for _ in block.parameters()) for block in row) for row in rows]
    longer = [row for row, count in zip(rows, blocks, strict=True) if count > 2]
    pairs = [row for row, count in zip(rows, blocks, strict=True) if count == 2 and isinstance(row, nn.ModuleList)]
    return max(longer or pairs, key=lambda row: sum(one.numel() for one in row.parameters()), default=None)


class Borrowed:
    """A pretrained module while it is trained; see ``borrowed``.

    Attributes:
        original: its tensors by name, as they were.
    """

    def __init__(self, pretrained: nn.Module) -> None:
        self._pretrained = pretrained
        self._attached: list[Attached] = []
        self._structure = [(module, dict(module._modules)) for module in pretrained.modules()]
        self.original = {name: tensor.detach().clone() for name, tensor in pretrained.state_dict().items()}

    def attach(self, method: Method, module: nn.Module, model: str) -> Attached:
        """Prepare ``module``, which contains the pretrained one, for training."""
        attached = method(module, self._pretrained, model)
        self._attached.append(attached)
        return attached

    def release(self) -> None:
        """Restore the original structure, also if adapters were added only in part."""
        for attached in self._attached:
            attached.release()
        for module, children in self._structure:
            module._modules.clear()
            module._modules.update(children)
            # The configuration that peft leaves behind.
            module.__dict__.pop("peft_config", None)


@contextmanager
def borrowed(pretrained: nn.Module) -> Iterator[Borrowed]:
    """Allow training of a pretrained module inside the block; it is restored afterwards, even after an error."""
    flags = frozen_flags(pretrained)
    inside = Borrowed(pretrained)
    try:
        yield inside
    finally:
        inside.release()
        restore_flags(pretrained, flags)
        pretrained.load_state_dict(inside.original)
        pretrained.eval()  # as every model is loaded


def train_mode(module: nn.Module, *, keep_statistics: bool = False) -> None:
    """Set training mode for all layers except frozen ones that would change their own buffers.

    With ``keep_statistics``, batch normalisation keeps its running statistics where its weights are trained, too.

    Those are mainly the running statistics of batch normalisation, which belong to the frozen weights.
    Dropout stays active in frozen layers too: it regularises the layers trained above them.
    """
    module.train()
    first = next(module.parameters(), None)
    # Layers come in the order of the forward pass; one without parameters belongs to what comes before it.
    frozen = first is not None and not first.requires_grad
    for layer in module.modules():
        own = list(layer.parameters(recurse=False))
        if own:
            frozen = not any(parameter.requires_grad for parameter in own)
        if (frozen and _changes_buffers(layer)) or (keep_statistics and is_batch_norm(layer)):
            layer.training = False


def _changes_buffers(layer: nn.Module) -> bool:
    """Whether a layer has buffers that it may change in training: a normalisation, or any layer without parts."""
    if not any(True for _ in layer.buffers(recurse=False)):
        return False
    return isinstance(layer, nn.modules.batchnorm._NormBase) or not any(True for _ in layer.children())


def is_batch_norm(module: nn.Module) -> bool:
    """Whether a module normalises by statistics of the batches that it was trained on."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm) and bool(module.track_running_stats)


@contextmanager
def fresh_statistics(module: nn.Module) -> Iterator[Callable[[], None]]:
    """Return a function that makes batch normalisation use the plain mean over the batches.

    Running averages lag behind weights after few steps, so that the model would be evaluated and used with statistics
    of earlier weights (Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021, who use a separate pass). Layers in
    evaluation mode keep theirs.
    """
    layers: list[Any] = [layer for layer in module.modules() if is_batch_norm(layer) and layer.training]
    momenta = [layer.momentum for layer in layers]

    def begin() -> None:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean

    try:
        yield begin
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def check_statistics(module: nn.Module) -> None:
    """Reject layers in training mode that estimate statistics from the batches, of which each device sees a part.

    Raises:
        UnsupportedModel: there are such layers.
    """
    kinds = nn.modules.batchnorm._NormBase
    if any(isinstance(layer, kinds) and layer.training and layer.track_running_stats for layer in module.modules()):
        raise UnsupportedModel(
            "Batch normalisation would estimate its statistics from a part of each batch on several devices.",
            "Keep its pretrained statistics with a fitted head (--head probe), or leave --devices out.",
        )


def frozen_flags(module: nn.Module) -> dict[str, bool]:
    """Which parameters have a gradient, by name."""
    return {name: parameter.requires_grad for name, parameter in module.named_parameters()}


def restore_flags(module: nn.Module, flags: dict[str, bool]) -> None:
    """Restore them as ``frozen_flags`` found them."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(flags.get(name, True))


def half_precision(device: str) -> Any:
    """Automatic mixed precision in bfloat16 on CUDA devices that support it; no effect elsewhere."""
    gains = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    return torch.autocast("cuda" if gains else "cpu", dtype=torch.bfloat16, enabled=gains)


def changing(module: nn.Module) -> dict[str, torch.Tensor]:
    """The state of a module without its frozen weights: few tensors, if it has an adapter."""
    frozen = {name for name, one in module.named_parameters(remove_duplicate=False) if not one.requires_grad}
    return {name: tensor for name, tensor in module.state_dict().items() if name not in frozen}
