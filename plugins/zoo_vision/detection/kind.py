"""The kind of boxes around objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.contract.augmenting import GEOMETRY
from zoo.contract.kind import Kind
from zoo_vision.detection import drawing
from zoo_vision.detection.boxes import Box, Boxes
from zoo_vision.detection.metrics import METRICS

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST_LEFT = 0.01
"""Fraction of an image's side that a box still has to cover after a random crop."""


class BoxesKind(Kind):
    """Boxes around the objects of an image."""

    name = "boxes"
    libraries = ("pycocotools",)
    noun, nouns, per_sample = "boxes", "boxes", "boxes"
    metrics = METRICS
    baseline_title = "mean box of the most frequent class"
    numbered = True
    shows_input = True
    follows = GEOMETRY

    def geometry(self, item: Image, target: Boxes) -> Any:
        """The corners as ``BoundingBoxes``."""
        import torch
        from torchvision.tv_tensors import BoundingBoxes

        corners = torch.tensor([box.corners for box in target.found], dtype=torch.float32).reshape(-1, 4)
        return BoundingBoxes(corners, format="XYXY", canvas_size=(item.height, item.width))

    def from_geometry(self, item: Image, target: Boxes, geometry: Any) -> Boxes | None:
        """The boxes in the new image, without those of which nothing is left; None if that is all of them."""
        width, height = float(item.width), float(item.height)
        found = []
        for box, sides in zip(target.found, geometry.tolist(), strict=True):
            left, right = (min(max(side, 0.0), width) for side in sides[::2])
            top, bottom = (min(max(side, 0.0), height) for side in sides[1::2])
            if right - left >= LEAST_LEFT * width and bottom - top >= LEAST_LEFT * height:
                found.append(replace(box, corners=(left, top, right, bottom)))
        return Boxes(tuple(found)) if found or not target.found else None

    def labels(self, answer: Boxes) -> Sequence[str]:
        """The class of each object."""
        return answer.labels

    def relabelled(self, answer: Boxes, names: Mapping[str, str | None], classes: Sequence[str]) -> Boxes:
        """The boxes with the data's names of their classes; other classes keep their own."""
        return Boxes(tuple(replace(box, label=names[box.label] or box.label) for box in answer.found))

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Boxes], task: str) -> Sequence[Boxes]:
        """The mean box of the most frequent class in every image."""
        label = Counter(name for boxes in targets for name in boxes.labels).most_common(1)[0][0]
        same = [box.corners for boxes in targets for box in boxes.found if box.label == label]
        left, top, right, bottom = (sum(sides) / len(same) for sides in zip(*same, strict=True))
        return [Boxes((Box(label, 1.0, (left, top, right, bottom)),))] * len(inputs)

    def summary(self, answer: Boxes) -> Sequence[tuple[str, str]]:
        """Each object with its box and its score."""
        return [
            (f"{box.label} at {', '.join(f'{side:.0f}' for side in box.corners)}", f"{box.score:.3f}")
            for box in answer.found
        ]

    def to_json(self, answer: Boxes) -> list[dict[str, Any]]:
        """A list of label, score and box, in the format of ``transformers.pipeline``."""
        return [{"label": box.label, "score": box.score, "box": list(box.corners)} for box in answer.found]

    def html(self, item: Image, answer: Boxes) -> str:
        """The image with boxes, and a table of them."""
        return drawing.html(item, answer)

    def draw(self, item: Image, answer: Boxes) -> Image:
        """The image with boxes."""
        return drawing.draw(item, answer)

    def ordinary(self) -> Sequence[Boxes]:
        """Answers with two boxes and with one."""
        first, second = Box("cat", 0.9, (2.0, 3.0, 30.0, 40.0)), Box("dog", 0.6, (10.0, 10.0, 50.0, 60.0))
        return (Boxes((first, second)), Boxes((second,)))

    def extreme(self, task: str = "") -> Sequence[tuple[str, Boxes]]:
        """No object, and a label that is markup on a box of one pixel."""
        return [("no object", Boxes()), ("markup", Boxes((Box("<b>&", 1.0, (0.0, 0.0, 1.0, 1.0)),)))]
