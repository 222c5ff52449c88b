"""Image preprocessing: resizing and cropping per image, normalisation per batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from zoo.errors import DataError, needs_extra

with needs_extra("vision", "prepare images"):
    import numpy as np
    import torch
    from PIL import Image


class ImageRecipe(Protocol):
    """The steps from a decoded image to pixels."""

    def prepare(self, image: Image.Image) -> Any:
        """One image in the network's size; needs no network and may run on any thread."""
        ...

    def prepare_all(self, images: Sequence[Image.Image]) -> list[Any]:
        """``prepare`` of many images."""
        ...

    def collate(self, items: Sequence[Any]) -> torch.Tensor:
        """Prepared images as one batch."""
        ...

    def pixels(self, batch: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """The network's input, batch x 3 x height x width, on the device and in the dtype of ``like``."""
        ...


class ByteRecipe:
    """Resizes and crops with a library's own transforms; images stay bytes until the batch is on the device.

    Transferring bytes takes a quarter of the time of floats, and normalising the batch at once is cheaper than each
    image.

    Args:
        geometry: function of an image that returns an image (or height x width x 3 array) in the network's size.
        size: height and width of that.
        mean, std: of the pixels in 0..1, by channel.
    """

    def __init__(
        self,
        geometry: Callable[[Image.Image], Any],
        size: tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        self._geometry, self.size = geometry, size
        self._mean = torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1) * 255
        self._scale = 1 / (torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1) * 255)

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The image as bytes, height x width x 3."""
        return np.asarray(self._geometry(in_rgb(image)))

    def prepare_all(self, images: Sequence[Image.Image]) -> list[np.ndarray]:
        """``prepare`` of many images, one after the other."""
        return [self.prepare(image) for image in images]

    def collate(self, items: Sequence[np.ndarray]) -> torch.Tensor:
        """Bytes, batch x 3 x height x width, channels last in memory."""
        return torch.from_numpy(np.stack(items)).permute(0, 3, 1, 2)

    def pixels(self, batch: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Normalised in float32, then in the network's dtype."""
        batch = batch.to(like.device, non_blocking=True).float()
        mean, scale = self._mean.to(like.device), self._scale.to(like.device)
        return batch.sub_(mean).mul_(scale).to(like.dtype)


def bytes_of(image: Image.Image) -> torch.Tensor:
    """The bytes of an RGB image, 3 x height x width.

    Arrow shares Pillow's memory, and copying from it releases the interpreter lock, which Pillow's ``tobytes`` holds
    for as long as all the rest takes.
    """
    from torch.utils.dlpack import from_dlpack

    try:
        import pyarrow

        pixels = from_dlpack(pyarrow.array(image).values).view(image.height, image.width, -1)
    except (ImportError, TypeError, ValueError, NotImplementedError):
        # No pyarrow, a Pillow without Arrow support, or an image in several blocks of memory.
        pixels = torch.from_numpy(np.array(image))
    return pixels[..., :3].permute(2, 0, 1).contiguous()


def in_rgb(image: Any) -> Image.Image:
    """The image in RGB; raises ``DataError`` for anything but an image."""
    if not isinstance(image, Image.Image):
        raise DataError(f"Expected an image, not {type(image).__name__}.", "Open it with PIL.Image.")
    return image if image.mode == "RGB" else image.convert("RGB")
