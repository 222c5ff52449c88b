"""Boxes and masks from models of transformers, published or tuned.

Boxes: DETR, RT-DETR, YOLOS and similar models. Masks: SegFormer and others that predict a class for each pixel, and
Mask2Former and MaskFormer, whose queries predict masks.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn
from transformers.models.auto import modeling_auto

from zoo.errors import DataError, UnsupportedModel
from zoo.loading.quiet import quiet
from zoo.loading.transformers import LOCAL, load_config, load_published_head
from zoo_vision.detection.boxes import Box, Boxes
from zoo_vision.image_recipe import in_rgb
from zoo_vision.segmentation.masks import IGNORED, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 0.01
"""Score below which boxes are left out; low, since average precision counts unlikely boxes too."""

MOST = 100
"""Maximum boxes per image."""

_BATCH = 8
DETECTION, SEGMENTATION = "object-detection", "image-segmentation"


class Dense:
    """A model that predicts boxes or masks, with its own preprocessing.

    Attributes:
        module: maps a collated batch with targets to the model's own loss, batch x 1.
        pretrained: the model without its head.
    """

    def __init__(self, task: str, model: Any, processor: Any, device: str) -> None:
        self.task, self.processor, self.device = task, processor, device
        self.module = _Losses(model.to(device))
        self.pretrained: nn.Module = model.base_model
        self.classes = tuple(str(model.config.id2label[index]) for index in range(model.config.num_labels))
        takes = inspect.signature(model.forward).parameters
        self._by_queries = "mask_labels" in takes
        self._masks_padding = "pixel_mask" in takes

    def example(self, item: Any, target: Any) -> dict[str, Any]:
        """Pixels of one image with its boxes or its mask."""
        image = in_rgb(item)
        if self.task == SEGMENTATION:
            found = self.processor(images=image, segmentation_maps=np.asarray(target), return_tensors="pt")
            if self._by_queries:
                labels = {"mask": found["mask_labels"][0], "class": found["class_labels"][0]}
                return {"pixel_values": found["pixel_values"][0], "labels": labels}
            return {"pixel_values": found["pixel_values"][0], "labels": found["labels"][0].long()}
        known = {name: index for index, name in enumerate(self.classes)}
        objects = []
        for box in target.found:
            left, top, right, bottom = box.corners
            width, height = right - left, bottom - top
            place = {"bbox": [left, top, width, height], "area": width * height, "iscrowd": 0}
            objects.append({**place, "category_id": known[box.label]})
        annotations = {"image_id": 0, "annotations": objects}
        found = self.processor(images=image, annotations=annotations, return_tensors="pt")
        return {"pixel_values": found["pixel_values"][0], "labels": dict(found["labels"][0])}

    def collate(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """One batch; images of different size are padded at the right and the bottom."""
        pixels = [example["pixel_values"] for example in examples]
        labels = [example["labels"] for example in examples]
        height, width = (max(p.shape[side] for p in pixels) for side in (1, 2))
        batch: dict[str, Any] = {"pixel_values": torch.stack([padded(p, height, width) for p in pixels])}
        if self._masks_padding:
            batch["pixel_mask"] = torch.stack([padded(torch.ones_like(p[0]).long(), height, width) for p in pixels])
        if self._by_queries:
            batch["mask_labels"] = [padded(target["mask"], height, width) for target in labels]
            batch["class_labels"] = [target["class"] for target in labels]
        elif self.task == SEGMENTATION:
            batch["labels"] = torch.stack([padded(target, height, width, IGNORED) for target in labels])
        else:
            batch["labels"] = [
                target if self._masks_padding else _on_canvas(target, p, height, width)
                for target, p in zip(labels, pixels, strict=True)
            ]
        return batch

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """The boxes or the mask of each image.

        Raises:
            DataError: an image cannot be resized to a size that the model takes.
        """
        self.module.eval()
        answers: list[Any] = []
        for start in range(0, len(inputs), _BATCH):
            images = [in_rgb(item) for item in inputs[start : start + _BATCH]]
            sizes = [(image.size[1], image.size[0]) for image in images]
            # One by one if sizes differ, so that no answer depends on the padding for another image.
            groups = [images] if len(set(sizes)) == 1 else [[image] for image in images]
            for group in groups:
                pixels = self._pixels(group).to(self.device)
                with torch.inference_mode():
                    outputs = self.module.model(pixel_values=pixels)
                sizes = [(image.size[1], image.size[0]) for image in group]
                answers += self._masks(outputs, sizes) if self.task == SEGMENTATION else self._boxes(outputs, sizes)
        return answers

    def _pixels(self, images: Sequence[Any]) -> torch.Tensor:
        try:
            found: torch.Tensor = self.processor(images=list(images), return_tensors="pt")["pixel_values"]
        except ValueError as error:
            raise DataError(
                f"The model's own image processor cannot resize an image of {images[0].width} x {images[0].height} "
                f"pixels: {error}"[:300]
            ) from error
        return found

    def _boxes(self, outputs: Any, sizes: Sequence[tuple[int, int]]) -> list[Boxes]:
        found = self.processor.post_process_object_detection(outputs, threshold=SHOWN, target_sizes=list(sizes))
        answers = []
        for image in found:
            boxes = []
            for at in image["scores"].argsort(descending=True)[:MOST].tolist():
                left, top, right, bottom = image["boxes"][at].tolist()
                label, score = self.classes[int(image["labels"][at])], float(image["scores"][at])
                boxes.append(Box(label, score, (left, top, right, bottom)))
            answers.append(Boxes(tuple(boxes)))
        return answers

    def _masks(self, outputs: Any, sizes: Sequence[tuple[int, int]]) -> list[Mask]:
        masks = self.processor.post_process_semantic_segmentation(outputs, target_sizes=list(sizes))
        return [Mask.of(mask.cpu().numpy().astype(np.uint8), self.classes) for mask in masks]


class _Losses(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        return self.model(**batch).loss.expand(len(batch["pixel_values"]), 1)


def padded(tensor: torch.Tensor, height: int, width: int, value: int = 0) -> torch.Tensor:
    """A tensor padded to a size at the right and the bottom."""
    return nn.functional.pad(tensor, (0, width - tensor.shape[-1], 0, height - tensor.shape[-2]), value=value)


def _on_canvas(target: Mapping[str, Any], pixels: torch.Tensor, height: int, width: int) -> dict[str, Any]:
    """Boxes as fractions of the padded image, for a model without a padding mask.

    Args:
        target: ``boxes`` are the centre, width and height as fractions of the image's own size, n x 4.
    """
    across, down = pixels.shape[2] / width, pixels.shape[1] / height
    return {**target, "boxes": target["boxes"] * torch.tensor([across, down, across, down])}


def learner(folder: Path, task: str, classes: Sequence[str], device: str) -> Dense | None:
    """The folder's model with a head for ``classes``: its own if that has the same classes, else a new one.

    Raises:
        UnsupportedModel: transformers has no such head for the model.
    """
    kind = _kind(folder, task)
    if kind is None:
        return None
    names = dict(enumerate(classes))
    try:
        with quiet():
            model = kind.from_pretrained(
                folder,
                num_labels=len(classes),
                id2label=names,
                label2id={name: at for at, name in names.items()},
                ignore_mismatched_sizes=True,
                **LOCAL,
            )
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UnsupportedModel(f"transformers has no head for {task} on the model in {folder}: {reason}.") from error
    processor = transformers.AutoImageProcessor.from_pretrained(folder, **LOCAL)
    if task == SEGMENTATION:
        # Published preprocessing drops a class of its own data, or uses another value for unknown.
        processor.do_reduce_labels, processor.ignore_index = False, IGNORED
    return Dense(task, model.eval(), processor, device)


def published(folder: Path, task: str, device: str) -> Dense | None:
    """The model with its published head; None if it has none for the task."""
    kind = _kind(folder, task)
    if kind is None:
        return None
    config = load_config(folder)
    if not any(str(name).endswith(_ENDINGS[task]) for name in config.architectures or ()):
        return None
    model = load_published_head(kind, folder)
    if model is None:
        return None
    return Dense(task, model.eval(), transformers.AutoImageProcessor.from_pretrained(folder, **LOCAL), device)


_ENDINGS: dict[str, tuple[str, ...]] = {
    DETECTION: ("ForObjectDetection",),
    SEGMENTATION: ("ForSemanticSegmentation", "ForUniversalSegmentation", "ForInstanceSegmentation"),
}


def _kind(folder: Path, task: str) -> Any:
    """The class that loads a model with a head for the task; None for other tasks."""
    if task == DETECTION:
        return transformers.AutoModelForObjectDetection
    if task != SEGMENTATION:
        return None
    name = load_config(folder).model_type
    by_pixels = name in modeling_auto.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES
    by_queries = name in modeling_auto.MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES
    if by_queries and not by_pixels:
        return transformers.AutoModelForUniversalSegmentation
    return transformers.AutoModelForSemanticSegmentation
