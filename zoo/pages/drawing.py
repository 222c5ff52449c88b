"""Colours of classes in drawings, and drawings written to files."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import InvalidInput, storage_errors

if TYPE_CHECKING:
    from PIL.Image import Image

_GOLDEN = 0.618034


def save_alone(drawn: Sequence[Image], path: Path) -> Path:
    """Write a single drawing to a file.

    Raises:
        InvalidInput: there are several.
    """
    if len(drawn) != 1:
        raise InvalidInput(f"'{path}' is a single image; there are {len(drawn)} outputs.", "Name a folder: -o drawn/")
    return save(drawn[0], path.parent, path.stem)


def save(drawn: Image, folder: Path, name: str) -> Path:
    """Write a drawing as ``FOLDER/NAME.png``; the folder is created if missing."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        drawn.save(path)
    return path


def colour(index: int) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a class by its number; neighbours are far apart."""
    red, green, blue = colorsys.hsv_to_rgb((index * _GOLDEN) % 1, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
