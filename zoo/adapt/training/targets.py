"""Which layers of a model get an adapter, by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from torch import nn

from zoo.errors import InvalidInput, UnsupportedModel, suggest

AUTO, ATTENTION, ALL_LINEAR = "auto", "attention", "all-linear"

_ATTENTION = re.compile(r"attention|attn", re.IGNORECASE)


def core_of(pretrained: nn.Module) -> nn.Module:
    """The part of a pretrained module that adapters are added to: its transformers model, or the module itself.

    An adapter's names are relative to it, so that peft loads the adapter into the same model of transformers.
    """
    total = sum(parameter.numel() for parameter in pretrained.parameters())
    for module in pretrained.modules():
        if is_transformers(module) and 10 * sum(one.numel() for one in module.parameters()) >= 9 * total:
            return module
    return pretrained


def is_transformers(module: nn.Module) -> bool:
    """Whether a module is a model of transformers."""
    return any(kind.__name__ == "PreTrainedModel" for kind in type(module).__mro__)


def find(
    core: nn.Module,
    wanted: str,
    usual: Sequence[str] | None,
    model: str,
    convolutions: Collection[type[nn.Module]] = (nn.Conv1d, nn.Conv2d),
) -> list[str]:
    """Names of the layers to adapt, in the order of the modules.

    Args:
        wanted: ``auto``, ``attention``, ``all-linear``, or comma-separated names of modules or their last parts.
            ``auto`` means ``usual``, else all linear layers, or in convolutional networks the 1x1
            convolutions (all, if there is none).
        usual: last parts of the names in architectures that peft knows; None for others.
        model: the model's id, for the messages.
        convolutions: the types that the adapter supports.

    Raises:
        UnsupportedModel: it has no such layers.
        InvalidInput: a name is not that of a layer that can be adapted.
    """
    linear = {name: layer for name, layer in core.named_modules() if _is_linear(layer)}
    other = {name: layer for name, layer in core.named_modules() if type(layer) in convolutions and layer.groups == 1}
    if wanted == AUTO:
        chosen = [name for name in linear if usual is not None and matches(name, usual)]
        if not chosen and _is_convolutional(core):
            # The linear layers of such networks are their classifiers, which features do not use.
            chosen = [name for name, layer in other.items() if _is_pointwise(layer)] or list(other)
        chosen = chosen or list(linear)
        if not chosen:
            raise UnsupportedModel(
                f"'{model}' has no linear layers and no convolutions for an adapter.",
                "Train all weights, or only a head: --strategy full, --strategy linear-probe",
            )
        return chosen
    if wanted in {ATTENTION, ALL_LINEAR}:
        chosen = [name for name in linear if wanted == ALL_LINEAR or _in_attention(core, name)]
        if not chosen:
            what = "linear layers" if wanted == ALL_LINEAR else "linear layers in attention modules"
            raise UnsupportedModel(f"'{model}' has no {what} to adapt.", "Choose others: --targets auto")
        return chosen
    adaptable = {**linear, **other}
    chosen = []
    for part in (name.strip() for name in wanted.split(",")):
        found = [name for name in adaptable if matches(name, (part,))]
        if not part or not found:
            ends = {name.rpartition(".")[2] for name in adaptable}
            raise InvalidInput(
                f"'{model}' has no linear layer or convolution called '{part}' for --targets.",
                f"{suggest(part, ends)} Names there: {', '.join(sorted(ends)[:12])}.".strip(),
            )
        chosen += found
    return [name for name in adaptable if name in set(chosen)]


def matches(name: str, ends: Collection[str]) -> bool:
    """Whether a module's name is one of ``ends``, or ends with a dot and one of them."""
    return any(name == end or name.endswith(f".{end}") for end in ends)


def exactly(core: nn.Module, names: Sequence[str]) -> list[str] | str:
    """Module names as peft's ``target_modules``: a list, or an expression if a name of the list is the end of others.

    peft also takes the modules whose names end with a name of the list, such as ``blocks.0.fc`` for ``0.fc``.
    """
    wanted = set(names)
    if any(name not in wanted and matches(name, wanted) for name, _ in core.named_modules()):
        return "|".join(map(re.escape, names))
    return list(names)


def size_of_rank(core: nn.Module, names: Sequence[str]) -> int:
    """How many numbers LoRA adds for each rank, in all layers of these names."""
    return sum(sum(sides) for sides in _sides(core, names))


def highest_rank(core: nn.Module, names: Sequence[str]) -> int:
    """The highest rank of the weights of these layers, as matrices: above it LoRA has more numbers than they."""
    return max(min(sides) for sides in _sides(core, names))


def _sides(core: nn.Module, names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Rows and columns of each layer's weight, as a matrix from its inputs to its outputs."""
    for name in names:
        weight = core.get_submodule(name).weight
        assert isinstance(weight, nn.Parameter)
        yield weight.shape[0], weight.shape[1:].numel()


def usual_names(core: nn.Module, known: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """The entry of a table by types of transformers models; None for types that it lacks, and other modules."""
    return known.get(str(getattr(getattr(core, "config", None), "model_type", "")))


def _is_linear(layer: nn.Module) -> bool:
    # GPT-2's layers of this name are linear, with the transposed weight. Subclasses of ``Linear`` may not be called.
    kind = type(layer)
    return kind is nn.Linear or (kind.__name__ == "Conv1D" and kind.__module__.startswith("transformers."))


def _is_pointwise(layer: nn.Module) -> bool:
    return set(layer.kernel_size) == {1}  # type: ignore[arg-type]


def _is_convolutional(core: nn.Module) -> bool:
    """Whether a module has more convolutions than linear layers."""
    layers = list(core.modules())
    linear, convolutions = (
        sum(isinstance(layer, kinds) for layer in layers) for kinds in (nn.Linear, (nn.Conv1d, nn.Conv2d))
    )
    return convolutions > linear


def _in_attention(core: nn.Module, name: str) -> bool:
    """Whether a layer is in a module that is called attention, or whose class is."""
    parts = name.split(".")
    owners = [core.get_submodule(".".join(parts[:end])) for end in range(1, len(parts))]
    return bool(_ATTENTION.search(name)) or any(_ATTENTION.search(type(owner).__name__) for owner in owners)
