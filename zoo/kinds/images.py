"""Images as a kind of sample."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Values
from zoo.errors import DataError, needs_extra
from zoo.kinds.augmentation.images import DESCRIBED, MOVING, augmented
from zoo.kinds.counting import ImageSizes, quantile
from zoo.kinds.image import decode, has_image_magic, inspect, inspect_all, inspect_content, suffixes
from zoo.kinds.inputs import looked_at, read_each, resolve, typed_file
from zoo.kinds.items import EncodedImages, ImageFiles, item_facts
from zoo.kinds.near import near_images
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel

_THUMBNAIL = 160
"""Pixels of the longer side of a sample in a report, so that the page stays small."""

_SIDE = 16
"""Side of the shrunk colour image for features without a model, in pixels: 768 numbers."""


def _encoded(image: Image, form: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


_RECIPE = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
"""Keys of timm's ``pretrained_cfg`` that cards keep."""


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
    batch_sizes: ClassVar[Mapping[str, int]] = {"cpu": 16, "accelerator": 128}
    augmentations: ClassVar[Mapping[str, str]] = DESCRIBED
    moving_augmentations: ClassVar[Mapping[str, str]] = MOVING

    @property
    def suffixes(self) -> frozenset[str]:  # type: ignore[override]
        """Those of all formats that Pillow decodes as it is installed."""
        return suffixes()

    def recipe(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """With size, mean, standard deviation and cropping in the format of timm, else with the size alone."""
        published, side = config.get("pretrained_cfg"), config.get("image_size")
        if isinstance(published, Mapping):
            return {"kind": self.name, **{key: published[key] for key in _RECIPE if key in published}}
        if isinstance(side, int):
            return {"kind": self.name, "input_size": [config.get("num_channels", 3), side, side]}
        return {"kind": self.name}

    def is_encoded(self, content: bytes) -> bool:
        """Whatever is not recognised as anything else."""
        return True

    def read_cells(self, cells: Sequence[Any], folder: Path) -> Values:
        """Images in the files that cells name, or whose bytes cells hold; decoded when indexed."""
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

    def near(self, inputs: Sequence[Any]) -> Iterator[tuple[int, int]]:
        """Images that were resized or encoded again, or changed little."""
        return near_images(inputs)

    def augment(self, item: Any, geometry: Any, strength: str, generator: np.random.Generator) -> tuple[Any, Any]:
        """Cropped and coloured, in its own size; see ``zoo.kinds.augmentation.images``."""
        return augmented(item, geometry, strength, generator)

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
        """Waves of colour; networks trained on photographs cannot tell noise images apart."""
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
