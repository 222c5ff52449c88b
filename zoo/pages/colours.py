"""Colours for model outputs: one for each class, and scales for maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SEQUENTIAL = ((247, 251, 255), (158, 202, 225), (66, 146, 198), (8, 48, 107))
"""Sequential, light to dark, so that it also works in black and white."""

DIVERGING = ((33, 90, 168), (146, 190, 224), (247, 247, 247), (240, 165, 128), (170, 28, 43))
"""Diverging: blue below zero, white at zero, red above zero."""

UNKNOWN = (128, 128, 128)
LEGIBLE = 640
"""Approximate width of a map, in pixels."""


def paint(values: np.ndarray, low: float, high: float, scale: tuple[tuple[int, int, int], ...]) -> Image:
    """A field, rows x columns, in colours between those of ``scale``; grey where it is not finite."""
    import numpy as np
    from PIL import Image

    known = np.isfinite(values)
    place = np.clip((np.where(known, values, low) - low) / ((high - low) or 1.0), 0, 1)
    stops = np.linspace(0, 1, len(scale))
    channels = [np.interp(place, stops, [colour[channel] for colour in scale]) for channel in range(3)]
    pixels = np.where(known[..., None], np.stack(channels, axis=-1), UNKNOWN).round().astype(np.uint8)
    factor = max(1, round(LEGIBLE / values.shape[1]))
    return Image.fromarray(pixels).resize((factor * values.shape[1], factor * values.shape[0]), 0)
