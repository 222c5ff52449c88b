"""torchvision's DeepLabV3 and FCN: their features, masks of their published heads, and new heads."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.models import get_model, list_models, segmentation

from zoo.errors import UnsupportedModel
from zoo_vision import weights
from zoo_vision.dense import SEGMENTATION, padded
from zoo_vision.image_backbone import POOLED, ImageBackbone, Trunk, averaged
from zoo_vision.image_recipe import ByteRecipe, in_rgb
from zoo_vision.segmentation.masks import IGNORED, Mask

if TYPE_CHECKING:
    from zoo.contract.backbone import Learner
    from zoo.entities import LocalFiles, ModelCard

RESIZE = 520
"""Default pixels of the shorter side of an image."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_AUXILIARY = "aux_classifier."
_BATCH = 8


def is_segmenter(architecture: str) -> bool:
    """Whether torchvision has a model of that name with a head for masks that can be replaced."""
    return architecture in list_models(module=segmentation) and architecture.startswith(("deeplabv3", "fcn"))


class SegmentationTrunk(Trunk):
    """The encoder of a torchvision segmenter; ``pooled`` is its last map, averaged over the image."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        with torch.inference_mode():
            self.embedding_dimension = int(network.eval().backbone(torch.zeros(1, 3, 64, 64))["out"].shape[1])

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The only layer is ``pooled``."""
        return {POOLED: averaged(self.network.backbone(pixels)["out"])}


class Segmenter:
    """A torchvision network that predicts a class for each pixel; what ``zoo tune`` trains.

    Attributes:
        module: maps a collated batch to the mean cross entropy of each image's pixels, batch x 1.
        pretrained: all but the last convolution.
    """

    def __init__(self, network: Any, classes: Sequence[str], resize: int, device: str) -> None:
        self.module = _Losses(network.to(device))
        self.pretrained: nn.Module = nn.ModuleList([network.backbone, *list(network.classifier)[:-1]])
        self.classes, self.resize, self.device = tuple(classes), resize, device

    def example(self, item: Any, target: Any) -> dict[str, torch.Tensor]:
        """Normalised pixels of an image and its mask in the same size."""
        pixels = self._pixels(in_rgb(item))
        size = (pixels.shape[2], pixels.shape[1])
        mask = Image.fromarray(np.asarray(target, dtype=np.uint8)).resize(size, Image.Resampling.NEAREST)
        return {"pixels": pixels, "mask": torch.from_numpy(np.array(mask)).long()}

    def collate(self, examples: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """One batch, padded at the right and the bottom with ignored pixels."""
        height, width = (max(example["mask"].shape[side] for example in examples) for side in (0, 1))
        return {
            "pixels": torch.stack([padded(example["pixels"], height, width) for example in examples]),
            "mask": torch.stack([padded(example["mask"], height, width, IGNORED) for example in examples]),
        }

    def predict(self, inputs: Sequence[Any]) -> list[Mask]:
        """The mask of each image in its own size."""
        self.module.eval()
        answers: list[Mask] = []
        for start in range(0, len(inputs), _BATCH):
            images = [in_rgb(item) for item in inputs[start : start + _BATCH]]
            groups = [images] if len({image.size for image in images}) == 1 else [[image] for image in images]
            for group in groups:
                pixels = torch.stack([self._pixels(image) for image in group]).to(self.device)
                with torch.inference_mode():
                    maps = self.module.network(pixels)["out"]
                    maps = nn.functional.interpolate(maps, group[0].size[::-1], mode="bilinear", align_corners=False)
                answers += [Mask.of(mask, self.classes) for mask in maps.argmax(dim=1).cpu().numpy().astype(np.uint8)]
        return answers

    def _pixels(self, image: Image.Image) -> torch.Tensor:
        factor = self.resize / min(image.size)
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        values = np.asarray(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float32) / 255
        return torch.from_numpy(
            ((values - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)).transpose(2, 0, 1).copy()
        )


class _Losses(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        mask = batch["mask"]
        errors = nn.functional.cross_entropy(
            self.network(batch["pixels"])["out"].float(), mask, ignore_index=IGNORED, reduction="none"
        )
        evaluated = (mask != IGNORED).sum(dim=(1, 2)).clamp(min=1)
        return (errors.sum(dim=(1, 2)) / evaluated)[:, None]


class TorchvisionSegmenter(ImageBackbone):
    """An image backbone that also predicts a class for each pixel.

    Attributes:
        mask_classes: classes of the published head; empty if they have no names.
        resize: pixels of the shorter side of an image.
    """

    module: SegmentationTrunk
    mask_classes: tuple[str, ...] = ()
    resize = RESIZE

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """The network with a new last convolution for ``classes``, or its own if it has the same classes; else None."""
        if task != SEGMENTATION:
            return None
        network = copy.deepcopy(self.module.network)
        if tuple(classes) != self.mask_classes:
            last = network.classifier[-1]
            network.classifier[-1] = nn.Conv2d(last.in_channels, len(classes), last.kernel_size)
        return Segmenter(network, classes, self.resize, self._place())

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Any] | None:
        """Masks of the published head; None without a head with class names."""
        if task != SEGMENTATION or not self.mask_classes:
            return None
        return Segmenter(self.module.network, self.mask_classes, self.resize, self._place()).predict(inputs)

    def _place(self) -> str:
        return str(next(self.module.parameters()).device)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> TorchvisionSegmenter:
    """The backbone of a checkpoint whose card names ``architecture``, ``weights`` and ``outputs`` in ``loader``.

    ``categories`` there are the names of the outputs, and ``resize`` in the card's ``input`` is the shorter side.

    Raises:
        UnsupportedModel: the weights do not fit the architecture.
    """
    state = weights.read_state(files.path(str(card.loader["weights"])), card.id)
    outputs = int(card.loader.get("outputs", 21))
    categories = tuple(str(name) for name in card.loader.get("categories") or ())
    if categories and len(categories) != outputs:
        raise UnsupportedModel(f"The card of '{card.id}' names {len(categories)} categories for {outputs} outputs.")
    # The second head only helps training; its tensors are in the file, but not in the network.
    network = get_model(
        str(card.loader["architecture"]), weights=None, weights_backbone=None, num_classes=outputs, aux_loss=False
    )
    weights.put_into(
        network, {name: value for name, value in state.items() if not name.startswith(_AUXILIARY)}, card.id
    )
    side = int(card.input.get("resize", RESIZE))
    recipe = ByteRecipe(lambda image: image.resize((side, side), Image.Resampling.BILINEAR), (side, side), MEAN, STD)
    backbone = TorchvisionSegmenter(card, SegmentationTrunk(network), recipe, device=device, dtype=dtype)
    backbone.mask_classes, backbone.resize = categories, side
    return backbone
