"""The kind of masks, a class for each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.contract.augmenting import GEOMETRY
from zoo.contract.kind import Kind
from zoo_vision.segmentation import drawing
from zoo_vision.segmentation.masks import IGNORED, Mask
from zoo_vision.segmentation.metrics import METRICS

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


class MaskKind(Kind):
    """A class for each pixel of an image."""

    name = "mask"
    metrics = METRICS
    baseline_title = "most frequent class"
    numbered = True
    shows_input = True
    follows = GEOMETRY

    def geometry(self, item: Image, target: np.ndarray) -> Any:
        """The class indices as a ``Mask``; pixels are never mixed, as the nearest one is taken."""
        import torch
        from torchvision.tv_tensors import Mask as MaskTensor

        return MaskTensor(torch.tensor(target))

    def from_geometry(self, item: Image, target: np.ndarray, geometry: Any) -> np.ndarray:
        """The class indices in the new image."""
        import numpy as np

        return np.asarray(geometry.numpy(), dtype=target.dtype)

    def comparable(self, item: Any, answer: Mask, classes: Sequence[str] = ()) -> np.ndarray:
        """The class indices."""
        return answer.pixels

    def labels(self, answer: Mask) -> Sequence[str]:
        """The classes that occur."""
        return tuple(answer.classes)

    def relabelled(self, answer: Mask, names: Mapping[str, str | None], classes: Sequence[str]) -> Mask:
        """The mask in the indices of the data's classes; pixels of other classes are ``IGNORED``."""
        import numpy as np

        table = np.full(256, IGNORED, dtype=np.uint8)
        for index, own in zip(np.unique(answer.pixels), answer.classes, strict=True):
            name = names[own]
            table[index] = IGNORED if name is None else classes.index(name)
        return replace(answer, pixels=table[answer.pixels])

    def baseline(self, inputs: Sequence[Any], targets: Sequence[np.ndarray], task: str) -> Sequence[np.ndarray]:
        """The most frequent class everywhere."""
        import numpy as np

        counts = sum(np.bincount(mask[mask != IGNORED].ravel(), minlength=256) for mask in targets)
        common = int(np.argmax(counts))
        sizes = [inputs[index].size for index in range(len(inputs))]
        return [np.full((height, width), common, dtype=np.uint8) for width, height in sizes]

    def summary(self, answer: Mask) -> Sequence[tuple[str, str]]:
        """The classes with their shares."""
        return [(", ".join(f"{name} {share:.0%}" for name, share in answer.classes.items()), "")]

    def to_json(self, answer: Mask) -> dict[str, Any]:
        """The shares by class, and the class indices row by row."""
        return {"classes": dict(answer.classes), "mask": answer.pixels.tolist()}

    def html(self, item: Image, answer: Mask) -> str:
        """The image with the mask, and a legend with shares."""
        return drawing.html(item, answer)

    def draw(self, item: Image, answer: Mask) -> Image:
        """The image with the mask."""
        return drawing.draw(item, answer.pixels)

    def ordinary(self) -> Sequence[Mask]:
        """Answers with two classes and with one."""
        import numpy as np

        half = np.repeat(np.array([[0, 1]], dtype=np.uint8), 32, axis=1).repeat(64, axis=0)
        return (Mask.of(half, ("sky", "sea")), Mask.of(half * 0, ("sky", "sea")))

    def extreme(self, task: str = "") -> Sequence[tuple[str, Mask]]:
        """A single pixel, of a class whose name is markup."""
        import numpy as np

        return [("one pixel", Mask.of(np.zeros((1, 1), dtype=np.uint8), ("<b>&",)))]
