"""Boxes drawn on their image, and as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.kinds.known import kind_of
from zoo.pages import parts
from zoo.pages.drawing import colour

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo_vision.detection.boxes import Boxes

LIKELY = 0.5
"""Minimum score of a box to be drawn."""

LEGIBLE = 480
"""Pixels of the longer side below which an image is enlarged, so that labels do not hide the objects."""


def html(image: Image, answer: Boxes) -> str:
    """The image with the likely boxes, and a table of them, or of the most likely ones if none is likely."""
    if not answer.found:
        return f"{kind_of('image').input_html(image)}<p>Nothing was found.</p>"
    boxes = sorted(answer.found, key=lambda box: -box.score)
    drawn = [box for box in boxes if box.score >= LIKELY]
    listed = drawn or boxes
    words = "; ".join(f"{box.label} {box.score:.2f}" for box in drawn[: parts.SHOWN]) or "no object is likely"
    rows = [(box.label, f"{box.score:.3f}", *(f"{side:.0f}" for side in box.corners)) for box in listed[: parts.SHOWN]]
    caption = (
        f"Objects with a score of at least {LIKELY}, in pixels of the image."
        if drawn
        else f"No object has a score of {LIKELY}; these are the most likely."
    )
    table = parts.table(("Object", "Score", "Left", "Top", "Right", "Bottom"), rows, f"{caption}{parts.rest(listed)}")
    return parts.figure(draw(image, answer), f"The image with boxes: {words}.", "Boxes by the model.") + table


def draw(image: Image, answer: Boxes) -> Image:
    """The image with the likely boxes, the most likely on top, each class in a colour of its own."""
    from PIL import ImageDraw, ImageFont

    factor = max(1, round(LEGIBLE / max(image.size)))
    drawn = image.convert("RGB").resize((factor * image.size[0], factor * image.size[1]), 0)
    pen = ImageDraw.Draw(drawn)
    classes = sorted(set(answer.labels))
    width = max(1, round(max(drawn.size) / 200))
    font = ImageFont.load_default(max(10, round(max(drawn.size) / 36)))
    for box in sorted(answer.found, key=lambda box: box.score):
        if box.score < LIKELY:
            continue
        hue = colour(classes.index(box.label))
        left, top, right, bottom = (factor * side for side in box.corners)
        pen.rectangle((left, top, right, bottom), outline=hue, width=width)
        text = f"{box.label} {box.score:.2f}"
        space = pen.textbbox((left + width, top + width), text, font=font)
        pen.rectangle(space, fill=hue)
        pen.text((left + width, top + width), text, fill="black", font=font)
    return drawn
