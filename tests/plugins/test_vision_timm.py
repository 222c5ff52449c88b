"""Folders in timm's layout load, and their features are what timm itself computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config
from timm.models import save_for_hf

import zoo
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import UnsupportedModel
from zoo.plugins import plugins

CARD = ModelCard("file:/models/mine", "vision", library="timm")
RECIPE = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25], "interpolation": "bilinear", "crop_pct": 0.8}


def write(
    folder: Path, architecture: str, *, weights: str = "model.safetensors", size: int = 64, **config
) -> torch.nn.Module:
    torch.manual_seed(0)
    arguments = config.pop("model_args", {})
    network = timm.create_model(architecture, num_classes=4, **arguments).eval()
    folder.mkdir(exist_ok=True)
    content = {
        "architecture": architecture,
        "num_classes": 4,
        "model_args": arguments,
        "pretrained_cfg": {**RECIPE, "input_size": [3, size, size], **config.pop("pretrained_cfg", {})},
        **config,
    }
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    if weights.endswith(".safetensors"):
        save_file(network.state_dict(), folder / weights)
    else:
        torch.save(network.state_dict(), folder / weights)
    return network


def load(folder: Path, card: ModelCard = CARD, dtype: str = "float32"):
    return plugins().first("zoo_load", card=card, files=LocalFiles(folder), device="cpu", dtype=dtype)


def images() -> list[Image.Image]:
    random = np.random.default_rng(0)
    sizes = [(90, 70), (64, 64), (30, 100)]
    return [Image.fromarray(random.integers(0, 255, (h, w, 3), dtype=np.uint8)) for h, w in sizes]


@pytest.mark.parametrize("architecture", ["resnet10t", "mobilenetv3_small_050", "convnext_atto", "regnetx_002"])
@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
def test_convolutional_networks(tmp_path, architecture, crop_mode) -> None:
    network = write(tmp_path, architecture, pretrained_cfg={"crop_mode": crop_mode})
    transform = create_transform(
        **resolve_data_config(pretrained_cfg={**RECIPE, "input_size": (3, 64, 64), "crop_mode": crop_mode})
    )
    pixels = torch.stack([transform(image) for image in images()])
    with torch.inference_mode():
        last, stages = network.forward_intermediates(pixels)
        pooled = network.forward_head(last, pre_logits=True)
    backbone = load(tmp_path)
    batch = backbone.collate([backbone.preprocess(image) for image in images()])

    found = backbone.features(batch, backbone.layers)

    assert backbone.layers == (*(f"stage{n}" for n in range(1, len(stages) + 1)), "pooled")
    assert backbone.embedding_dimension == pooled.shape[1]
    torch.testing.assert_close(found["pooled"], pooled, rtol=1e-3, atol=1e-4)
    for number, stage in enumerate(stages, 1):
        torch.testing.assert_close(found[f"stage{number}"], stage.mean(dim=(2, 3)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_vision_transformers(tmp_path, pool) -> None:
    arguments = {"depth": 3, "embed_dim": 32, "num_heads": 2, "img_size": 64, "global_pool": pool}
    network = write(tmp_path, "vit_tiny_patch16_224", model_args=arguments)
    backbone = load(tmp_path)
    batch = backbone.collate([backbone.preprocess(image) for image in images()])
    pixels = backbone.recipe.pixels(batch, torch.zeros(1))
    with torch.inference_mode():
        tokens = network.patch_embed(pixels)
        tokens = network.norm_pre(network.patch_drop(network._pos_embed(tokens)))
        blocks = []
        for block in network.blocks:
            tokens = block(tokens)
            blocks.append(tokens)
        pooled = network.forward_head(network.norm(tokens), pre_logits=True)

    found = backbone.features(batch, backbone.layers)

    assert backbone.layers == (
        "block1.cls",
        "block1.mean",
        "block2.cls",
        "block2.mean",
        "block3.cls",
        "block3.mean",
        "pooled",
    )
    torch.testing.assert_close(found["pooled"], pooled)
    for number, states in enumerate(blocks, 1):
        torch.testing.assert_close(found[f"block{number}.cls"], states[:, 0])
        torch.testing.assert_close(found[f"block{number}.mean"], states[:, 1:].mean(dim=1))
    torch.testing.assert_close(backbone.features(batch, ["block2.mean"])["block2.mean"], found["block2.mean"])


def test_its_own_class_names(tmp_path) -> None:
    network = write(tmp_path, "resnet10t", label_names=["ant", "bee", "cat", "dog"])
    backbone = load(tmp_path)
    pixels = backbone.recipe.pixels(backbone.collate([backbone.preprocess(images()[0])]), torch.zeros(1))
    with torch.inference_mode():
        expected = network(pixels).softmax(1)[0]

    (answers,) = plugins().first(
        "zoo_predict", backbone=backbone, inputs=images()[:1], task="image-classification", labels=()
    )

    assert [answer.label for answer in answers] == [["ant", "bee", "cat", "dog"][i] for i in expected.argsort().flip(0)]
    assert sum(answer.score for answer in answers) == pytest.approx(1)


@pytest.mark.parametrize(("architecture", "classes"), [("resnet10t", 7), ("test_vit", 5), ("resnet10t", 0)])
def test_a_folder_that_timm_saved_is_loaded_by_its_id(architecture: str, classes: int, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    network = timm.create_model(architecture, num_classes=classes).eval()
    save_for_hf(network, tmp_path / "model", model_config={"label_names": list("abcdefg")[:classes]})
    model = zoo.load(f"file:{tmp_path / 'model'}")
    backbone = model.backbone
    pixels = backbone.recipe.pixels(backbone.collate([backbone.preprocess(images()[0])]), torch.zeros(1))

    assert backbone.classes == tuple("abcdefg")[:classes]
    if classes:
        with torch.inference_mode():
            expected = network(pixels).softmax(dim=1)[0]
        [[best, *_]] = model.predict(images()[:1])
        assert best.label == "abcdefg"[int(expected.argmax())]
        assert best.score == pytest.approx(float(expected.max()), abs=1e-5)


def test_safetensors_come_before_pickles(tmp_path) -> None:
    write(tmp_path, "resnet10t")
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")

    assert load(tmp_path).embedding_dimension == 512


def test_pickled_weights_are_read_as_tensors_only(tmp_path) -> None:
    write(tmp_path, "resnet10t", weights="pytorch_model.bin")
    assert load(tmp_path).embedding_dimension == 512

    torch.save({"weight": torch.zeros(1), "code": Path.cwd}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UnsupportedModel, match=r"pytorch_model\.bin of 'file:/models/mine' cannot be read as weights"):
        load(tmp_path)


def test_half_precision(tmp_path) -> None:
    write(tmp_path, "resnet10t")
    full, half = load(tmp_path), load(tmp_path, dtype="bfloat16")
    batch = full.collate([full.preprocess(image) for image in images()])

    found = half.features(batch, ["pooled"])["pooled"]

    assert found.dtype == torch.float32
    assert next(half.module.parameters()).dtype == torch.bfloat16
    torch.testing.assert_close(found, full.features(batch, ["pooled"])["pooled"], rtol=0.1, atol=0.05)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ('{"architecture": "resnet9999"}', "architecture 'resnet9999', which timm"),
        ('{"architecture": "hf-hub:someone/model"}', "architecture 'hf-hub:someone/model', which timm"),
        ("{}", "architecture '', which timm"),
        ("[]", "config.json cannot be read (it is not a JSON object)"),
        ("{", "config.json cannot be read"),
        ('{"architecture": "resnet10t", "model_args": {"nonsense": 1}}', "timm cannot build"),
        ('{"architecture": "resnet10t", "num_classes": 5}', "do not fit its architecture: size mismatch for fc.weight"),
        (
            '{"architecture": "resnet10t", "num_classes": 4, "pretrained_cfg": {"input_size": [1, 32, 32]}}',
            "1 channels",
        ),
    ],
)
def test_folders_that_cannot_be_loaded(tmp_path, config, sentence) -> None:
    write(tmp_path, "resnet10t")
    (tmp_path / "config.json").write_text(config, encoding="utf-8")

    with pytest.raises(UnsupportedModel) as caught:
        load(tmp_path)
    assert sentence in str(caught.value)


def test_a_folder_without_weights(tmp_path) -> None:
    write(tmp_path, "resnet10t")
    (tmp_path / "model.safetensors").unlink()

    with pytest.raises(UnsupportedModel, match=r"none of the files model\.safetensors or pytorch_model\.bin"):
        load(tmp_path)


def test_damaged_weights(tmp_path) -> None:
    write(tmp_path, "resnet10t")
    content = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])

    with pytest.raises(UnsupportedModel, match="zoo verify file:/models/mine"):
        load(tmp_path)
