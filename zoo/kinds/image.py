"""Decodes images of every common form into RGB, and inspects image files without keeping them."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Values
from zoo.errors import DataError, needs_extra
from zoo.kinds.counting import ImageSizes, quantile
from zoo.kinds.inputs import looked_at, read_each, resolve, typed_file
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel

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
"""Formats that Pillow opens and that are no image of pixels: a program for Ghostscript, and films."""

_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
_WINDOW = 1024
_THUMBNAIL = 160
"""Pixels of the longer side of a sample in a report, so that the page stays small."""

_SIDE = 16
"""Images are shrunk to so many pixels square, in colour, for features without a model: 768 numbers."""


@dataclass(frozen=True)
class ImageFacts:
    """What one look at an image file tells.

    Attributes:
        digest: SHA-256 over the file's bytes.
        bytes: size of the file.
        size: width and height in pixels, as the image stands upright.
        mode: colour mode as stored: ``RGB``, ``L``, ``P``, ``RGBA``, ``I;16``...
    """

    digest: bytes
    bytes: int
    size: tuple[int, int]
    mode: str


@cache
def suffixes() -> frozenset[str]:
    """Suffixes of image files, in lower case: the usual ones, and all others that Pillow decodes as it is installed.

    What is inside a file is found out by its content.
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
    """An encoded image as PIL's, in RGB: upright by its EXIF orientation, transparency on white, 16 bits scaled to 8.

    Of several frames the first is taken. Raises what PIL raises for what it cannot decode.
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
    """Greyscale of 16 or 32 bits, or floating point, in 8: by the depth of its values, not by their range.

    Whole numbers are of 16 bits unless all fit into 8; floating-point values up to 1 are fractions of white. Only
    what lies beyond these is stretched to its own largest value.
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
    """What a file holds, or why it cannot be used; the whole file is decoded, so that a cut one is found.

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
        # How many bytes are left would make each truncated file a reason of its own.
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


def _encoded(image: Image, form: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


class Images(Kind):
    """Images, decoded to ``PIL.Image`` in RGB."""

    name = "image"
    per_sample = "an image"
    column_names = (
        "image",
        "image_path",
        "image_file",
        "img",
        "img_path",
        "path",
        "file_path",
        "filepath",
        "file",
        "file_name",
        "filename",
        "photo",
        "picture",
    )
    cells = "paths of images"

    @property
    def suffixes(self) -> frozenset[str]:  # type: ignore[override]
        """Those of all formats that Pillow decodes as it is installed."""
        return suffixes()

    def is_encoded(self, content: bytes) -> bool:
        """Whatever is not recognised as anything else."""
        return True

    def read_cells(self, cells: Sequence[Any], folder: Path) -> Values:
        """Images in the files that cells name, or whose bytes cells hold; decoded when indexed."""
        from zoo.kinds.items import EncodedImages

        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
        if cells and isinstance(cells[0], bytes):
            return looked_at(list(map(inspect_content, cells)), EncodedImages, cells)
        return self.read_files([resolve(str(cell), folder) for cell in cells], folder)

    def is_file(self, path: Path) -> bool:
        """By the suffix, or without one by the first bytes."""
        suffix = path.suffix.lower()
        return suffix in suffixes() or (not suffix and has_image_magic(path))

    def read_files(self, paths: Sequence[Path], root: Path) -> Values:
        """Images, decoded when indexed; each is decoded once here to find broken ones."""
        from zoo.kinds.items import ImageFiles

        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
        return looked_at(list(inspect_all(paths)), lambda kept, known: ImageFiles(root, kept, known), paths)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Names of image files."""

        def read(text: str) -> Image:
            with needs_extra("data", "read images"):
                import PIL.Image  # noqa: F401
            path = typed_file(text, "image")
            if isinstance(facts := inspect(path), str):
                raise DataError(f"'{text}' cannot be read as an image: it {facts}.")
            return decode(path.read_bytes())

        return read_each(texts, read)

    def input_html(self, item: Any) -> str:
        """The image."""
        return parts.figure(item, f"The input, {item.size[0]} by {item.size[1]} pixels.", "The input.")

    def sample_html(self, item: Any, index: int, label: str) -> str:
        """A thumbnail; tiny images stay as they are."""
        image = item.convert("RGB")
        tiny = max(image.size) < _THUMBNAIL // 2
        width, height = image.size
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        form, style = ("PNG", ' class="tiny"') if tiny else ("JPEG", "")
        labelled = f", labelled {label}" if label else ""
        words = escape(f"Sample {index}, {width} by {height} pixels{labelled}", quote=True)
        source = f"data:image/{form.lower()};base64,{base64.b64encode(_encoded(image, form)).decode('ascii')}"
        return f'<li><img{style} alt="{words}" src="{source}">{escape(label)}</li>'

    def profile(self, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Sizes in pixels, and images by colour mode."""
        from zoo.kinds.items import item_facts

        sizes: Counter[tuple[int, int, int]] = Counter()
        modes: Counter[str] = Counter()
        for index in range(len(inputs)):
            facts = item_facts(inputs, index)
            if facts.size is not None:
                sizes[(facts.size[0] * facts.size[1], *facts.size)] += 1
                modes[facts.mode or "?"] += 1
        if not sizes:
            return {}
        smallest, middle, largest = (quantile(sizes, q)[1:] for q in (0.0, 0.5, 1.0))
        return {"images": ImageSizes(smallest, middle, largest, dict(modes.most_common()))}

    def raw_features(self, inputs: Sequence[Any]) -> tuple[np.ndarray, str]:
        """The pixels of the image shrunk to 16 x 16 in RGB."""
        import numpy as np

        rows = [np.asarray(image.resize((_SIDE, _SIDE)), dtype=np.float32).reshape(-1) / 255 for image in inputs]
        return np.stack(rows), f"pixels of {_SIDE} x {_SIDE} images"

    def ordinary(self) -> Sequence[Any]:
        """Waves of colour; networks that were trained on photographs make little of noise."""
        import numpy as np
        from PIL import Image

        found = []
        for number, (height, width) in enumerate(((64, 64), (80, 48), (33, 97), (224, 224)), start=1):
            down, across = np.mgrid[0:height, 0:width] / 32
            waves = [np.sin(number * down + 2 * across), np.cos(down * across / number), np.sin(across - number * down)]
            found.append(Image.fromarray(np.stack([127 + 120 * wave for wave in waves], axis=2).astype(np.uint8)))
        return found

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One pixel, very wide, large."""
        from PIL import Image

        sizes = {"an image of one pixel": (1, 1), "a very wide image": (2000, 3), "a large image": (3000, 2000)}
        return [(name, Image.new("RGB", size, (200, 30, 60))) for name, size in sizes.items()]
