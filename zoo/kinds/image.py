"""Decodes images of every common form into RGB, and inspects image files without keeping them."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


_USUAL = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".avif",
        ".heic",
        ".heif",
        ".jp2",
        ".jxl",
        ".ppm",
        ".pgm",
        ".pbm",
        ".tga",
        ".svg",
    }
)
"""Suffixes that cameras and programs give to images, whether or not Pillow decodes them here: those it fails on are
named."""

_NOT_DECODED = frozenset({"EPS", "MPEG"})
"""Formats that Pillow opens although they are not raster images: PostScript and video."""

_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
_WINDOW = 1024


@dataclass(frozen=True)
class ImageFacts:
    """Facts about an image file, from reading it once.

    Attributes:
        digest: SHA-256 over the file's bytes.
        bytes: size of the file.
        size: width and height in pixels, after EXIF rotation.
        mode: colour mode as stored: ``RGB``, ``L``, ``P``, ``RGBA``, ``I;16``...
    """

    digest: bytes
    bytes: int
    size: tuple[int, int]
    mode: str


@cache
def suffixes() -> frozenset[str]:
    """Suffixes of image files, in lower case: the usual ones, and all others that Pillow decodes as it is installed.

    The format of a file is determined by its content.
    """
    try:
        from PIL import Image, ImageFile
    except ImportError:
        return _USUAL
    Image.init()
    decoded = {
        name
        for name, (opener, _) in Image.OPEN.items()
        if name not in _NOT_DECODED and not (isinstance(opener, type) and issubclass(opener, ImageFile.StubImageFile))
    }
    return _USUAL | {suffix for suffix, name in Image.registered_extensions().items() if name in decoded}


def has_image_magic(path: Path) -> bool:
    """Whether a file begins as an image does; for files without a suffix."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    return start.startswith(_MAGIC) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")


def decode(content: bytes) -> Image:
    """An encoded image as a PIL image in RGB: EXIF orientation applied, transparency on white, 16 bits scaled to 8.

    The first of several frames is taken. Raises what PIL raises for what it cannot decode.
    """
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content)) as image:
        image.load()
        upright = ImageOps.exif_transpose(image) or image
        return to_rgb(upright)


def to_rgb(image: Image) -> Image:
    """A decoded image in RGB; transparency is composed on white, deep greyscale scaled to 8 bits."""
    import PIL.Image

    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = PIL.Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return PIL.Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image) -> Image:
    """Greyscale of 16 or 32 bits, or floating point, in 8 bits: scaled by bit depth, not by the range of its values.

    Whole numbers are of 16 bits unless all fit into 8; floating-point values up to 1 are fractions of white. Only
    larger values are scaled by their own maximum.
    """
    import numpy as np
    import PIL.Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    largest = float(values.max(initial=0.0))
    if image.mode == "F":
        white = 1.0 if largest <= 1 else 255.0 if largest <= 255 else largest
    else:
        white = 65535.0 if image.mode.startswith("I;16") or 255 < largest <= 65535 else max(largest, 255.0)
    return PIL.Image.fromarray(np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8))


def inspect(path: Path) -> ImageFacts | str:
    """Facts about a file, or why it is not usable; the whole file is decoded, to find truncated ones.

    JPEG is decoded at an eighth of its size, which reads every byte and costs a fraction.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"cannot be opened: {(error.strerror or str(error)).lower()}"
    return inspect_content(content)


def inspect_content(content: bytes) -> ImageFacts | str:
    """As ``inspect``, for a file's bytes."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        return "is empty (0 bytes)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                mode = image.mode
                if image.getexif().get(_ORIENTATION) in _SIDEWAYS:
                    width, height = height, width
                image.draft(None, (1, 1))
                image.load()
    except UnidentifiedImageError:
        return "is not an image that Pillow can decode here"
    except Exception as error:
        # PIL's decoders raise a dozen types on broken files; each of them means that this item is unusable.
        # With the number of bytes left, each truncated file would have a different reason.
        reason = " ".join(str(error).partition(" (")[0].split()) or type(error).__name__
        return f"cannot be decoded: {reason[:1].lower()}{reason[1:]}"
    return ImageFacts(hashlib.sha256(content).digest(), len(content), (width, height), mode)


def inspect_all(paths: Iterable[Path]) -> Iterator[ImageFacts | str]:
    """``inspect`` for many files, in their order, on all cores; memory does not grow with their number."""
    from concurrent.futures import ThreadPoolExecutor

    remaining = iter(paths)
    with ThreadPoolExecutor(max_workers=min(16, (os.cpu_count() or 1) + 2)) as pool:
        while window := list(islice(remaining, _WINDOW)):
            yield from pool.map(inspect, window)
