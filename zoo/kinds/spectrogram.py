"""Draws a recording as its spectrogram, with the words or classes that a model predicts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.kinds.audio import Recording

WINDOW_SECONDS, FRAMES = 0.025, 900
"""Length of a window, and the maximum number of windows, which is the width of the plot."""

FLOOR = 80.0
"""Decibels below the loudest that are drawn as silence."""

SHOWN = 5
_LEFT, _BOTTOM, _HEIGHT, _MARGIN = 56, 40, 320, 12
_SIZE = 16
_COLOURS = ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191))
"""From silent to loud: dark to light, equally far apart in lightness."""


def spectrogram(samples: np.ndarray, sampling_rate: int, frames: int = FRAMES) -> np.ndarray:
    """Power in decibels below the loudest, frequencies x frames, the lowest frequency first; Hann windows of 25 ms.

    Args:
        samples: float32, one channel, n.
        sampling_rate: samples per second.
        frames: maximum number of windows, spread evenly over the recording.
    """
    import numpy as np

    window = max(16, round(WINDOW_SECONDS * sampling_rate))
    padded = np.pad(samples, (window // 2, window - window // 2))
    count = min(frames, max(1, len(samples)))
    starts = np.linspace(0, len(samples) - 1, count).round().astype(int)
    power = np.empty((window // 2 + 1, count))
    shape = np.hanning(window)
    for column, start in enumerate(starts):
        power[:, column] = np.abs(np.fft.rfft(padded[start : start + window] * shape)) ** 2
    loudest = power.max()
    decibels: np.ndarray = (
        10 * np.log10(np.maximum(power, loudest * 10 ** (-FLOOR / 10)) / loudest)
        if loudest
        else (np.full_like(power, -FLOOR))
    )
    return decibels


def draw_recording(recording: Recording, lines: str | Sequence[str]) -> Image:
    """The spectrogram over seconds and kilohertz, under lines of text, or a text in quotes that is wrapped."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    levels = np.linspace(0, len(_COLOURS) - 1, 256)
    channels = [np.interp(levels, range(len(_COLOURS)), channel) for channel in zip(*_COLOURS, strict=True)]
    table = np.stack(channels, axis=1).astype(np.uint8)
    decibels = spectrogram(recording.samples, recording.sampling_rate)
    indices = ((decibels[::-1] + FLOOR) * 255 / FLOOR).round().astype(np.uint8)
    plot = Image.fromarray(table[indices]).resize((FRAMES, _HEIGHT), Image.Resampling.BILINEAR)
    font = ImageFont.load_default(_SIZE)
    shown = textwrap.wrap(f"“{lines}”", 100) if isinstance(lines, str) else [line[:100] for line in lines[:SHOWN]]
    top = _MARGIN + len(shown) * (_SIZE + 6) + (_MARGIN if shown else 0)
    drawn = Image.new("RGB", (_LEFT + FRAMES + 3 * _MARGIN, top + _HEIGHT + _BOTTOM), "white")
    pen = ImageDraw.Draw(drawn)
    for row, line in enumerate(shown):
        pen.text((_LEFT, _MARGIN + row * (_SIZE + 6)), line, fill="black", font=font)
    drawn.paste(plot, (_LEFT, top))
    small = ImageFont.load_default(_SIZE - 4)
    for seconds in _ticks(recording.seconds):
        x = _LEFT + seconds / recording.seconds * FRAMES
        pen.line((x, top + _HEIGHT, x, top + _HEIGHT + 4), fill="black")
        pen.text((x, top + _HEIGHT + 6), f"{seconds:g} s", fill="black", font=small, anchor="ma")
    highest = recording.sampling_rate / 2000
    for kilohertz in _ticks(highest):
        y = top + _HEIGHT * (1 - kilohertz / highest)
        pen.line((_LEFT - 4, y, _LEFT, y), fill="black")
        pen.text((_LEFT - 7, y), f"{kilohertz:g} kHz", fill="black", font=small, anchor="rm")
    return drawn


def _ticks(end: float, most: int = 8) -> list[float]:
    """Round numbers from 0 to ``end``, at most nine."""
    rough = end / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [round(step * number, 10) for number in range(int(end / step + 1e-9) + 1)]
