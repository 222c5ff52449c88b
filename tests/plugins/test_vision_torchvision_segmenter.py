"""DeepLabV3 of torchvision: trained here from nothing, and loaded from a file where torch.hub keeps its weights."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision.models import get_model

import zoo
from zoo.entities import ModelCard, ModelFile
from zoo.errors import UnsupportedModel
from zoo.sources.torch_hub import TorchHubSource

ARCHITECTURE, SIDE = "deeplabv3_mobilenet_v3_large", 48
CLASSES = ("background", "disc", "square")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def masked(folder: Path, count: int, seed: int) -> str:
    """A red disc or a blue square on grey noise, with its mask."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    chance = np.random.default_rng(seed)
    for number in range(count):
        image = Image.fromarray(chance.integers(90, 140, (SIDE, SIDE, 3), dtype=np.uint8))
        mask = Image.new("L", (SIDE, SIDE))
        size, kind = int(chance.integers(12, 25)), int(chance.integers(2))
        left, top = chance.integers(0, SIDE - size, 2).tolist()
        for canvas, colour in ((image, ((220, 40, 40), (40, 60, 220))[kind]), (mask, kind + 1)):
            pen = ImageDraw.Draw(canvas)
            (pen.ellipse if kind == 0 else pen.rectangle)((left, top, left + size, top + size), fill=colour)
        image.save(folder / "images" / f"{number}.png")
        mask.save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    return str(folder)


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return get_model(ARCHITECTURE, weights=None, weights_backbone=None, num_classes=21, aux_loss=True).eval()


@pytest.mark.slow
def test_masks_are_learnt(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    torch.save(network().state_dict(), tmp_path / "model" / "weights.pth")
    card = ModelCard(
        f"file:{tmp_path / 'model'}",
        "vision",
        ("image-segmentation",),
        library="torchvision",
        input={"kind": "image", "resize": SIDE},
        files=(ModelFile("weights.pth"),),
        loader={"architecture": ARCHITECTURE, "weights": "weights.pth", "outputs": 21},
    )
    data, new, folder = masked(tmp_path / "data", 80, 0), masked(tmp_path / "new", 20, 1), str(tmp_path / "tuned")

    run = zoo.tune(
        zoo.load(card),
        data,
        task="image-segmentation",
        strategy="full",
        learning_rate=3e-3,
        epochs=10,
        patience=10,
        batch_size=8,
        output=folder,
    )
    found = zoo.evaluate(f"file:{folder}", new)

    assert run.baseline["mean_iou"] < 0.35
    assert found.metrics["mean_iou"] > 0.42
    assert found.metrics["mean_iou"] > found.baseline["mean_iou"] + 0.1


def test_published_weights_give_masks_with_their_own_classes_and_features(tmp_path: Path) -> None:
    made = network()
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(made.state_dict(), folder / "new.pth")
    name = f"{ARCHITECTURE}-{hashlib.sha256((folder / 'new.pth').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "new.pth").rename(folder / name)
    card = TorchHubSource().describe(f"pytorch/vision:{ARCHITECTURE}")
    model = zoo.load(dataclasses.replace(card, url=f"https://download.pytorch.org/models/{name}"))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8))

    [answer] = model.predict([image])

    assert answer.pixels.shape == (60, 90)
    assert set(answer.classes) <= set(model.backbone.mask_classes)
    assert "aeroplane" in model.backbone.mask_classes
    assert sum(answer.classes.values()) == pytest.approx(1)
    batch = model.backbone.collate([model.backbone.preprocess(image)])
    with torch.inference_mode():
        expected = made.backbone(model.backbone.recipe.pixels(batch, torch.zeros(1)))["out"].mean(dim=(2, 3))
    torch.testing.assert_close(model.backbone.features(batch, ("pooled",))["pooled"], expected, atol=1e-4, rtol=1e-3)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    state = network().state_dict()
    state.pop("classifier.4.bias")
    torch.save(state, tmp_path / "weights.pth")
    card = ModelCard(
        f"file:{tmp_path}",
        "vision",
        library="torchvision",
        files=(ModelFile("weights.pth"),),
        loader={"architecture": ARCHITECTURE, "weights": "weights.pth", "outputs": 21},
    )

    with pytest.raises(UnsupportedModel, match=r"classifier\.4\.bias"):
        zoo.load(card)
