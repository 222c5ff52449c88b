"""Boxes and masks by models of transformers: DETR, RT-DETR, YOLOS; SegFormer and its kin; published or tuned here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn

from zoo.errors import UnsupportedModel
from zoo.features.quiet import quiet
from zoo_vision.image_recipe import in_rgb

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 0.01
"""Objects less likely than this are left out; average precision wants the unlikely ones too."""

MOST = 100
IGNORED = 255
_BATCH = 8
_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_KINDS = {
    "object-detection": (transformers.AutoModelForObjectDetection, "ForObjectDetection"),
    "image-segmentation": (transformers.AutoModelForSemanticSegmentation, "ForSemanticSegmentation"),
}


class Dense:
    """A model that finds boxes or masks, with its own preprocessing.

    Attributes:
        module: maps a collated batch with targets to the model's own loss, batch x 1.
        pretrained: the model without its head.
    """

    def __init__(self, task: str, model: Any, processor: Any, device: str) -> None:
        self.task, self.processor, self.device = task, processor, device
        self.module = _Losses(model.to(device))
        self.pretrained: nn.Module = model.base_model
        self.classes = tuple(str(model.config.id2label[index]) for index in range(model.config.num_labels))

    def example(self, item: Any, target: Any) -> dict[str, Any]:
        """Pixels of one picture with its boxes or its mask."""
        image = in_rgb(item)
        if self.task == "image-segmentation":
            found = self.processor(images=image, segmentation_maps=np.asarray(target), return_tensors="pt")
            return {"pixel_values": found["pixel_values"][0], "labels": found["labels"][0].long()}
        known = {name: index for index, name in enumerate(self.classes)}
        objects = [
            {
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "category_id": known[label],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
            }
            for (x0, y0, x1, y1), label in zip(target.corners, target.labels, strict=True)
        ]
        told = {"image_id": 0, "annotations": objects}
        found = self.processor(images=image, annotations=told, return_tensors="pt")
        return {"pixel_values": found["pixel_values"][0], "labels": dict(found["labels"][0])}

    def collate(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """One batch; pictures of different size are padded at the right and below."""
        pixels = [example["pixel_values"] for example in examples]
        height, width = (max(p.shape[side] for p in pixels) for side in (1, 2))
        padded = [nn.functional.pad(p, (0, width - p.shape[2], 0, height - p.shape[1])) for p in pixels]
        batch: dict[str, Any] = {"pixel_values": torch.stack(padded)}
        if self.task == "image-segmentation":
            batch["labels"] = torch.stack([
                nn.functional.pad(e["labels"], (0, width - e["labels"].shape[1], 0, height - e["labels"].shape[0]),
                                  value=IGNORED)
                for e in examples
            ])  # fmt: skip
        else:
            batch["labels"] = [example["labels"] for example in examples]
        return batch

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """For each picture the objects (label, score, box in pixels), or the mask with the share of each class."""
        self.module.eval()
        answers: list[Any] = []
        for start in range(0, len(inputs), _BATCH):
            images = [in_rgb(item) for item in inputs[start : start + _BATCH]]
            sizes = [(image.size[1], image.size[0]) for image in images]
            # One by one where sizes differ: no model then sees another's padding.
            groups = [images] if len(set(sizes)) == 1 else [[image] for image in images]
            for group in groups:
                pixels = self.processor(images=group, return_tensors="pt")["pixel_values"].to(self.device)
                with torch.inference_mode():
                    outputs = self.module.model(pixel_values=pixels)
                sizes = [(image.size[1], image.size[0]) for image in group]
                answers += (
                    self._masks(outputs, sizes) if self.task == "image-segmentation" else self._boxes(outputs, sizes)
                )
        return answers

    def _boxes(self, outputs: Any, sizes: Sequence[tuple[int, int]]) -> list[list[dict[str, Any]]]:
        found = self.processor.post_process_object_detection(outputs, threshold=SHOWN, target_sizes=list(sizes))
        answers = []
        for picture in found:
            order = picture["scores"].argsort(descending=True)[:MOST].tolist()
            answers.append([
                {"label": self.classes[int(picture["labels"][at])], "score": float(picture["scores"][at]),
                 "box": [float(side) for side in picture["boxes"][at]]}
                for at in order
            ])  # fmt: skip
        return answers

    def _masks(self, outputs: Any, sizes: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        masks = self.processor.post_process_semantic_segmentation(outputs, target_sizes=list(sizes))
        answers = []
        for mask in masks:
            pixels = mask.cpu().numpy().astype(np.uint8)
            shares = np.bincount(pixels.ravel(), minlength=len(self.classes)) / pixels.size
            named = {self.classes[index]: float(shares[index]) for index in np.flatnonzero(shares).tolist()}
            answers.append({"classes": named, "mask": pixels})
        return answers


class _Losses(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        return self.model(**batch).loss.expand(len(batch["pixel_values"]), 1)


def learner(folder: Path, task: str, classes: Sequence[str], device: str) -> Dense | None:
    """The folder's model with a head for ``classes``; the head that it came with where it knows the same classes.

    Raises:
        UnsupportedModel: transformers has no such head for the model.
    """
    if task not in _KINDS:
        return None
    names = dict(enumerate(classes))
    try:
        with quiet():
            model = _KINDS[task][0].from_pretrained(
                folder, num_labels=len(classes), id2label=names, label2id={name: at for at, name in names.items()},
                ignore_mismatched_sizes=True, **_LOCAL,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UnsupportedModel(f"transformers has no head for {task} on the model in {folder}: {reason}.") from error
    return Dense(task, model.eval(), transformers.AutoImageProcessor.from_pretrained(folder, **_LOCAL), device)


def published(folder: Path, task: str, device: str) -> Dense | None:
    """The model with the head that it was published with; None where it has none for the task."""
    if task not in _KINDS:
        return None
    kind, ending = _KINDS[task]
    config = transformers.AutoConfig.from_pretrained(folder, **_LOCAL)
    if not any(str(name).endswith(ending) for name in config.architectures or ()):
        return None
    with quiet():
        model, report = kind.from_pretrained(folder, output_loading_info=True, **_LOCAL)
    if report["missing_keys"]:
        logging.getLogger(__name__).info("The checkpoint in %s lacks %s.", folder, sorted(report["missing_keys"])[0])
        return None
    return Dense(task, model.eval(), transformers.AutoImageProcessor.from_pretrained(folder, **_LOCAL), device)
