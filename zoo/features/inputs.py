"""Single inputs as people type them on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import DataError, UnsupportedModel, needs_extra


def read_input(text: str, kind: str) -> Any:
    """What ``text`` stands for: the image in that file, or the text itself.

    Raises:
        DataError: there is no such file, or it is no image.
        UnsupportedModel: inputs of this kind cannot be typed.
    """
    if kind == "text":
        return text
    if kind != "image":
        raise UnsupportedModel(f"Inputs of the kind '{kind}' cannot be given on the command line.")
    with needs_extra("data", "read images"):
        from PIL import Image, ImageOps, UnidentifiedImageError
    path = Path(text)
    if not path.is_file():
        raise DataError(f"There is no image file '{text}'.")
    try:
        with Image.open(path) as opened:
            # Cameras keep the pixels as the sensor lay and note which side is up.
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"'{text}' cannot be read as an image: {reason}.") from error
