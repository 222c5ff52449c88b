"""The kinds of vision: boxes, masks, prompts and generated images. Digests and JSON stay those of earlier versions."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli import run
from zoo.data import identities
from zoo.kinds.class_names import ClassNames
from zoo.kinds.known import kind_of
from zoo_vision.detection.boxes import Box, Boxes
from zoo_vision.generation.images import GeneratedImage
from zoo_vision.generation.prompts import UNCONDITIONAL
from zoo_vision.segmentation.masks import IGNORED, Mask

FOUND = Boxes((Box("LABEL_A", 0.75, (1.0, 2.0, 3.5, 4.0)), Box("b", 0.25, (0.0, 0.0, 1.0, 1.0))))


def write_image(path: Path, seed: int) -> None:
    """An image of 6 x 4 pixels, in a format without compression, so that its bytes never change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P6\n6 4\n255\n" + bytes((seed * 41 + at * 7) % 256 for at in range(72)))


def boxed(folder: Path) -> Path:
    for number in range(2):
        write_image(folder / f"{number}.ppm", number)
    boxes = ((0, 3, [1, 1, 2, 2.5]), (1, 5, [0, 0, 9, 1]), (1, 3, [2, 1, 1, 1]))
    document = {
        "images": [{"id": number, "file_name": f"{number}.ppm"} for number in range(2)],
        "annotations": [
            {"id": at, "image_id": image, "category_id": category, "bbox": box}
            for at, (image, category, box) in enumerate(boxes)
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
    }
    (folder / "boxes.json").write_text(json.dumps(document))
    return folder / "boxes.json"


def masked(folder: Path) -> Path:
    (folder / "masks").mkdir(parents=True)
    for number in range(2):
        write_image(folder / "images" / f"{number}.ppm", number)
        mask = np.array([[number, 1, 1, IGNORED, 0, 2]] * 4, dtype=np.uint8)
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


def by_class(folder: Path) -> Path:
    for number, label in enumerate("ab"):
        write_image(folder / label / f"{number}.ppm", number)
    return folder


@pytest.mark.parametrize(
    ("make", "task", "fingerprint", "identity"),
    [
        (
            boxed,
            None,
            "4202ffe1c61ef1593f79d8bbb8d90bce1f69f9f9544872077068dcc593ee081b",
            "cbf3e962cd7230dfb1eb83d511e723d5",
        ),
        (
            masked,
            None,
            "c119d139ea6d6028b4d5dfac25f61c9548149b7e1405687ad9bf0d5ace391095",
            "cbf3e962cd7230dfb1eb83d511e723d5",
        ),
        (
            by_class,
            "text-to-image",
            "ed2aca48a7bf66a22ebfa167b54f28f901d1cffc770031c9e44b24a0d4027e85",
            "af4475795198934a9946e89f89ae3697",
        ),
        (
            by_class,
            UNCONDITIONAL,
            "c8586fb4453d1b1d197ffd01fb088cec8022b1ce5b917b9a0964ae7d34a08753",
            "21baa3d130335ab942eaccb2b7800deb",
        ),
    ],
)
def test_digests_of_known_data_stay(make, task: str | None, fingerprint: str, identity: str, tmp_path: Path) -> None:
    data = zoo.read(str(make(tmp_path / "data")), task=task)
    found = identities(data)
    assert data.fingerprint == fingerprint
    assert found is not None
    assert found[0].hex() == identity


def test_boxes_as_json_and_as_rows() -> None:
    kind = kind_of("boxes")
    assert json.dumps(kind.to_json(FOUND)) == (
        '[{"label": "LABEL_A", "score": 0.75, "box": [1.0, 2.0, 3.5, 4.0]}, '
        '{"label": "b", "score": 0.25, "box": [0.0, 0.0, 1.0, 1.0]}]'
    )
    assert kind.summary(FOUND) == [("LABEL_A at 1, 2, 4, 4", "0.750"), ("b at 0, 0, 1, 1", "0.250")]
    assert kind.table(["x.png"], [Boxes()]).rows == []


def test_boxes_take_the_names_of_the_data() -> None:
    matched = ClassNames(kind_of("boxes"), ("B", "cat")).matched(FOUND)
    assert matched.labels == ("LABEL_A", "B")
    assert [box.corners for box in matched.found] == [box.corners for box in FOUND.found]


def test_a_mask_as_json_and_in_the_classes_of_the_data() -> None:
    kind = kind_of("mask")
    mask = Mask.of(np.array([[0, 2], [2, 2]], dtype=np.uint8), ("sky", "tree", "sea"))
    assert json.dumps(kind.to_json(mask)) == '{"classes": {"sky": 0.25, "sea": 0.75}, "mask": [[0, 2], [2, 2]]}'
    assert kind.summary(mask) == [("sky 25%, sea 75%", "")]
    matched = ClassNames(kind, ("road", "Sea")).matched(mask)
    assert kind.comparable(None, matched).tolist() == [[IGNORED, 1], [1, 1]]


def test_generated_images_as_json() -> None:
    kind = kind_of("generated-image")
    plain = kind.to_json(GeneratedImage(Image.new("RGB", (3, 2), (9, 8, 7)), "a fox", 4, 50))
    guided = kind.to_json(GeneratedImage(Image.new("RGB", (3, 2)), "", 0, 20, 7.5, True))
    assert Image.open(io.BytesIO(base64.b64decode(plain["image"]))).getpixel((0, 0)) == (9, 8, 7)
    assert {name: value for name, value in plain.items() if name != "image"} == {
        "prompt": "a fox",
        "seed": 4,
        "steps": 50,
    }
    assert list(guided) == ["image", "prompt", "seed", "steps", "guidance", "flagged"]
    assert kind.file_names(["A red fox, in snow", "Seed 5"]) == ["01-a-red-fox-in-snow", "02-seed-5"]


def test_a_section_for_each_prompt() -> None:
    kind = kind_of("generated-image")
    image = Image.new("RGB", (8, 8))
    answers = [GeneratedImage(image, "a <fox>", seed, 50, 7.5) for seed in range(2)] + [GeneratedImage(image, "", 0, 2)]
    sections = kind.sections(["a", "b", "c"], ["a", "b", "c"], answers, kind_of("prompt"))
    assert len(sections) == 2
    assert "a &lt;fox&gt;" in sections[0]
    assert sections[0].count("<figure") == 2
    assert "Seed 1, 50 steps, guidance 7.5." in sections[0]
    assert "Without a prompt" in sections[1]


@pytest.mark.parametrize("name", ["boxes", "mask", "generated-image"])
def test_every_answer_is_shown_as_text_html_and_image(name: str) -> None:
    kind = kind_of(name)
    image = Image.new("RGB", (64, 64))
    for answer in (*kind.ordinary(), *(answer for _, answer in kind.extreme())):
        item = image if name != "mask" else Image.new("RGB", answer.pixels.shape[::-1])
        assert kind.html(item, answer)
        assert kind.draw(item, answer).mode == "RGB"
        json.dumps(kind.to_json(answer))
        assert "<b>" not in kind.html(item, answer)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--count", "0"], "'0' is not an integer of at least 1."),
        (["--steps", "1001"], "'1001' is not an integer from 1 to 1,000."),
        (["--guidance", "-1"], "'-1' is not a number of at least 0."),
    ],
)
def test_options_out_of_range_are_usage_errors(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", "file:/no/such/model", "a fox", *options]) == 2
    assert reason in " ".join(capsys.readouterr().err.replace("│", "").split())
