"""Backbones of timm: packaged checkpoints by their card, and folders with timm's ``config.json``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("vision", "load models of timm"):
    import timm
    import torch
    from PIL import Image
    from timm.data.config import resolve_data_config
    from timm.data.transforms_factory import create_transform
    from torchvision.transforms import Compose

from zoo.untrusted import parse_json
from zoo_vision import weights
from zoo_vision.image_backbone import POOLED, ImageBackbone, Trunk, averaged, imagenet_classes
from zoo_vision.image_recipe import ByteRecipe

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class TimmTrunk(Trunk):
    """A timm network without its classifier; depths are those that timm lists for it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        signature = inspect.signature(network.forward_intermediates) if _has_depths(network) else None
        self._tokens = signature is not None and "return_prefix_tokens" in signature.parameters
        self._depths = len(network.feature_info) if signature else 0
        self._prefix = int(getattr(network, "num_prefix_tokens", 0)) if self._tokens else 0
        self._has_cls = self._prefix > 0 and getattr(network, "cls_token", None) is not None
        numbers = range(1, self._depths + 1)
        if self._tokens:
            poolings = ("cls", "mean") if self._has_cls else ("mean",)
            depths = [f"block{number}.{pooling}" for number in numbers for pooling in poolings]
        else:
            depths = [f"stage{number}" for number in numbers]
        self.layers = (*depths, POOLED)
        self.embedding_dimension = int(getattr(network, "head_hidden_size", None) or network.num_features)

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Features of several layers; depths are the outputs of their stage or block."""
        wanted = [layer for layer in layers if layer != POOLED]
        if not wanted:
            return {POOLED: self._pooled(self.network.forward_features(pixels))}
        indices = sorted({_number(layer) - 1 for layer in wanted})
        options: dict[str, Any] = {"return_prefix_tokens": True, "output_fmt": "NLC"} if self._tokens else {}
        if POOLED in layers:
            last, states = self.network.forward_intermediates(pixels, indices=indices, **options)
            found = {POOLED: self._pooled(last)}
        else:
            options["stop_early"] = True
            states = self.network.forward_intermediates(pixels, indices=indices, intermediates_only=True, **options)
            found = {}
        by_depth = dict(zip(indices, states, strict=True))
        return found | {layer: self._vector(by_depth[_number(layer) - 1], layer) for layer in wanted}

    def logits(self, pixels: torch.Tensor) -> torch.Tensor | None:
        """Outputs of the classifier in the checkpoint; None if it has none."""
        return self.network(pixels) if self.network.num_classes > 0 else None

    def classified(self, pooled: torch.Tensor) -> torch.Tensor | None:
        """The classifier's outputs from pooled features; None for networks with two classifiers or a convolution."""
        classifier = self.network.get_classifier() if self.network.num_classes > 0 else None
        return classifier(pooled) if isinstance(classifier, torch.nn.Linear) else None

    def _pooled(self, states: torch.Tensor) -> torch.Tensor:
        return self.network.forward_head(states, pre_logits=True)

    def _vector(self, state: Any, layer: str) -> torch.Tensor:
        if self._prefix:
            patches, prefix = state
            return prefix[:, 0] if layer.endswith(".cls") else averaged(patches)
        return averaged(state)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageBackbone:
    """The backbone of a timm checkpoint.

    A card whose ``loader`` has ``architecture``, ``weights`` and, for checkpoints of other implementations,
    ``mapping: "order"`` is sufficient; otherwise the folder's ``config.json`` is used.

    Raises:
        UnsupportedModel: the architecture is not one of timm's, or the weights do not fit it.
    """
    # Cards of folders name the architecture too, but only the folder describes its classifier.
    packaged = "architecture" in card.loader and not files.path("config.json").is_file()
    config = _packaged_config(card) if packaged else _folder_config(card, files)
    architecture = str(config.get("architecture", ""))
    # A name with a scheme would make timm call a hub; only built-in names are allowed.
    if not timm.is_model(architecture):
        raise UnsupportedModel(
            f"'{card.id}' has the architecture '{architecture}', which timm {timm.__version__} does not have.",
            "Run: pip install --upgrade timm",
        )
    arguments = {k: v for k, v in (config.get("model_args") or {}).items() if k not in {"pretrained", "num_classes"}}
    classes = int(config.get("num_classes") or 0)
    try:
        network = timm.create_model(architecture, pretrained=False, num_classes=classes, **arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnsupportedModel(f"timm cannot build '{card.id}' from its config.json: {error}.") from error
    state = weights.read_state(files.path(_weights_file(card, files)), card.id)
    if card.loader.get("mapping") == "order":
        state = weights.by_order(network, state, card.id)
    weights.put_into(network, state, card.id)
    recipe_values = resolve_data_config(pretrained_cfg=config.get("pretrained_cfg") or {}, model=network)
    return ImageBackbone(
        card,
        TimmTrunk(network),
        _recipe(recipe_values, card),
        device=device,
        dtype=dtype,
        classes=_class_names(config, classes),
    )


def _packaged_config(card: ModelCard) -> Mapping[str, Any]:
    classes = 1000 if card.loader.get("classes") == "imagenet-1k" else 0
    return {"architecture": card.loader["architecture"], "num_classes": classes, "imagenet": classes > 0}


def _folder_config(card: ModelCard, files: LocalFiles) -> Mapping[str, Any]:
    try:
        config = parse_json(files.path("config.json").read_text(encoding="utf-8"), finite=False)
        if not isinstance(config, dict):
            raise ValueError("it is not a JSON object")
    except (OSError, ValueError) as error:
        raise UnsupportedModel(
            f"'{card.id}' cannot be loaded: its config.json cannot be read ({error}).", f"Run: zoo pull {card.id}"
        ) from error
    return config


def _weights_file(card: ModelCard, files: LocalFiles) -> str:
    if card.loader.get("weights"):
        return str(card.loader["weights"])
    for name in _WEIGHTS:
        if files.path(name).is_file():
            return name
    raise UnsupportedModel(f"'{card.id}' has none of the files {' or '.join(_WEIGHTS)}.", f"Run: zoo pull {card.id}")


def _recipe(values: Mapping[str, Any], card: ModelCard) -> ByteRecipe:
    channels, height, width = values["input_size"]
    if channels != 3:
        raise UnsupportedModel(f"'{card.id}' takes {channels} channels, but zoo reads images with three.")
    transform = create_transform(
        input_size=(channels, height, width),
        is_training=False,
        use_prefetcher=True,
        interpolation=values["interpolation"],
        crop_pct=values["crop_pct"],
        crop_mode=values["crop_mode"],
        mean=values["mean"],
        std=values["std"],
    )
    geometry = _geometry(transform)
    return ByteRecipe(geometry, (height, width), values["mean"], values["std"])


def _geometry(transform: Any) -> Compose:
    """The steps of a transform that return an image, before those that make a tensor of it."""
    image: Any = Image.new("RGB", (64, 64))
    steps = []
    for step in transform.transforms:
        image = step(image)
        if not isinstance(image, Image.Image):
            break
        steps.append(step)
    return Compose(steps)


def _class_names(config: Mapping[str, Any], classes: int) -> Sequence[str]:
    details = config.get("pretrained_cfg") or {}
    names = config.get("label_names") or details.get("label_names")
    if names and len(names) == classes:
        return [str(name) for name in names]
    if config.get("imagenet") or (classes == 1000 and "in1k" in str(details.get("tag", ""))):
        return imagenet_classes()
    return [f"class {index}" for index in range(classes)]


def _has_depths(network: Any) -> bool:
    return bool(getattr(network, "feature_info", None)) and hasattr(network, "forward_intermediates")


def _number(layer: str) -> int:
    return int(layer.partition(".")[0].removeprefix("stage").removeprefix("block"))
