"""Sequences of inputs that decode when indexed, and facts about single inputs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from zoo.entities import Subset
from zoo.errors import DataError
from zoo.kinds import audio
from zoo.kinds.image import ImageFacts, decode

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

T = TypeVar("T")

_SNIPPET = 40
_WINDOW = 1024


@dataclass(frozen=True)
class ItemFacts:
    """Facts about one input.

    Attributes:
        name: its name in messages: a path, or its position and first words.
        digest: SHA-256 of its content.
        bytes: size of the content, in bytes.
        size: width and height of an image.
        mode: colour mode of an image, as stored.
        seconds: duration of a recording.
    """

    name: str
    digest: bytes
    bytes: int
    size: tuple[int, int] | None = None
    mode: str | None = None
    seconds: float | None = None


@runtime_checkable
class HasFacts(Protocol):
    """A sequence of inputs that knows facts about each without decoding it."""

    def facts(self, index: int) -> ItemFacts:
        """Facts about one input."""
        ...


class ImageFiles(Sequence[Any]):
    """Image files, decoded to RGB when indexed.

    Attributes:
        root: the folder that the names in messages are relative to.
        paths: the files.
        known: facts about each, from reading it.
    """

    def __init__(self, root: Path, paths: Sequence[Path], known: Sequence[ImageFacts]) -> None:
        self.root, self.paths, self.known = root, paths, known

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        return decode(_content(self.paths[index]))

    def facts(self, index: int) -> ItemFacts:
        """Facts about an image, from reading it."""
        known = self.known[index]
        return ItemFacts(_name(self.paths[index], self.root), known.digest, known.bytes, known.size, known.mode)


class EncodedImages(Sequence[Any]):
    """Images as encoded bytes, as in tables with image columns; decoded to RGB when indexed."""

    def __init__(self, contents: Sequence[bytes], known: Sequence[ImageFacts]) -> None:
        self.contents, self.known = contents, known

    def __len__(self) -> int:
        return len(self.contents)

    def __getitem__(self, index: Any) -> Any:
        return Subset(self, range(len(self))[index]) if isinstance(index, slice) else decode(self.contents[index])

    def facts(self, index: int) -> ItemFacts:
        """Facts about an image, from reading it."""
        known = self.known[index]
        return ItemFacts(f"item {index}", known.digest, known.bytes, known.size, known.mode)


class AudioFiles(Sequence[Any]):
    """Recordings in files, decoded to ``zoo.kinds.audio.Recording`` when indexed.

    Attributes:
        root: the folder that the names in messages are relative to.
        paths: the files.
        known: facts about each, from reading it.
    """

    def __init__(self, root: Path, paths: Sequence[Path], known: Sequence[audio.AudioFacts]) -> None:
        self.root, self.paths, self.known = root, paths, known

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        return audio.decode(_content(self.paths[index]))

    def facts(self, index: int) -> ItemFacts:
        """Facts about a recording, from reading it."""
        known = self.known[index]
        return ItemFacts(_name(self.paths[index], self.root), known.digest, known.bytes, seconds=known.seconds)


class EncodedAudio(Sequence[Any]):
    """Recordings as encoded bytes, as in tables with audio columns; decoded when indexed."""

    def __init__(self, contents: Sequence[bytes], known: Sequence[audio.AudioFacts]) -> None:
        self.contents, self.known = contents, known

    def __len__(self) -> int:
        return len(self.contents)

    def __getitem__(self, index: Any) -> Any:
        return Subset(self, range(len(self))[index]) if isinstance(index, slice) else audio.decode(self.contents[index])

    def facts(self, index: int) -> ItemFacts:
        """Facts about a recording, from reading it."""
        known = self.known[index]
        return ItemFacts(f"item {index}", known.digest, known.bytes, seconds=known.seconds)


class PixelImages(Sequence[Any]):
    """Greyscale images in one array, n x height x width, uint8; PIL images in RGB when indexed."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: Any) -> Any:
        from PIL import Image

        if isinstance(index, slice):
            return Subset(self, range(len(self))[index])
        return Image.fromarray(self.pixels[index]).convert("RGB")

    def facts(self, index: int) -> ItemFacts:
        """Size and digest of an image's pixels."""
        pixels = self.pixels[index]
        height, width = pixels.shape
        digest = hashlib.sha256(f"L {width}x{height}\n".encode() + pixels.tobytes()).digest()
        return ItemFacts(f"item {index}", digest, pixels.nbytes, (width, height), "L")


def text_digest(text: str) -> bytes:
    """SHA-256 over a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def item_facts(inputs: Sequence[Any], index: int) -> ItemFacts:
    """Facts about an input, which is decoded if its sequence has none."""
    if isinstance(inputs, Subset):
        return item_facts(inputs.items, inputs.indices[index])
    if isinstance(inputs, HasFacts):
        return inputs.facts(index)
    item = inputs[index]
    if isinstance(item, str):
        start = " ".join(item.split())
        cut = f"{start[:_SNIPPET]}…" if len(start) > _SNIPPET else start
        return ItemFacts(f"item {index} “{cut}”", text_digest(item), len(item.encode("utf-8", "surrogatepass")))
    return _decoded_facts(item, index)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"'{path}' was readable before and no longer is: {error}.",
            "Do not move or change the files while zoo is running.",
        ) from error


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _decoded_facts(item: Any, index: int) -> ItemFacts:
    if hasattr(item, "tobytes") and hasattr(item, "size") and hasattr(item, "mode"):
        image: Image = item
        content = image.tobytes()
        digest = hashlib.sha256(f"{image.mode} {image.size[0]}x{image.size[1]}\n".encode() + content).digest()
        return ItemFacts(f"item {index}", digest, len(content), image.size, image.mode)
    content = item.tobytes() if hasattr(item, "tobytes") else repr(item).encode()
    return ItemFacts(f"item {index}", hashlib.sha256(content).digest(), len(content))


def in_threads(function: Callable[[int], T], places: Iterable[int]) -> Iterator[T]:
    """The results of a function that decodes files, in order, computed on all cores."""
    from concurrent.futures import ThreadPoolExecutor

    remaining = iter(places)
    with ThreadPoolExecutor(max_workers=min(16, (os.cpu_count() or 1) + 2)) as pool:
        while window := list(islice(remaining, _WINDOW)):
            yield from pool.map(function, window)
