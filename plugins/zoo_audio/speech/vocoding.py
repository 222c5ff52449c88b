"""Converts spectrograms to waveforms: with a trained vocoder if there is one, else with Griffin-Lim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.config import setting
from zoo.errors import UnsupportedModel
from zoo.features import files_of
from zoo_audio.options import VOCODER

if TYPE_CHECKING:
    import torch

FOLDER = "vocoder"
ROUNDS, MOMENTUM = 60, 0.99
"""Iterations and momentum of the fast Griffin-Lim algorithm (Perraudin, Balazs and Søndergaard, 2013)."""

LEAST, SILENCE = 8, -10.0
"""Minimum number of frames for the algorithm, and log10 of the magnitude of silence."""


def vocoder_for(folder: Path, device: str) -> Any:
    """The SpeechT5HifiGan of the setting ``vocoder``, or of the model's folder ``vocoder``; None without one.

    Raises:
        ZooError: the one that is set is unknown, or cannot be downloaded or loaded.
    """
    named = setting(VOCODER, "")
    place = files_of(named).root if named else folder / FOLDER
    if not place.is_dir():
        return None
    from transformers import SpeechT5HifiGan

    try:
        found: torch.nn.Module = SpeechT5HifiGan.from_pretrained(place, local_files_only=True, weights_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise UnsupportedModel(f"The vocoder '{named or place}' cannot be loaded: {reason}.") from error
    return found.to(device).eval()


def griffin_lim(spectrogram: torch.Tensor, filters: torch.Tensor, window: torch.Tensor, hop: int) -> torch.Tensor:
    """A waveform that approximates a mel spectrogram; phases are found iteratively, from a fixed start.

    Args:
        spectrogram: log10 of the magnitudes of the bands, frames x bands.
        filters: frequencies x bands.
        window: weights of a frame, as long as the Fourier transform.
        hop: samples from one frame to the next.
    """
    import torch

    size, frames = len(window), len(spectrogram)
    # The transform needs some frames, so shorter spectrograms are padded with silence.
    spectrogram = torch.nn.functional.pad(spectrogram, (0, 0, 0, max(0, LEAST - frames)), value=SILENCE)
    magnitudes = (torch.linalg.pinv(filters.T.double()) @ (10.0 ** spectrogram.double()).T).clamp(min=1e-10).float()
    generator = torch.Generator().manual_seed(0)
    angles = torch.polar(torch.ones_like(magnitudes), 6.2831853 * torch.rand(magnitudes.shape, generator=generator))
    before = torch.zeros_like(angles)
    for _ in range(ROUNDS):
        wave = torch.istft(magnitudes * angles, size, hop, window=window, center=True)
        now = torch.stft(wave, size, hop, window=window, center=True, return_complex=True)[:, : magnitudes.shape[1]]
        moved = now + MOMENTUM * (now - before)
        angles, before = moved / moved.abs().clamp(min=1e-12), now
    return torch.istft(magnitudes * angles, size, hop, window=window, center=True)[: frames * hop]
