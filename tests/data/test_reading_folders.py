"""Folders of class folders: images, texts, splits, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image, features

import zoo
from zoo.errors import DataError, InvalidInput


def write_image(path: Path, value: int, size: tuple[int, int] = (9, 7), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode in {"L", "I;16", "1"} else (value,) * len(mode)).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label in ("cat", "dog"):
        for number in range(3):
            write_image(tmp_path / "photos" / label / f"{number}.png", 10 * number + len(label) + ord(label[0]))
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


def test_a_class_that_lost_all_its_files_is_reported(photos: Path) -> None:
    (photos / "eel").mkdir()
    (photos / "eel" / "1.jpg").write_bytes(b"not one")
    data = zoo.read(photos)
    assert data.classes == ("cat", "dog")
    assert any(problem.item == "eel/" for problem in data.problems)


def test_hidden_files_and_folders_are_not_looked_at(photos: Path) -> None:
    write_image(photos / ".cache" / "1.png", 3)
    (photos / "cat" / ".DS_Store").write_bytes(b"x")
    assert zoo.read(photos).problems == ()
    assert zoo.read(photos).classes == ("cat", "dog")


def test_a_link_in_a_circle_ends(photos: Path) -> None:
    (photos / "cat" / "again").symlink_to(photos)
    assert len(zoo.read(photos)) == 6


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, "no files"),
        ({"notes.pdf": b"%PDF"}, "neither images nor audio recordings"),
        ({"a/b.jpg": b"x"}, "No item of"),
    ],
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
    write_image(moved / "dog" / "0.png", 201)
    second = zoo.read(moved).fingerprint
    (moved / "dog").rename(moved / "wolf")
    assert len({first, second, zoo.read(moved).fingerprint}) == 3


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def write_sample(kind: str, path: Path, number: int) -> None:
    """A small sample of a kind that differs from those of other numbers; the suffix is added."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "image":
        write_image(path.with_suffix(".png"), number)
    elif kind == "audio":
        soundfile.write(path.with_suffix(".wav"), np.full(80, number / 100), 8000)
    elif kind == "protein":
        text(path.with_suffix(".fasta"), f">one\nMKTAYIAKQR{'A' * number}\n")
    else:
        text(path.with_suffix(".txt"), f"text {number}")


@pytest.mark.parametrize("kind", ["image", "audio", "text"])
def test_splits_without_class_folders_are_unlabelled(tmp_path: Path, kind: str) -> None:
    for number, split in enumerate(("Train", "Train", "test2017", "test2017")):
        write_sample(kind, tmp_path / split / str(number), number)

    data = zoo.read(tmp_path)

    assert (data.input_kind, len(data), data.classes, data.targets) == (kind, 4, (), None)
    assert "'Train' (2) and 'test2017' (2)" in data.notes[0]


@pytest.mark.parametrize("kind", ["image", "audio", "protein", "text"])
@pytest.mark.parametrize("wrapper", ["", "archive/data"])
def test_splits_are_merged_whatever_lies_beside(tmp_path: Path, kind: str, wrapper: str) -> None:
    for number, folder in enumerate(("train/cat", "train/dog", "VAL/cat", "fold_1/dog")):
        write_sample(kind, tmp_path / wrapper / folder / "x", number)
    text(tmp_path / wrapper / "annotations" / "a.xml", "<a/>")

    data = zoo.read(tmp_path, on_problem="fail")

    assert (data.input_kind, data.classes, len(data)) == (kind, ("cat", "dog"), 4)
    assert [(group.suffix, group.count) for group in data.passed_over] == [(".xml", 1)]
    assert any("splits" in note for note in zoo.profile(data).warnings)


def test_classes_called_as_splits_are_stay_classes(tmp_path: Path) -> None:
    for number, folder in enumerate(("test", "exam", "quiz")):
        write_sample("image", tmp_path / folder / "x", number)
    assert zoo.read(tmp_path).classes == ("exam", "quiz", "test")


def test_files_of_proteins_that_are_splits_have_their_labels_in_the_headers(tmp_path: Path) -> None:
    text(tmp_path / "train.fasta", ">a label=007\nMKTAYIAKQR\n>b label=042\nGSHMASM\n")
    text(tmp_path / "test.fasta", ">c label=007\nMKTAYIAKQRA\n")
    assert zoo.read(tmp_path).classes == ("007", "042")
    text(tmp_path / "train.fasta", ">a\nMKTAYIAKQR\n")
    text(tmp_path / "test.fasta", ">c\nMKTAYIAKQRA\n")
    assert (zoo.read(tmp_path).classes, zoo.read(tmp_path).targets) == ((), None)


def test_saved_splits_are_named(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {"text": ["one two", "three four"], "label": ["007", "042"]}
    parts = {name: datasets.Dataset.from_dict(rows) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    data = zoo.read(tmp_path / "saved")
    assert (data.classes, len(data)) == (("007", "042"), 4)
    assert "'train' (2) and 'test' (2)" in data.notes[0]


def test_whatever_pillow_decodes_is_read(tmp_path: Path) -> None:
    for suffix in ("jfif", "jpe", "ppm", "tga", "qoi", "JP2" if features.check("jpg_2000") else "pcx"):
        write_image(tmp_path / suffix / f"1.{suffix}", 50)
    data = zoo.read(tmp_path)
    assert len(data) == len(data.classes) == 6
    assert data.passed_over == data.problems == ()


def test_a_class_that_no_file_can_be_read_of_is_named(photos: Path, tmp_path: Path) -> None:
    for number in range(3):
        text(photos / "bird" / f"{number}.heic", "no")
        write_sample("audio", photos / "sound" / str(number), number)
        text(photos / "manual" / f"{number}.pdf", "%PDF")
    (photos / "none").mkdir()
    text(photos / "cat" / "0.txt", "A cat.")

    found = zoo.profile(zoo.read(photos))

    reasons = {problem.item: problem.reason for problem in found.problems}
    assert list(found.classes) == ["cat", "dog"]
    assert reasons["bird/"] == "has no usable file, so the class is left out"
    assert reasons["sound/"] == "holds no images but 3 .wav, so the class is left out"
    assert reasons["manual/"] == "holds no images but 3 .pdf, so the class is left out"
    assert reasons["none/"] == "is empty, so the class is left out"
    assert {(group.suffix, group.count) for group in found.left_out} == {("", 1), (".heic", 3)}
    assert {(group.suffix, group.count) for group in found.passed_over} == {(".wav", 3), (".pdf", 3), (".txt", 1)}
    assert any("3 .wav" in warning and "1 .txt" in warning for warning in found.warnings)


def test_annotations_beside_classes_do_not_count_as_a_lost_class(photos: Path) -> None:
    text(photos / "annotations" / "cat.xml", "<a/>")
    assert zoo.read(photos, on_problem="fail").classes == ("cat", "dog")
    text(photos / "mask" / "cat.mp4", "film")
    assert [problem.item for problem in zoo.read(photos).problems] == ["mask/"]


def test_a_logo_among_texts_leaves_them_texts(tmp_path: Path) -> None:
    for number in range(3):
        text(tmp_path / "a" / f"{number}.txt", f"text {number}")
        text(tmp_path / "b" / f"{number}.md", f"# text {number}")
    text(tmp_path / "README.md", "What this is.")
    write_image(tmp_path / "logo.png", 1)
    data = zoo.read(tmp_path)
    assert (data.input_kind, data.classes, len(data), data.problems) == ("text", ("a", "b"), 6, ())
    assert sum(group.count for group in data.passed_over) == 2


def test_a_linked_copy_of_a_class_is_named(photos: Path) -> None:
    (photos / "wolf").symlink_to(photos / "dog")
    assert [problem.item for problem in zoo.read(photos).problems] == ["wolf/"]
