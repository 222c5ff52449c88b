"""The speaker encoder of Resemblyzer (Wan et al., "Generalized end-to-end loss for speaker verification", 2018).

Three LSTM layers process 1.6 seconds of a mel spectrogram; a recording's vector is the mean over such windows. The
preprocessing is the package's own, without the voice activity detector: silence is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from zoo_audio.audio_backbone import Batch, Trunk, mean_by_owner

if TYPE_CHECKING:
    import numpy as np

RATE = 16_000
WINDOW, HOP, MELS = 400, 160, 40
FRAMES = 160
"""Frames per window: 1.6 seconds."""

STEP = 77
"""Frames from one window to the next: 1.3 windows per second."""

COVERED = 0.75
"""Minimum fraction of the last window that must be inside the recording."""

LOUDNESS = 10 ** (-30 / 20)
"""Root mean square to which quiet recordings are amplified: -30 dB of full scale."""


class VoiceEncoder(Trunk):
    """Maps mel spectrograms to a unit vector; its layers are the LSTM's last state and the embedding."""

    layers = ("lstm", "embedding")
    embedding_dimension = 256
    sampling_rate = RATE
    longest = 120.0
    spectrogram_axes = (1, 2)

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def prepare(self, wave: np.ndarray) -> torch.Tensor:
        """The spectrograms of a waveform's windows: windows x 160 frames x 40 mels."""
        samples = torch.from_numpy(wave.copy())
        loudness = float(samples.square().mean().sqrt())
        if 0 < loudness < LOUDNESS:
            samples = samples * (LOUDNESS / loudness)
        starts = _starts(len(samples))
        samples = functional.pad(samples, (0, max(0, (starts[-1] + FRAMES) * HOP - len(samples))))
        mel = _mel_spectrogram(samples)
        return torch.stack([mel[start : start + FRAMES] for start in starts])

    def length(self, item: torch.Tensor) -> int:
        """Number of windows."""
        return len(item)

    def collate(self, items: Sequence[torch.Tensor]) -> Batch:
        """All windows of all recordings, and the recording of each."""
        counts = torch.tensor([len(item) for item in items])
        return {"mels": torch.cat(list(items)), "owner": torch.repeat_interleave(torch.arange(len(items)), counts)}

    def at(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The LSTM's last state averaged over the windows, and the embedding, each batch x 256."""
        state = self._state(batch)
        found = {"lstm": mean_by_owner(state, batch["owner"])}
        if "embedding" in layers:
            pieces = functional.normalize(functional.relu(self.linear(state)), dim=1)
            found["embedding"] = functional.normalize(mean_by_owner(pieces, batch["owner"]), dim=1)
        return found

    def trained(self, batch: Batch) -> torch.Tensor:
        """The vectors before they are scaled to length 1, batch x 256."""
        return mean_by_owner(functional.relu(self.linear(self._state(batch))), batch["owner"])

    def _state(self, batch: Batch) -> torch.Tensor:
        _, (hidden, _) = self.lstm(batch["mels"])
        return hidden[-1]


def _starts(samples: int) -> list[int]:
    """First frames of the windows; at least one, and a last one only if enough of it is sound."""
    frames = -(-(samples + 1) // HOP)
    starts = list(range(0, max(1, frames - FRAMES + STEP + 1), STEP))
    covered = (samples - starts[-1] * HOP) / (FRAMES * HOP)
    return starts[:-1] if covered < COVERED and len(starts) > 1 else starts


def _mel_spectrogram(samples: torch.Tensor) -> torch.Tensor:
    """Power on the mel scale, frames x 40, as librosa computes it: centred Hann windows, Slaney's filters."""
    spectrum = torch.stft(
        samples, WINDOW, HOP, window=torch.hann_window(WINDOW), center=True, pad_mode="constant", return_complex=True
    )
    return spectrum.abs().square().T @ _filters()


@lru_cache(maxsize=1)
def _filters() -> torch.Tensor:
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(WINDOW // 2 + 1, MELS, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    return torch.from_numpy(bank).float()
