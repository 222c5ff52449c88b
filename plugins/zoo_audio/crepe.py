"""CREPE, a pitch network (Kim et al., "CREPE: a convolutional representation for pitch estimation", 2018).

Six convolutions look at 1,024 samples; a recording's vector is the mean over frames spread evenly over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from zoo.errors import UnsupportedModel
from zoo_audio.audio_backbone import Batch, Trunk, mean_by_owner

if TYPE_CHECKING:
    import numpy as np

RATE = 16_000
WINDOW, HOP = 1024, 1600
"""Samples per frame, and from one frame to the next: 64 and 100 ms."""

MOST_FRAMES = 50
PITCHES = 360
_CHANNELS = {"tiny": (128, 16, 16, 16, 32, 64), "full": (1024, 128, 128, 128, 256, 512)}
_EPSILON, _QUIET = 0.0010000000474974513, 1e-10
_AT_ONCE = 256
"""Frames per forward pass; the output of the first convolution is a hundred times as large."""


class Crepe(Trunk):
    """Maps frames to pitches; its layers are the salience of 360 pitches, and the output of the last convolution."""

    layers = ("pitch", "convolutions")
    sampling_rate = RATE
    longest = 60.0

    def __init__(self, size: str) -> None:
        super().__init__()
        if size not in _CHANNELS:
            raise UnsupportedModel(f"'{size}' is not a size of CREPE.", f"Sizes: {', '.join(_CHANNELS)}.")
        before = 1
        for number, channels in enumerate(_CHANNELS[size], start=1):
            kernel, stride = (512, 4) if number == 1 else (64, 1)
            setattr(self, f"conv{number}", nn.Conv1d(before, channels, kernel, stride))
            setattr(self, f"conv{number}_BN", nn.BatchNorm1d(channels, eps=_EPSILON, momentum=0.0))
            before = channels
        self.embedding_dimension = 4 * before
        self.classifier = nn.Linear(4 * before, PITCHES)

    def prepare(self, wave: np.ndarray) -> torch.Tensor:
        """Frames of a wave, each of mean 0 and deviation 1: frames x 1,024."""
        samples = functional.pad(torch.from_numpy(wave.copy()), (WINDOW // 2, WINDOW // 2))
        frames = samples.unfold(0, WINDOW, HOP)
        if len(frames) > MOST_FRAMES:
            frames = frames[torch.linspace(0, len(frames) - 1, MOST_FRAMES).round().long()]
        frames = frames - frames.mean(dim=1, keepdim=True)
        return frames / frames.std(dim=1, keepdim=True).clamp(min=_QUIET)

    def length(self, item: torch.Tensor) -> int:
        """Number of frames."""
        return len(item)

    def collate(self, items: Sequence[torch.Tensor]) -> Batch:
        """All frames of all recordings, and the recording of each."""
        counts = torch.tensor([len(item) for item in items])
        return {"frames": torch.cat(list(items)), "owner": torch.repeat_interleave(torch.arange(len(items)), counts)}

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Means over a recording's frames: of the last convolution's output, and of the pitches' salience."""
        states = torch.cat([self._convolved(frames) for frames in batch["frames"].split(_AT_ONCE)])
        found = {"convolutions": mean_by_owner(states, batch["owner"])}
        if "pitch" in layers:
            found["pitch"] = mean_by_owner(self.classifier(states).sigmoid(), batch["owner"])
        return found

    def _convolved(self, frames: torch.Tensor) -> torch.Tensor:
        values = frames[:, None, :]
        for number in range(1, 7):
            padding = (254, 254) if number == 1 else (31, 32)
            values = functional.relu(getattr(self, f"conv{number}")(functional.pad(values, padding)))
            values = functional.max_pool1d(getattr(self, f"conv{number}_BN")(values), 2)
        return values.permute(0, 2, 1).flatten(1)
