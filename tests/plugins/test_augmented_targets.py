"""Boxes and masks move with their image; spectrograms are masked where there is sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.adapt.training.augmentation import Augmentation, augmentation_for
from zoo.contract.augmenting import AugmentsPrepared
from zoo.entities import Dataset, Plan
from zoo.kinds.known import kind_of
from zoo_audio.masking import masked
from zoo_audio.voice_encoder import VoiceEncoder
from zoo_vision.detection.boxes import Box, Boxes

RED, BLUE = (250, 10, 10), (10, 10, 250)


def scene() -> tuple[Image.Image, Boxes, np.ndarray]:
    """A grey image with a red and a blue rectangle, their boxes, and the mask of both."""
    pixels, mask = np.full((80, 120, 3), 128, dtype=np.uint8), np.zeros((80, 120), dtype=np.uint8)
    boxes = []
    for label, (colour, (left, top, right, bottom)) in enumerate(
        ((RED, (30, 20, 60, 50)), (BLUE, (70, 40, 100, 64))), start=1
    ):
        pixels[top:bottom, left:right], mask[top:bottom, left:right] = colour, label
        boxes.append(Box(("red", "blue")[label - 1], 1.0, (left, top, right, bottom)))
    return Image.fromarray(pixels), Boxes(tuple(boxes)), mask


def found(image: Image.Image, channel: int) -> tuple[float, ...]:
    """Corners of the pixels in which a channel exceeds the other by far."""
    pixels = np.asarray(image).astype(int)
    rows, columns = np.nonzero(pixels[..., channel] - pixels[..., 2 - channel] > 60)
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_boxes_move_with_their_image(strength: str) -> None:
    image, boxes, _ = scene()
    augmentation = Augmentation(strength, kind_of("image"), kind_of("boxes"))
    moved = 0
    assert "RandAugment" not in augmentation.described  # it does not move boxes

    for seed in range(30):
        changed, target = augmentation.sample(image, boxes, (0, seed))
        assert changed.size == image.size
        for box in target.found:
            place = found(changed, 0 if box.label == "red" else 2)
            assert np.allclose(box.corners, place, atol=3)
        moved += target != boxes

    assert moved > 25


def test_a_box_outside_the_crop_is_dropped_and_the_last_one_keeps_the_image() -> None:
    kind, (image, boxes, _) = kind_of("boxes"), scene()
    gone = torch.tensor([[10.0, 10.0, 40.0, 40.0], [120.0, 5.0, 120.0, 30.0]])

    assert kind.from_geometry(image, boxes, gone).labels == ("red",)
    assert kind.from_geometry(image, boxes, torch.zeros(2, 4)) is None
    assert kind.from_geometry(image, Boxes(), torch.zeros(0, 4)) == Boxes()


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_masks_move_with_their_image_and_keep_their_classes(strength: str) -> None:
    image, _, mask = scene()
    mask[:5] = 255
    augmentation = Augmentation(strength, kind_of("image"), kind_of("mask"))

    for seed in range(10):
        changed, target = augmentation.sample(image, mask, (0, seed))
        pixels = np.asarray(changed).astype(int)
        red, blue = pixels[..., 0] - pixels[..., 2] > 60, pixels[..., 2] - pixels[..., 0] > 60
        assert target.shape == mask.shape
        assert target.dtype == mask.dtype
        assert set(np.unique(target)) <= {0, 1, 2, 255}
        assert (target == 1)[red].mean() > 0.8
        assert (target == 2)[blue].mean() > 0.8


@pytest.mark.parametrize(("targets", "expected"), [("class", "light"), ("boxes", None), ("number", None)])
def test_auto_takes_the_usual_strength_of_the_inputs_for_classes_alone(
    targets: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset("mine", "image", (), (), target_kind=targets)
    assert augmentation_for(dataset, Plan(), None) is None  # light augmentation of images gained nothing on average

    monkeypatch.setattr(type(kind_of("image")), "usual_augmentation", "light")
    chosen = augmentation_for(dataset, Plan(), None)

    assert (chosen and chosen.strength) == expected


def test_a_spectrogram_is_masked_in_spans_and_its_padding_is_not() -> None:
    spectrogram = torch.rand(1, 40, 100)
    spectrogram[..., 60:] = -1.0

    for strength in ("light", "strong"):
        changed = False
        for seed in range(10):
            result = masked(spectrogram, (2, 1), strength, np.random.default_rng(seed))
            different = (result != spectrogram)[0]
            times, frequencies = different[:, :60].all(dim=0), different[:, :60].all(dim=1)
            assert not different[~frequencies][:, ~torch.cat([times, torch.zeros(40, dtype=torch.bool)])].any()
            assert times.sum() <= 2 * 0.15 * 60
            assert frequencies.sum() <= 2 * 0.2 * 40
            changed = changed or bool(different.any())
        assert changed


def test_a_backbone_of_spectrograms_masks_them_after_the_recording_was_changed() -> None:
    from zoo.entities import ModelCard
    from zoo_audio.audio_backbone import AudioBackbone

    torch.manual_seed(0)
    backbone = AudioBackbone(ModelCard("file:voice", "audio"), VoiceEncoder(), device="cpu", dtype="float32")
    dataset = Dataset("mine", "audio", (), (), ("a", "b"), target_kind="class")
    augmentation = augmentation_for(dataset, Plan(augment="strong"), backbone)
    prepared = backbone.preprocess(kind_of("audio").ordinary()[1])

    assert isinstance(backbone, AugmentsPrepared)
    assert augmentation is not None
    assert "loudness by 12 dB" in augmentation.described
    assert "masks of up to 20 % of the frequencies" in augmentation.described
    assert not torch.equal(augmentation.after(prepared, (0, 1)), prepared)
    assert torch.equal(augmentation.after(prepared, (0, 1)), augmentation.after(prepared, (0, 1)))
