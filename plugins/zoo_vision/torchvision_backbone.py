"""Backbones of torchvision: packaged checkpoints in torchvision's own layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("vision", "load models of torchvision"):
    import torch
    from torch import nn
    from torchvision.models import get_model, list_models
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from zoo_vision import weights
from zoo_vision.image_backbone import POOLED, ImageBackbone, Trunk, averaged, imagenet_classes
from zoo_vision.image_recipe import ByteRecipe

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

_PROBE = (1, 3, 64, 64)


class TorchvisionTrunk(Trunk):
    """A torchvision classifier without its last linear layer.

    Its depths are the last layers before the resolution is halved: children of ``features`` (MobileNet, EfficientNet,
    ConvNeXt, VGG), or ``layer1``... (ResNet).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        name, linear = next(
            (name, module) for name, module in reversed(list(network.named_modules())) if isinstance(module, nn.Linear)
        )
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, nn.Identity())
        self.classifier = linear
        self.embedding_dimension = linear.in_features
        self._stages = _stages(network)
        self.layers = (*(f"stage{number}" for number in range(1, len(self._stages) + 1)), POOLED)

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Features of several layers from one forward pass."""
        found: dict[str, torch.Tensor] = {}
        hooks = [
            self.network.get_submodule(self._stages[int(layer.removeprefix("stage")) - 1]).register_forward_hook(
                _keeper(found, layer)
            )
            for layer in layers
            if layer != POOLED
        ]
        try:
            found[POOLED] = self.network(pixels)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def classified(self, pooled: torch.Tensor) -> torch.Tensor | None:
        """The classifier's outputs from pooled features."""
        return self.classifier(pooled)

    def logits(self, pixels: torch.Tensor) -> torch.Tensor | None:
        """Outputs of the classifier in the checkpoint."""
        return self.classifier(self.network(pixels))


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageBackbone:
    """The backbone of a checkpoint whose card names ``architecture``, ``weights`` and ``outputs`` in ``loader``.

    The card's ``input`` has the preprocessing: ``size``, ``resize`` (a shorter side, or height and width),
    ``interpolation``, ``mean``, ``std``.

    Raises:
        UnsupportedModel: the architecture is not one of torchvision's, or the weights do not fit it.
    """
    architecture = str(card.loader.get("architecture", ""))
    if card.loader.get("weights") and architecture.startswith(("deeplabv3", "fcn")):
        from zoo_vision.segmentation.torchvision import is_segmenter
        from zoo_vision.segmentation.torchvision import load as load_segmenter

        if is_segmenter(architecture):
            return load_segmenter(card, files, device, dtype)
    if architecture not in list_models() or not card.loader.get("weights"):
        raise UnsupportedModel(
            f"The card of '{card.id}' does not name an architecture of torchvision and a file of weights.",
            "Its 'loader' needs 'architecture', as torchvision.models.list_models() names it, and 'weights'.",
        )
    network = get_model(architecture, weights=None, num_classes=int(card.loader.get("outputs", 1000)))
    weights.put_into(network, weights.read_state(files.path(str(card.loader["weights"])), card.id), card.id)
    classes = imagenet_classes() if card.loader.get("classes") == "imagenet-1k" else ()
    return ImageBackbone(
        card, TorchvisionTrunk(network), _recipe(card.input), device=device, dtype=dtype, classes=classes
    )


def _recipe(values: Mapping[str, Any]) -> ByteRecipe:
    height, width = values["size"]
    resize = values["resize"]
    mode = InterpolationMode(values["interpolation"])
    geometry = Compose(
        [Resize(list(resize) if not isinstance(resize, int) else resize, mode), CenterCrop((height, width))]
    )
    return ByteRecipe(geometry, (height, width), values["mean"], values["std"])


def _stages(network: nn.Module) -> list[str]:
    """Names of the modules whose output is the last of its resolution."""
    children = list(getattr(network, "features", nn.Sequential()).named_children())
    if not children:
        return [name for name, _ in network.named_children() if name.startswith("layer")]
    sizes: list[tuple[str, torch.Size]] = []
    hooks = [module.register_forward_hook(_sizer(sizes, f"features.{name}")) for name, module in children]
    training = network.training
    with torch.inference_mode():
        network.eval()(torch.zeros(_PROBE))
    network.train(training)
    for hook in hooks:
        hook.remove()
    following = [size for _, size in sizes[1:]] + [None]
    return [
        name for (name, size), after in zip(sizes, following, strict=True) if after is None or after[2:] != size[2:]
    ]


def _sizer(sizes: list[tuple[str, torch.Size]], name: str) -> Any:
    def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        sizes.append((name, output.shape))

    return keep


def _keeper(found: dict[str, torch.Tensor], layer: str) -> Any:
    def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        found[layer] = averaged(output)

    return keep
