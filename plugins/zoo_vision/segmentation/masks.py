"""Masks, a class for each pixel: answers of semantic segmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

IGNORED = 255
"""Value of pixels that belong to no class and are not evaluated."""


@dataclass(frozen=True, eq=False)
class Mask:
    """The mask that a model predicts; targets are arrays like ``pixels``.

    Attributes:
        pixels: class indices, height x width, uint8.
        classes: share of each class in it, 0 to 1, by name, in the order of the indices that occur.
    """

    pixels: np.ndarray
    classes: Mapping[str, float]

    @classmethod
    def of(cls, pixels: np.ndarray, classes: Sequence[str]) -> Mask:
        """From class indices and the names of all classes."""
        import numpy as np

        shares = np.bincount(pixels.ravel(), minlength=len(classes)) / pixels.size
        return cls(pixels, {classes[index]: float(shares[index]) for index in np.flatnonzero(shares).tolist()})
