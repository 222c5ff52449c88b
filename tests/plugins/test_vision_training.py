"""A head on a backbone can be trained, and its batches are those of the backbone."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from zoo.entities import LocalFiles, ModelCard
from zoo.errors import DataError, InvalidInput
from zoo.plugins import plugins
from zoo.sources.local.package import PackageSource
from zoo_vision.cards import MOBILENET_V2
from zoo_vision.image_backbone import ImageBackbone


@pytest.fixture
def backbone() -> ImageBackbone:
    files = PackageSource().locate(MOBILENET_V2)
    assert isinstance(files, LocalFiles)
    return plugins().first("zoo_load", card=MOBILENET_V2, files=files, device="cpu", dtype="float32")


def squares() -> tuple[list[Image.Image], torch.Tensor]:
    dark, light = (Image.new("RGB", (40, 40), (value,) * 3) for value in (20, 220))
    return [dark, light, dark, light], torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_a_head_has_an_output_for_each_class(backbone, classes) -> None:
    batch = backbone.collate([backbone.preprocess(image) for image in squares()[0]])

    assert backbone.head("image-classification", classes).eval()(batch).shape == (4, classes)


def test_a_head_stands_on_the_pooled_features(backbone) -> None:
    batch = backbone.collate([backbone.preprocess(image) for image in squares()[0]])
    head = backbone.head("image-classification", 3).eval()

    expected = head.head(backbone.features(batch, ["pooled"])["pooled"].clone())

    torch.testing.assert_close(head(batch), expected, rtol=1e-4, atol=1e-4)


def test_training_lowers_the_loss_and_reaches_the_first_layer(backbone) -> None:
    images, targets = squares()
    batch = backbone.collate([backbone.preprocess(image) for image in images])
    torch.manual_seed(0)
    head = backbone.head("image-classification", 2).train()
    first = next(head.trunk.parameters())
    before = first.detach().clone()
    optimizer = torch.optim.SGD(head.parameters(), lr=0.005)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(head(batch), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0]
    assert not torch.equal(first, before)
    assert head.trunk is backbone.module


def test_no_outputs_are_refused(backbone) -> None:
    with pytest.raises(InvalidInput, match="at least one output, not 0"):
        backbone.head("image-classification", 0)


def test_inputs_other_than_images_are_refused(backbone) -> None:
    with pytest.raises(DataError, match="Expected an image, not str"):
        backbone.preprocess("flower.jpg")


def test_the_plugin_leaves_other_domains_alone() -> None:
    card = ModelCard("file:/x", "smell", library="timm")

    assert plugins().first("zoo_load", card=card, files=LocalFiles(""), device="cpu", dtype="float32") is None
