"""Reads images with a class for each pixel: a folder of images next to one of masks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.contract.reader import ReadOptions, settle
from zoo.data.listing import count_passed_over, walk
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.image import inspect_all, suffixes
from zoo.kinds.items import ImageFiles
from zoo.kinds.text import read_text
from zoo_vision.segmentation.masks import IGNORED

if TYPE_CHECKING:
    import numpy as np

    from zoo.kinds.image import ImageFacts

_MASKS = ("masks", "annotations", "labels")


class MaskReader:
    """``images/NAME.jpg`` with ``masks/NAME.png``, whose values are class indices; names in ``classes.txt``."""

    name = "masks (images/ and masks/)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A folder with ``images`` and ``masks`` (or ``annotations``, ``labels``) in it that contains PNG files."""
        root = Path(reference).expanduser()
        return bool(reference.strip()) and (root / "images").is_dir() and _masks(root) is not None

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The images with their masks, height x width, uint8; pixels of value 255 are not evaluated.

        Raises:
            DataError: nothing can be used, or ``classes.txt`` has too few names.
        """
        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
        root = Path(reference).expanduser()
        masks = _masks(root)
        assert masks is not None
        beside = {path for path in walk(root / "images") if path.suffix.lower() not in suffixes()}
        places = sorted(set(walk(root / "images")) - beside)
        paths: list[Path] = []
        known: list[ImageFacts] = []
        targets: list[np.ndarray] = []
        problems: list[Problem] = []
        for path, facts in zip(places, inspect_all(places), strict=True):
            mask = facts if isinstance(facts, str) else _mask(masks / f"{path.stem}.png", facts.size)
            if isinstance(mask, str):
                problems.append(Problem(path.name, mask))
            elif not isinstance(facts, str):
                paths.append(path)
                known.append(facts)
                targets.append(mask)
        settle(reference, len(paths), problems, options)
        if not paths:
            raise DataError(f"'{root / 'images'}' contains no images.")
        classes = _classes(root, targets)
        digests = [hashlib.sha256(mask.tobytes()).hexdigest() for mask in targets]
        return Dataset(
            reference,
            "image",
            ImageFiles(root, paths, known),
            targets,
            classes,
            fingerprint("image", (facts.digest for facts in known), digests, classes),
            "mask",
            {"target": masks.name},
            tuple(problems),
            passed_over=count_passed_over(sorted(beside), root, "images"),
        )


def _masks(root: Path) -> Path | None:
    return next((root / name for name in _MASKS if any((root / name).glob("*.png"))), None)


def _mask(path: Path, size: tuple[int, int]) -> np.ndarray | str:
    """A mask of an image's size, or why there is none."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        return f"has no mask '{path.name}'"
    try:
        with Image.open(path) as image:
            if image.mode not in {"L", "P", "1", "I;16"}:
                return f"has a colour mask ({image.mode}), but a class index for each pixel is needed"
            mask = np.asarray(image)
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        return f"has a mask that cannot be decoded: {' '.join(str(error).split())}"
    if mask.shape != (size[1], size[0]):
        return f"is {size[0]} x {size[1]} pixels, but its mask is {mask.shape[1]} x {mask.shape[0]}"
    return mask.astype(np.uint8)


def _classes(root: Path, masks: Sequence[np.ndarray]) -> tuple[str, ...]:
    import numpy as np

    seen = np.unique(np.concatenate([np.unique(mask) for mask in masks])).astype(int)
    count = int(seen[seen != IGNORED].max(initial=-1)) + 1
    names = [f"class {index}" for index in range(count)]
    if (root / "classes.txt").is_file():
        names = [line.strip() for line in read_text(root / "classes.txt").splitlines() if line.strip()]
    if len(names) < count:
        raise DataError(
            f"'{root / 'classes.txt'}' names {len(names)} classes, but the masks have {count}.",
            "Write one name per line, in the order of the indices.",
        )
    return tuple(names)
