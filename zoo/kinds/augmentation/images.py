"""Random changes of training images by torchvision, with the boxes, masks and keypoints on them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zoo.errors import needs_extra

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

LIGHT, STRONG = "light", "strong"

DESCRIBED = {
    LIGHT: "random crop of 60 to 100 % of the area, brightness, contrast and saturation by 20 %",
    STRONG: "random crop of 35 to 100 % of the area, RandAugment (2 operations of magnitude 9), random erasing",
}
"""What each strength does; images are never mirrored, because letters and left hands would become others."""

MOVING = {
    LIGHT: DESCRIBED[LIGHT],
    STRONG: "random crop of 35 to 100 % of the area, brightness, contrast and saturation by 40 %",
}
"""The same for images on which boxes, masks or points move along."""

CROPPED = {LIGHT: (0.6, 1.0), STRONG: (0.35, 1.0)}
"""Fraction of the area that a crop keeps."""

RATIOS = (0.8, 1.25)
"""Change of the ratio of the sides."""

JITTER = {LIGHT: 0.2, STRONG: 0.4}
"""Change of brightness, contrast and saturation."""

_ERASED = (124.0, 116.0, 104.0)
"""The mean colour of photographs, which erased parts get."""


def augmented(image: Image, geometry: Any, strength: str, generator: np.random.Generator) -> tuple[Image, Any]:
    """An RGB image of the same size, changed at random, and ``tv_tensors`` on it moved along.

    Images with geometry are cropped and coloured only: RandAugment (Cubuk et al., 2020) and random erasing (Zhong et
    al., 2020) do not move boxes or points.

    Raises:
        MissingExtra: torchvision is not installed.
    """
    with needs_extra("vision", "augment images"):
        import torch
    transform = _transform(strength, (image.height, image.width), geometry is not None)
    with torch.random.fork_rng(devices=[]):
        # Of the CPU alone: for other devices, ``torch.manual_seed`` formats the stack, half as long as the transform.
        torch.default_generator.manual_seed(int(generator.integers(2**63)))
        changed, moved = transform(image, geometry)
    return changed, moved


@lru_cache(maxsize=64)
def _transform(strength: str, size: tuple[int, int], moves: bool) -> Any:
    """The transform for images of a height and width."""
    with needs_extra("vision", "augment images"):
        import torch
        from torchvision.transforms import v2
    width_to_height = size[1] / size[0]
    # Relative to the image's own shape: it is resized to its size again.
    ratio = (RATIOS[0] * width_to_height, RATIOS[1] * width_to_height)
    steps: list[Any] = [v2.RandomResizedCrop(size, CROPPED[strength], ratio)]
    if strength == LIGHT or moves:
        steps.append(v2.ColorJitter(*(JITTER[strength],) * 3))
        return v2.Compose(steps)
    erasing = v2.RandomErasing(0.25, scale=(0.02, 0.2), value=list(_ERASED))
    as_bytes = v2.ToDtype({torch.Tensor: torch.uint8, "others": None})
    return v2.Compose([*steps, v2.RandAugment(2, 9), v2.PILToTensor(), erasing, as_bytes, v2.ToPILImage()])
