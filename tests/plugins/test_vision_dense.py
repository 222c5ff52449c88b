"""Boxes and masks: a small YOLOS and a small SegFormer, trained here by ``zoo tune`` on images of known shapes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.metrics import metric
from zoo_vision.dense import learner
from zoo_vision.detection.boxes import Box, Boxes

SIDE = 48
KINDS = ("disc", "square")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def random_shape(chance: random.Random) -> tuple[Image.Image, Image.Image, tuple[int, int, int, int], int]:
    """A red disc or a blue square on grey noise, its mask, its box (left, top, width, height), and its kind."""
    noise = np.random.default_rng(chance.randrange(2**32)).integers(90, 140, (SIDE, SIDE, 3), dtype=np.uint8)
    image, mask = Image.fromarray(noise), Image.new("L", (SIDE, SIDE))
    size, kind = chance.randint(12, 24), chance.randrange(2)
    left, top = chance.randint(0, SIDE - size - 1), chance.randint(0, SIDE - size - 1)
    for canvas, colour in ((image, ((220, 40, 40), (40, 60, 220))[kind]), (mask, kind + 1)):
        pen = ImageDraw.Draw(canvas)
        (pen.ellipse if kind == 0 else pen.rectangle)((left, top, left + size, top + size), fill=colour)
    return image, mask, (left, top, size + 1, size + 1), kind


def boxed(folder: Path, count: int, seed: int) -> Path:
    """Images of random shapes with COCO's JSON."""
    chance = random.Random(seed)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        image, _, box, kind = random_shape(chance)
        image.save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png"})
        annotations.append({"id": number, "image_id": number, "category_id": kind, "bbox": box, "iscrowd": 0})
    categories = [{"id": number, "name": name} for number, name in enumerate(KINDS)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "boxes.json").write_text(json.dumps(document))
    return folder / "boxes.json"


def masked(folder: Path, count: int, seed: int) -> Path:
    """Images of random shapes with their masks."""
    chance = random.Random(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image, mask, _, _ = random_shape(chance)
        image.save(folder / "images" / f"{number}.png")
        mask.save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(["background", *KINDS]))
    return folder


def yolos(folder: Path) -> str:
    torch.manual_seed(0)
    config = transformers.YolosConfig(
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=[SIDE, SIDE],
        patch_size=8,
        num_detection_tokens=4,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        use_mid_position_embeddings=False,
        initializer_range=0.05,
        eos_coefficient=0.2,
    )
    model = transformers.YolosModel(config)
    side = SIDE // 8
    # It starts from the places of the patches as waves, as DETR does; to learn them takes longer than a test may.
    rows, columns = (
        axis.flatten()[:, None] for axis in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    )
    pace = torch.arange(1, 17) * 0.25
    waves = [wave for axis in (rows, columns) for wave in (torch.sin(axis * pace), torch.cos(axis * pace))]
    with torch.no_grad():
        model.embeddings.position_embeddings[0, 1 : 1 + side * side] = 0.5 * torch.cat(waves, dim=1)
    model.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    transformers.YolosImageProcessor(size=size, do_pad=False).save_pretrained(folder)
    return f"file:{folder}"


def segformer(folder: Path) -> str:
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        depths=[1, 1],
        num_encoder_blocks=2,
        hidden_sizes=[16, 32],
        num_attention_heads=[1, 2],
        sr_ratios=[2, 1],
        patch_sizes=[7, 3],
        strides=[2, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=32,
        drop_path_rate=0.0,
    )
    transformers.SegformerModel(config).save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    transformers.SegformerImageProcessor(size=size, do_reduce_labels=False).save_pretrained(folder)
    return f"file:{folder}"


@pytest.mark.slow
def test_boxes_are_learnt_found_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder, drawn = yolos(tmp_path / "yolos"), str(tmp_path / "tuned"), tmp_path / "drawn"
    data, new = boxed(tmp_path / "data", 200, 0), boxed(tmp_path / "new", 24, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "5e-4",
        "--epochs",
        "40",
        "--patience",
        "40",
        "--batch-size",
        "8",
    ]

    assert run(["tune", model, str(data), "--task", "object-detection", *options, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", str(tmp_path / "new/images/0.png"), "-o", str(drawn)]) == 0

    assert found["task"] == "object-detection"
    assert found["baseline"]["map_50"] < 0.05
    assert found["metrics"]["map_50"] > 0.25
    assert found["metrics"]["map"] > found["baseline"]["map"] + 0.03
    assert Image.open(drawn / "0.png").size == (10 * SIDE, 10 * SIDE)


def rtdetr(folder: Path) -> str:
    torch.manual_seed(0)
    trunk = transformers.RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32, 64, 64],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3"],
    )
    config = transformers.RTDetrConfig(
        backbone_config=trunk,
        encoder_hidden_dim=64,
        encoder_in_channels=[32, 64],
        feat_strides=[8, 16],
        encode_proj_layers=[1],
        encoder_layers=1,
        encoder_ffn_dim=128,
        encoder_attention_heads=4,
        d_model=64,
        num_queries=10,
        decoder_in_channels=[64, 64],
        decoder_ffn_dim=128,
        num_feature_levels=2,
        decoder_layers=2,
        decoder_attention_heads=4,
        num_denoising=0,
        hidden_expansion=1.0,
        dropout=0.0,
    )
    transformers.RTDetrModel(config).save_pretrained(folder)
    transformers.RTDetrImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return f"file:{folder}"


def detr(folder: Path) -> str:
    torch.manual_seed(0)
    trunk = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64], depths=[1, 1], layer_type="basic", out_features=["stage2"]
    )
    config = transformers.DetrConfig(
        backbone_config=trunk,
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        num_queries=2,
        dropout=0.0,
        auxiliary_loss=True,
        eos_coefficient=0.2,
        # The usual 0.02 suits layers that are several times as wide; here the first steps would find no direction.
        init_std=0.1,
    )
    transformers.DetrModel(config).save_pretrained(folder)
    transformers.DetrImageProcessor(size={"shortest_edge": SIDE, "longest_edge": 2 * SIDE}).save_pretrained(folder)
    return f"file:{folder}"


def mask2former(folder: Path) -> str:
    torch.manual_seed(0)
    trunk = transformers.SwinConfig(
        image_size=SIDE,
        patch_size=2,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=6,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        drop_path_rate=0.0,
    )
    config = transformers.Mask2FormerConfig(
        backbone_config=trunk,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=64,
        dim_feedforward=64,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=4,
        num_queries=6,
        feature_strides=[2, 4, 8, 16],
        common_stride=2,
        train_num_points=256,
    )
    transformers.Mask2FormerModel(config).save_pretrained(folder)
    transformers.Mask2FormerImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return f"file:{folder}"


@pytest.mark.slow
def test_boxes_are_learnt_by_rt_detr_and_shown_on_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder, page = rtdetr(tmp_path / "rtdetr"), str(tmp_path / "tuned"), tmp_path / "page.html"
    data, new = boxed(tmp_path / "data", 200, 0), boxed(tmp_path / "new", 24, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "1e-3",
        "--epochs",
        "14",
        "--patience",
        "14",
        "--batch-size",
        "8",
    ]

    assert run(["tune", model, str(data), "--task", "object-detection", *options, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", str(tmp_path / "new/images/0.png"), "-o", str(page)]) == 0

    assert found["baseline"]["map_50"] < 0.05
    assert found["metrics"]["map_50"] > 0.4
    assert found["metrics"]["map"] > found["baseline"]["map"] + 0.1
    assert 'alt="The image with boxes: ' in page.read_text()


@pytest.mark.slow
def test_boxes_are_learnt_by_detr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder = detr(tmp_path / "detr"), str(tmp_path / "tuned")
    data, new = boxed(tmp_path / "data", 160, 0), boxed(tmp_path / "new", 24, 1)
    options = [
        "--strategy",
        "full",
        "--learning-rate",
        "4e-4",
        "--epochs",
        "28",
        "--patience",
        "28",
        "--batch-size",
        "4",
    ]

    assert run(["tune", model, str(data), "--task", "object-detection", *options, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["baseline"]["map_50"] < 0.05
    assert found["metrics"]["map_50"] > 0.4
    assert found["metrics"]["map"] > found["baseline"]["map"] + 0.1


@pytest.mark.slow
def test_masks_are_learnt_by_mask2former(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder = mask2former(tmp_path / "mask2former"), str(tmp_path / "tuned")
    data, new = masked(tmp_path / "data", 80, 0), masked(tmp_path / "new", 20, 1)
    options = ["--strategy", "full", "--learning-rate", "1e-3", "--epochs", "8", "--batch-size", "8"]

    assert run(["tune", model, str(data), "--task", "image-segmentation", *options, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["baseline"]["mean_iou"] < 0.35
    assert found["metrics"]["mean_iou"] > 0.8


@pytest.mark.parametrize("make", [detr, yolos])
def test_images_of_different_size_share_a_batch(make: Any, tmp_path: Path) -> None:
    make(tmp_path / "model")
    found = learner(tmp_path / "model", "object-detection", ("a",), "cpu")
    assert found is not None
    if make is yolos:
        found.processor.size = {"shortest_edge": SIDE, "longest_edge": 2 * SIDE}
    # Each box is the left half of its image.
    sizes = [(SIDE, SIDE), (2 * SIDE, SIDE)]
    examples = [found.example(Image.new("RGB", size), box(0, 0, size[0] / 2, size[1], "a")) for size in sizes]
    batch = found.collate(examples)

    assert batch["pixel_values"].shape == (2, 3, SIDE, 2 * SIDE)
    halves = [told["boxes"][0].tolist() for told in batch["labels"]]
    if make is detr:  # it gets the place where the padding begins, and counts from there
        assert batch["pixel_mask"].sum(dim=(1, 2)).tolist() == [SIDE * SIDE, 2 * SIDE * SIDE]
        assert halves == [pytest.approx([0.25, 0.5, 0.5, 1.0])] * 2
    else:
        assert halves == [pytest.approx([0.125, 0.5, 0.25, 1.0]), pytest.approx([0.25, 0.5, 0.5, 1.0])]
    assert torch.isfinite(found.module(batch)).all()


@pytest.mark.parametrize("make", [yolos, detr, rtdetr, mask2former])
def test_detectors_give_features_of_the_image(make: Any, tmp_path: Path) -> None:
    """They are those of places, not of queries or of tokens that look for objects."""
    backbone = zoo.load(make(tmp_path / "model")).backbone
    batch = backbone.collate([backbone.preprocess(random_shape(random.Random(0))[0])])
    found = backbone.features(batch, backbone.layers)
    assert all(torch.isfinite(values).all() for values in found.values())
    if make is not yolos:
        assert backbone.layers == ("pooled",)
        return
    pixels = backbone.recipe.pixels(batch, torch.zeros(1))
    with torch.inference_mode():
        states = backbone.module.encoder(pixel_values=pixels, output_hidden_states=True)
    patches = (SIDE // 8) ** 2
    assert states.last_hidden_state.shape[1] == 1 + patches + 4
    assert torch.allclose(found["pooled"], states.last_hidden_state[:, 1 : 1 + patches].mean(dim=1), atol=1e-5)
    assert torch.allclose(found["block1.mean"], states.hidden_states[1][:, 1 : 1 + patches].mean(dim=1), atol=1e-5)


def publish(tuned: str, folder: Path, names: dict[int, str], rows: dict[str, int]) -> None:
    """A tuned SegFormer as others publish theirs: other classes, in another order, each with a row of the head."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    known = zoo.load(f"file:{tuned}").backbone._predictor.module.model
    config = SegformerConfig.from_dict(
        {**known.config.to_dict(), "id2label": names, "label2id": {n: i for i, n in names.items()}}
    )
    model = SegformerForSemanticSegmentation(config)
    state = known.state_dict()
    for part in ("weight", "bias"):
        own = state[f"decode_head.classifier.{part}"]
        # A class without a row is never the most likely.
        new = torch.zeros(len(names), *own.shape[1:]) if part == "weight" else torch.full((len(names),), -1e4)
        for index, name in names.items():
            if name in rows:
                new[index] = own[rows[name]]
        state[f"decode_head.classifier.{part}"] = new
    model.load_state_dict(state)
    model.save_pretrained(folder)
    SegformerImageProcessor(size={"height": SIDE, "width": SIDE}, do_reduce_labels=False).save_pretrained(folder)


@pytest.mark.slow
def test_masks_are_learnt_found_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, folder, drawn = segformer(tmp_path / "segformer"), str(tmp_path / "tuned"), tmp_path / "drawn"
    data, new = masked(tmp_path / "data", 80, 0), masked(tmp_path / "new", 20, 1)
    options = ["--strategy", "full", "--learning-rate", "2e-3", "--epochs", "16", "--batch-size", "8"]

    assert run(["tune", model, str(data), "--task", "image-segmentation", *options, "-o", folder, "--json"]) == 0
    capsys.readouterr()
    assert run(["evaluate", f"file:{folder}", str(new), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["predict", f"file:{folder}", str(new / "images" / "0.png"), "-o", str(drawn)]) == 0

    assert found["task"] == "image-segmentation"
    assert found["baseline"]["mean_iou"] < 0.35
    assert found["metrics"]["mean_iou"] > 0.7
    assert "background" in capsys.readouterr().out
    published, reached = tmp_path / "published", found["metrics"]["mean_iou"]
    publish(folder, published, {0: "Square", 1: "sky", 2: "Back-ground", 3: "DISC"}, {"Square": 2, "DISC": 1})
    assert zoo.evaluate(f"file:{published}", str(new)).metrics["mean_iou"] < reached  # it has no background
    publish(
        folder,
        published,
        {0: "Square", 1: "sky", 2: "BACKGROUND", 3: "DISC"},
        {"Square": 2, "BACKGROUND": 0, "DISC": 1},
    )
    assert zoo.evaluate(f"file:{published}", str(new)).metrics["mean_iou"] == pytest.approx(reached, abs=1e-3)
    publish(folder, published, {0: "sea", 1: "sky", 2: "tree", 3: "road"}, {"sea": 0, "tree": 1, "road": 2})
    with pytest.raises(DataError, match="none of its answers is a class of"):
        zoo.evaluate(f"file:{published}", str(new))
    assert len(set(Image.open(drawn / "0.png").convert("RGB").getdata())) > 2


def box(left: float, top: float, right: float, bottom: float, label: str = "a", score: float = 1.0) -> Boxes:
    return Boxes((Box(label, score, (left, top, right, bottom)),))


def test_average_precision_of_known_cases() -> None:
    ground_truth = [box(0, 0, 10, 10), box(5, 5, 25, 25, "b")]
    assert metric("map").compute(ground_truth, ground_truth) == pytest.approx(1.0)
    assert metric("map_50").compute(ground_truth, [ground_truth[0], box(50, 50, 60, 60, "b")]) == pytest.approx(0.5)
    shifted = [box(0, 0, 10, 7), ground_truth[1]]  # an overlap of 0.7 counts at 5 of the 10 thresholds
    assert metric("map").compute(ground_truth, shifted) == pytest.approx((0.5 + 1) / 2, abs=0.06)
    assert metric("map_50").compute(ground_truth, [Boxes()] * 2) == 0


@given(st.lists(st.integers(0, 2), min_size=12, max_size=12), st.permutations(range(3)))
@settings(deadline=None, max_examples=30)
def test_the_intersection_over_union_does_not_mind_what_classes_are_called(pixels: list[int], order: list[int]) -> None:
    ground_truth = np.array(pixels, dtype=np.uint8).reshape(3, 4)
    found = np.roll(ground_truth, 1)
    renamed = np.array(order, dtype=np.uint8)
    value = metric("mean_iou").compute([ground_truth], [found])
    assert value == pytest.approx(metric("mean_iou").compute([renamed[ground_truth]], [renamed[found]]))
    assert metric("mean_iou").compute([ground_truth], [ground_truth]) == 1.0


def test_unlabelled_pixels_do_not_count() -> None:
    ground_truth = np.array([[0, 1], [255, 255]], dtype=np.uint8)
    assert metric("mean_iou").compute([ground_truth], [np.array([[0, 1], [1, 0]], dtype=np.uint8)]) == 1.0
    assert metric("mean_iou").compute([ground_truth], [np.array([[0, 0], [1, 0]], dtype=np.uint8)]) == 0.25


def test_bad_boxes_and_masks_are_listed(tmp_path: Path) -> None:
    path = boxed(tmp_path / "boxes", 4, 0)
    document = json.loads(path.read_text())
    document["annotations"][0]["bbox"] = [200, 0, 5, 5]
    document["images"][1]["file_name"] = "lost.png"
    path.write_text(json.dumps(document))
    found = zoo.read(str(path))
    assert len(found) == 2
    assert {problem.item for problem in found.problems} == {"0.png", "lost.png"}
    document["annotations"][-1]["category_id"] = 99
    document["annotations"].append({"id": 5, "image_id": 77, "category_id": 1, "bbox": [1, 1, 2, 2]})
    path.write_text(json.dumps(document))
    found = zoo.read(str(path))
    assert len(found) == 1
    reasons = " ".join(problem.reason for problem in found.problems)
    assert "the category 99, which is not among the categories" in reasons
    assert "refers to the unlisted image 77" in reasons
    path.write_text(json.dumps({**document, "annotations": [{"image_id": 77}]}))
    with pytest.raises(DataError, match="not in COCO's format"):
        zoo.read(str(path))

    folder = masked(tmp_path / "masks", 3, 0)
    (folder / "masks" / "0.png").unlink()
    Image.new("L", (5, 5)).save(folder / "masks" / "1.png")
    found = zoo.read(str(folder))
    assert sorted(problem.reason for problem in found.problems) == [
        "has no mask '0.png'",
        "is 48 x 48 pixels, but its mask is 5 x 5",
    ]
    (folder / "classes.txt").write_text("background")
    with pytest.raises(DataError, match="names 1 classes"):
        zoo.read(str(folder))


def test_a_model_without_boxes_raises_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be trained for object-detection"):
        zoo.tune("pkg:efficientnet-lite0", str(boxed(tmp_path / "boxes", 12, 0)), strategy="full")
