"""Five families of image classifiers, by the commands: real weights by a probe, small ones of transformers from nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zoo.cli import run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=64, num_hidden_layers=3, num_attention_heads=4, intermediate_size=128, image_size=32, patch_size=8
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)


def dinov2(folder: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model

    Dinov2Model(
        Dinov2Config(hidden_size=64, num_hidden_layers=3, num_attention_heads=4, image_size=32, patch_size=8)
    ).save_pretrained(folder)


def convnext(folder: Path) -> None:
    from transformers import ConvNextConfig, ConvNextModel

    ConvNextModel(ConvNextConfig(hidden_sizes=[24, 48, 96, 96], depths=[1, 1, 2, 1], image_size=32)).save_pretrained(
        folder
    )


def resnet(folder: Path) -> None:
    from transformers import ResNetConfig, ResNetModel

    ResNetModel(
        ResNetConfig(embedding_size=24, hidden_sizes=[24, 48, 96, 96], depths=[1, 1, 1, 1], layer_type="basic")
    ).save_pretrained(folder)


def reached(model: str, data: str, *options: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    """What the tuned model reaches on held-out images, by the commands."""
    assert run(["tune", model, data, *options, "-o", str(folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("model", ["pkg:efficientnet-lite0", pytest.param("pkg:mobilenet-v2", marks=pytest.mark.slow)])
def test_digits_are_told_apart_by_real_weights(model, tmp_path, capsys) -> None:
    found = reached(model, "sklearn:digits:200", folder=tmp_path / "tuned", capsys=capsys)

    assert found["task"] == "image-classification"
    assert found["metrics"]["accuracy"] > 0.7
    assert found["baseline"]["accuracy"] < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("make", [vit, dinov2, convnext, resnet], ids=lambda make: make.__name__)
def test_digits_are_learnt_from_nothing(make, tmp_path, capsys) -> None:
    import torch
    from transformers import ViTImageProcessor

    torch.manual_seed(0)
    make(tmp_path / "model")
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "model")
    options = [
        "--strategy",
        "full",
        "--epochs",
        "12",
        "--patience",
        "12",
        "--learning-rate",
        "2e-3",
        "--head",
        "random",
        "--keep",
        "fine-tuned",
    ]

    found = reached(
        f"file:{tmp_path / 'model'}", "sklearn:digits:700", *options, folder=tmp_path / "tuned", capsys=capsys
    )

    assert found["metrics"]["accuracy"] > 0.5
    assert found["metrics"]["macro_f1"] > 0.5
    assert found["baseline"]["accuracy"] < 0.2
