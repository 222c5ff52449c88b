"""Draws what a model found on what it was found in: boxes with labels, masks in colours, recordings as spectrograms."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import InvalidInput, storage_errors

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

LIKELY = 0.5
"""Boxes are drawn from this score on."""

LEGIBLE = 480
"""Pixels that the longer side of a drawing has at least, about."""

_GOLDEN = 0.618034
_OPACITY = 0.5


def draw(item: Any, answer: Any) -> Image:
    """A copy of a picture with the boxes or the mask of an answer on it; a recording's spectrogram under its answer.

    An answer that is a picture is drawn as it is; a forecast after its series; of a protein's structure the distances.

    Raises:
        InvalidInput: the answer holds neither.
    """
    if isinstance(answer, Mapping) and "pdb" in answer:
        from zoo.data.structure_drawing import draw_structure

        return draw_structure(answer)
    if isinstance(answer, Mapping) and "native_perplexity" in answer:
        from zoo.data.structure_drawing import draw_design

        return draw_design(item, answer)
    if isinstance(answer, Mapping) and "median" in answer:
        from zoo.data.forecast_drawing import draw_forecast

        return draw_forecast(item, answer)
    if hasattr(answer, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        return draw_recording(answer, str(item))
    if hasattr(item, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        return draw_recording(item, answer)
    if isinstance(answer, Mapping) and "image" in answer:
        made: Image = answer["image"]
        return made
    image: Image = item
    if isinstance(answer, Mapping) and "mask" in answer:
        return draw_mask(image, answer["mask"])
    if isinstance(answer, Sequence) and all(isinstance(found, Mapping) and "box" in found for found in answer):
        return draw_boxes(image, answer)
    raise InvalidInput("This answer holds no boxes and no mask, so that there is nothing to draw.", "Leave -o out.")


def draw_boxes(image: Image, found: Sequence[Mapping[str, Any]]) -> Image:
    """The objects of a score of at least 0.5, the likeliest on top, each kind in a colour of its own."""
    from PIL import ImageDraw, ImageFont

    # On a picture smaller than this the labels would hide what they name.
    factor = max(1, round(LEGIBLE / max(image.size)))
    drawn = image.convert("RGB").resize((factor * image.size[0], factor * image.size[1]), 0)
    pen = ImageDraw.Draw(drawn)
    kinds = sorted({str(item["label"]) for item in found})
    width = max(1, round(max(drawn.size) / 200))
    font = ImageFont.load_default(max(10, round(max(drawn.size) / 36)))
    for item in sorted(found, key=lambda item: float(item["score"])):
        if float(item["score"]) < LIKELY:
            continue
        hue = colour(kinds.index(str(item["label"])))
        left, top, right, bottom = (factor * float(side) for side in item["box"])
        pen.rectangle((left, top, right, bottom), outline=hue, width=width)
        text = f"{item['label']} {float(item['score']):.2f}"
        box = pen.textbbox((left + width, top + width), text, font=font)
        pen.rectangle(box, fill=hue)
        pen.text((left + width, top + width), text, fill="black", font=font)
    return drawn


def draw_mask(image: Image, mask: np.ndarray) -> Image:
    """Each class of the mask in a colour of its own over the picture; the commonest stays clear."""
    import numpy as np
    from PIL import Image

    table = np.array([colour(index) for index in range(256)], dtype=np.uint8)
    indices = np.asarray(mask)
    blended = Image.blend(image.convert("RGB"), Image.fromarray(table[indices]), _OPACITY)
    shown = Image.fromarray(np.where(indices == np.bincount(indices.ravel()).argmax(), 0, 255).astype(np.uint8))
    return Image.composite(blended, image.convert("RGB"), shown)


def save_alone(drawn: Sequence[Image], path: Path) -> Path:
    """Write the one drawing that there is to a file.

    Raises:
        InvalidInput: there are several.
    """
    if len(drawn) != 1:
        raise InvalidInput(f"There are {len(drawn)} answers, and '{path}' is one picture.", "Name a folder: -o drawn/")
    return save(drawn[0], path.parent, path.stem)


def save(drawn: Image, folder: Path, name: str) -> Path:
    """Write a drawing as ``FOLDER/NAME.png``; the folder is made where it is missing."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        drawn.save(path)
    return path


def colour(index: int) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a class by its number; neighbours are far apart."""
    red, green, blue = colorsys.hsv_to_rgb((index * _GOLDEN) % 1, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
