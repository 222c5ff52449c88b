"""SpecAugment: masks in the spectrograms that a model takes (Park et al., 2019), without time warping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

DESCRIBED = {
    "light": "one mask of up to 15 % of the frequencies and one of up to 10 % of the time",
    "strong": "two masks of up to 20 % of the frequencies each and two of up to 15 % of the time",
}
"""What each strength does to a spectrogram."""

MASKS = {"light": 1, "strong": 2}
FREQUENCIES = {"light": 0.15, "strong": 0.2}
TIME = {"light": 0.1, "strong": 0.15}


def masked(spectrogram: torch.Tensor, axes: tuple[int, int], strength: str, generator: np.random.Generator) -> Any:
    """A copy in which spans of frequencies and of time have the mean value.

    Args:
        spectrogram: of any shape with an axis of time and one of frequencies.
        axes: those of time and of frequencies. Frames at the end that equal the last one are padding: they are not
            counted, and not masked.
    """
    found, mean = spectrogram.clone(), spectrogram.mean()
    time, frequency = axes
    frames = _sounding(spectrogram.movedim(time, 0))
    for axis, size, share in ((time, frames, TIME), (frequency, spectrogram.shape[frequency], FREQUENCIES)):
        for _ in range(MASKS[strength]):
            width = int(generator.integers(0, int(share[strength] * size) + 1))
            start = int(generator.integers(0, size - width + 1))
            found.narrow(axis, start, width).fill_(mean)
    return found


def _sounding(frames: torch.Tensor) -> int:
    """Number of frames before the padding, time first."""
    differs = (frames != frames[-1:]).flatten(1).any(dim=1).nonzero()
    return int(differs[-1]) + 1 if len(differs) else len(frames)


class MasksExamples:
    """A learner whose examples start with the input that its backbone prepared."""

    backbone: Any

    @property
    def augmentations(self) -> Mapping[str, str]:
        """Those of the backbone."""
        found: Mapping[str, str] = self.backbone.augmentations
        return found

    def augment(self, prepared: Any, strength: str, generator: np.random.Generator) -> Any:
        """The example with a masked spectrogram."""
        return (self.backbone.augment(prepared[0], strength, generator), *prepared[1:])
