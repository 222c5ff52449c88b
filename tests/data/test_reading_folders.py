"""Folders of class folders: images, texts, splits, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.errors import DataError, InvalidInput


def picture(path: Path, value: int, size: tuple[int, int] = (9, 7), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode in {"L", "I;16", "1"} else (value,) * len(mode)).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label in ("cat", "dog"):
        for number in range(3):
            picture(tmp_path / "photos" / label / f"{number}.png", 10 * number + len(label) + ord(label[0]))
    return tmp_path / "photos"


def test_class_folders_are_classes(photos: Path) -> None:
    data = zoo.read(photos)

    assert (data.input_kind, data.target_kind, data.classes) == ("image", "class", ("cat", "dog"))
    assert list(data.targets) == [0, 0, 0, 1, 1, 1]
    assert (data.inputs[0].mode, data.inputs[0].size) == ("RGB", (9, 7))


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_splits_are_put_together(photos: Path, tmp_path: Path, name: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    (photos).rename(whole / name)
    assert zoo.read(whole).classes == ("cat", "dog")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "LA", "CMYK", "I;16"])
def test_any_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "tiff" if mode == "CMYK" else "png"
    for label in "ab":
        (tmp_path / label).mkdir()
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).convert("RGB").convert(
            mode if mode != "I;16" else "I;16"
        ).save(tmp_path / label / f"x.{suffix}") if mode != "I;16" else Image.fromarray(
            (np.arange(48).reshape(6, 8) * 1000).astype(np.uint16)
        ).save(tmp_path / label / "x.png")
    image = zoo.read(tmp_path).inputs[0]
    assert (image.mode, image.size) == ("RGB", (8, 6))
    assert np.asarray(image).std() > 0


def test_text_files_are_texts(tmp_path: Path) -> None:
    for label, text in (("en", "Hello"), ("fr", "Été\r\nà Paris")):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_bytes(text.encode("cp1252"))
    data = zoo.read(tmp_path)
    assert list(data.inputs) == ["Hello", "Été\nà Paris"]
    assert data.classes == ("en", "fr")


def test_unreadable_images_are_listed_and_left_out_or_fatal(photos: Path) -> None:
    (photos / "cat" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (photos / "dog" / "empty.png").write_bytes(b"")

    data = zoo.read(photos)

    assert len(data) == 6
    assert {problem.item for problem in data.problems} == {"cat/torn.jpg", "dog/empty.png"}
    with pytest.raises(DataError, match=r"2 items.*torn\.jpg"):
        zoo.read(photos, on_problem="fail")


def test_a_class_that_lost_all_its_files_is_told(photos: Path) -> None:
    (photos / "eel").mkdir()
    (photos / "eel" / "1.jpg").write_bytes(b"not one")
    data = zoo.read(photos)
    assert data.classes == ("cat", "dog")
    assert any(problem.item == "eel/" for problem in data.problems)


def test_hidden_files_and_folders_are_not_looked_at(photos: Path) -> None:
    picture(photos / ".cache" / "1.png", 3)
    (photos / "cat" / ".DS_Store").write_bytes(b"x")
    assert zoo.read(photos).problems == ()
    assert zoo.read(photos).classes == ("cat", "dog")


def test_a_link_in_a_circle_ends(photos: Path) -> None:
    (photos / "cat" / "again").symlink_to(photos)
    assert len(zoo.read(photos)) == 6


@pytest.mark.parametrize(
    ("files", "text"),
    [({}, "no files"), ({"notes.pdf": b"%PDF"}, "neither images nor text"), ({"a/b.jpg": b"x"}, "Nothing in")],
)
def test_folders_without_anything_usable_are_refused(tmp_path: Path, files: dict[str, bytes], text: str) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)
    with pytest.raises(DataError, match=text):
        zoo.read(tmp_path / "data")


def test_other_ways_to_treat_problems_are_refused(photos: Path) -> None:
    with pytest.raises(InvalidInput, match="skip or fail"):
        zoo.read(photos, on_problem="ignore")


def test_the_fingerprint_is_of_the_content(photos: Path, tmp_path: Path) -> None:
    first = zoo.read(photos).fingerprint
    moved = photos.rename(tmp_path / "elsewhere")
    (moved / "cat" / "0.png").rename(moved / "cat" / "00.png")
    assert zoo.read(moved).fingerprint == first
    picture(moved / "dog" / "0.png", 201)
    second = zoo.read(moved).fingerprint
    (moved / "dog").rename(moved / "wolf")
    assert len({first, second, zoo.read(moved).fingerprint}) == 3
