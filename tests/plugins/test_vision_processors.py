"""Images that stay bytes until the batch is on the device become the pixels that the model's processor makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from zoo_vision.image_recipe import bytes_of
from zoo_vision.transformers_backbone import ProcessorRecipe

SIZES = ((300, 400), (50, 70), (224, 224), (900, 333))
AS_BYTES = (
    "ViTImageProcessor",
    "ConvNextImageProcessor",
    "DeiTImageProcessor",
    "BitImageProcessor",
    "BeitImageProcessor",
    "LevitImageProcessor",
    "MobileViTImageProcessor",
    "MobileNetV2ImageProcessor",
    "SiglipImageProcessor",
)
AS_FLOATS = ("EfficientNetImageProcessor",)
"""It normalises twice, in an order of its own."""


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", [*AS_BYTES, *AS_FLOATS])
def test_pixels_are_those_of_the_processor(name) -> None:
    processor = getattr(transformers, name)()
    recipe, images = ProcessorRecipe(processor), [noise(*size) for size in SIZES]

    prepared = recipe.prepare_all(images)
    found = recipe.pixels(recipe.collate(prepared), torch.zeros(1))

    assert prepared[0].dtype == (torch.uint8 if name in AS_BYTES else torch.float32)
    expected = [processor(images=one, return_tensors="np")["pixel_values"][0] for one in images]
    np.testing.assert_allclose(found, np.stack(expected), atol=2e-6)


@pytest.mark.parametrize("size", [(30, 50), (2100, 4096)], ids=["one block of memory", "several"])
def test_bytes_are_those_of_the_image(size) -> None:
    image = noise(*size)

    assert np.array_equal(bytes_of(image), np.asarray(image).transpose(2, 0, 1))


def test_a_part_of_an_image_has_its_own_bytes() -> None:
    part = noise(80, 90).crop((3, 5, 70, 66))

    assert np.array_equal(bytes_of(part), np.asarray(part).transpose(2, 0, 1))
