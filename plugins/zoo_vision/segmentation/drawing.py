"""Masks drawn on their image, and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from zoo.pages import parts
from zoo.pages.drawing import colour

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo_vision.segmentation.masks import Mask

_OPACITY = 0.5


def html(image: Image, answer: Mask) -> str:
    """The image with the mask, and a legend with the share of each class, largest first."""
    import numpy as np

    counts = np.bincount(answer.pixels.ravel())
    clear = int(counts.argmax())
    indices = [int(index) for index in np.unique(answer.pixels)]
    rows = sorted(
        (
            (name, counts[index] / answer.pixels.size, index)
            for name, index in zip(answer.classes, indices, strict=True)
        ),
        key=lambda row: -row[1],
    )
    body = "".join(
        f"<tr><td>{parts.swatch(None if index == clear else colour(index))} {escape(name)}</td>"
        f'<td class="number">{share:.1%}</td></tr>'
        for name, share, index in rows
    )
    words = ", ".join(f"{name} {share:.0%}" for name, share, _ in rows)
    legend = (
        "<table><caption>Share of the image; the most frequent class is left clear.</caption><thead><tr>"
        f'<th scope="col">Class</th><th scope="col" class="number">Share</th></tr></thead><tbody>{body}</tbody></table>'
    )
    drawn = draw(image, answer.pixels)
    return parts.figure(drawn, f"The image with a mask: {words}.", "Mask by the model.") + legend


def draw(image: Image, pixels: np.ndarray) -> Image:
    """Each class in a colour of its own over the image; the most frequent one stays clear."""
    import numpy as np
    from PIL import Image as Images

    table = np.array([colour(index) for index in range(256)], dtype=np.uint8)
    blended = Images.blend(image.convert("RGB"), Images.fromarray(table[pixels]), _OPACITY)
    coloured = Images.fromarray(np.where(pixels == np.bincount(pixels.ravel()).argmax(), 0, 255).astype(np.uint8))
    return Images.composite(blended, image.convert("RGB"), coloured)
