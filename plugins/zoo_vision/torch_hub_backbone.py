"""Backbones from PyTorch Hub: torchvision's published weights, and entry points whose code the user trusts."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, ZooError, needs_extra

with needs_extra("vision", "load models of PyTorch Hub"):
    import torch
    from torch import nn
    from torchvision import models
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from zoo_vision import torchvision_backbone
from zoo_vision.image_backbone import POOLED, ImageBackbone, Trunk
from zoo_vision.image_recipe import ByteRecipe
from zoo_vision.segmentation.torchvision import is_segmenter

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIZE, _RESIZE = 224, 256


class EntryPointTrunk(Trunk):
    """The module of an entry point: its features are the input of a final linear layer, else its output."""

    def __init__(self, network: nn.Module, model: str) -> None:
        super().__init__()
        self.network = network
        self._model = model
        output = self._output(torch.zeros(1, 3, _SIZE, _SIZE))
        linear = [(name, m) for name, m in network.named_modules() if isinstance(m, nn.Linear)]
        if linear and linear[-1][1].out_features == output.shape[1] and linear[-1][0].count(".") < 2:
            parent, _, child = linear[-1][0].rpartition(".")
            setattr(network.get_submodule(parent), child, nn.Identity())
            output = self._output(torch.zeros(1, 3, _SIZE, _SIZE))
        self.embedding_dimension = int(output.shape[1])

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The only layer is ``pooled``."""
        return {POOLED: self.network(pixels)}

    def _output(self, pixels: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            try:
                output = self.network.eval()(pixels)
            except Exception as error:
                raise self._unfit(f"it fails on an image ({type(error).__name__})") from error
        if not isinstance(output, torch.Tensor) or output.dim() != 2:
            raise self._unfit("it does not turn an image into a vector")
        return output

    def _unfit(self, reason: str) -> UnsupportedModel:
        return UnsupportedModel(
            f"'{self._model}' cannot extract image features: {reason}.",
            "zoo supports entry points that map 3 x 224 x 224 pixels, normalised as for ImageNet, to a vector.",
        )


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageBackbone:
    """The backbone of torchvision weights, or of an entry point.

    Raises:
        UnsupportedModel: torchvision's model is not an image classifier, the repository is not trusted, or the model
            that it built has no feature layers.
    """
    if card.library == "torchvision":
        return torchvision_backbone.load(_completed(card, files), files, device, dtype)
    network = _from_entry_point(card, files)
    geometry = Compose([Resize(_RESIZE, InterpolationMode.BILINEAR), CenterCrop(_SIZE)])
    recipe = ByteRecipe(geometry, (_SIZE, _SIZE), IMAGENET_MEAN, IMAGENET_STD)
    return ImageBackbone(card, EntryPointTrunk(network, card.id), recipe, device=device, dtype=dtype)


def _completed(card: ModelCard, files: LocalFiles) -> ModelCard:
    """The card with torchvision's own metadata of the weights: preprocessing, classes, file."""
    entry = card.name.rpartition(":")[2]
    known = models.get_model_weights(entry).__members__ if entry in models.list_models() else {}
    if files.revision not in known:
        raise UnsupportedModel(
            f"The installed torchvision does not know the weights '{files.revision}' of '{card.id}'.",
            "Run: pip install -U torchvision",
        )
    weights = known[files.revision]
    recipe = weights.transforms()
    if is_segmenter(entry):
        categories = [str(name) for name in weights.meta["categories"]]
        return dataclasses.replace(
            card,
            input={"kind": "image", "resize": recipe.resize_size[0]},
            loader={
                "architecture": entry,
                "weights": files.files[0].path,
                "outputs": len(categories),
                "categories": categories,
            },
        )
    if entry not in models.list_models(module=models) or not hasattr(recipe, "crop_size"):
        raise UnsupportedModel(
            f"'{card.id}' is not an image classifier, DeepLabV3 or FCN, so zoo cannot extract its features.",
            "Choose one: zoo search --source torchhub --task image-classification",
        )
    size = recipe.crop_size[0]
    categories = weights.meta["categories"]
    return dataclasses.replace(
        card,
        input={
            "kind": "image",
            "size": (size, size),
            "resize": recipe.resize_size[0],
            "interpolation": recipe.interpolation.value,
            "mean": tuple(recipe.mean),
            "std": tuple(recipe.std),
        },
        loader={
            "architecture": entry,
            "weights": files.files[0].path,
            "outputs": len(categories),
            **({"classes": "imagenet-1k"} if len(categories) == 1000 else {}),
        },
    )


def _from_entry_point(card: ModelCard, files: LocalFiles) -> nn.Module:
    from zoo.loading.trust import check_trusted

    repository, entry = str(card.loader.get("repository")), str(card.loader.get("entry"))
    check_trusted(repository, files.revision or "", card.id)
    arguments: dict[str, Any] = {"pretrained": True} if "pretrained" in card.loader.get("arguments", ()) else {}
    with _tensors_only():
        try:
            made = torch.hub.load(str(files.root), entry, source="local", trust_repo=True, **arguments)
        except ZooError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UnsupportedModel(
                f"The entry point '{entry}' of {repository} failed: {type(error).__name__}: {reason}",
                f"It needs: {', '.join(card.loader.get('dependencies', ())) or 'no packages'}.",
            ) from error
    if not isinstance(made, nn.Module):
        raise UnsupportedModel(f"The entry point '{entry}' of {repository} does not return a torch module.")
    return made


@contextlib.contextmanager
def _tensors_only() -> Iterator[None]:
    """In this context torch reads pickles of tensors only, whatever the code requests."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
