"""Questions about images: read from tables, typed on a command line, refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import zoo
from zoo.errors import DataError
from zoo.kinds.answers import Answer
from zoo.kinds.known import kind_of
from zoo_multimodal.questions import ImageQuestion, parse

TASK = "visual-question-answering"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red one.png")
    Image.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "blue.png").read_bytes()[:40])
    return tmp_path


def test_a_table_has_an_image_a_question_and_an_answer(folder: Path) -> None:
    (folder / "q.csv").write_text(
        "image,question,answer\nred one.png,What colour?,red\nblue.png,What colour?,blue\ncut.png,What?,x\nblue.png,,y\n"
    )
    found = zoo.read(str(folder / "q.csv"), task=TASK)

    assert (found.input_kind, found.target_kind) == ("image-question", "answers")
    assert [item.question for item in found.inputs] == ["What colour?"] * 2
    assert found.inputs[1].image.getpixel((0, 0)) == (0, 0, 255)
    assert list(found.targets) == [("red",), ("blue",)]
    assert [problem.item for problem in found.problems] == ["line 4", "line 5"]
    assert "has a file that is not an image" in found.problems[0].reason


def test_several_people_may_have_answered(folder: Path) -> None:
    (folder / "q.jsonl").write_text('{"image": "blue.png", "question": "Sky?", "answers": ["yes", "yes", "no"]}\n')
    assert list(zoo.read(str(folder / "q.jsonl"), task=TASK).targets) == [("yes", "yes", "no")]


def test_other_questions_are_other_data(folder: Path) -> None:
    for name, question in (("a", "What?"), ("b", "Where?")):
        (folder / f"{name}.csv").write_text(f"image,question,answer\nblue.png,{question},here\n")
    first, second = (zoo.read(str(folder / f"{name}.csv"), task=TASK) for name in "ab")
    assert first.fingerprint != second.fingerprint


def test_the_fingerprint_stays(tmp_path: Path) -> None:
    (tmp_path / "red.ppm").write_bytes(b"P6 1 1 255\n\xff\x00\x00")
    (tmp_path / "q.csv").write_text("image,question,answer\nred.ppm,What colour?,red\n")
    found = zoo.read(str(tmp_path / "q.csv"), task=TASK).fingerprint
    assert found == "20003c9dab38cfe4280b4cdba2be6575601c1cc47c7e7b434d40d4f91867bcd3"


def test_a_missing_column_is_named(folder: Path) -> None:
    (folder / "q.csv").write_text("image,answer\nblue.png,blue\n")
    with pytest.raises(DataError, match="has no column 'question'"):
        zoo.read(str(folder / "q.csv"), task=TASK)


def test_a_path_with_spaces_ends_where_the_question_begins(folder: Path) -> None:
    found = parse(f"{folder / 'red one.png'} what colour is it ?")
    assert found.question == "what colour is it ?"
    assert found.image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("text", ["blue.png", "nowhere.png what is it?", ""])
def test_what_is_not_an_image_with_a_question_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(DataError, match="is not an image file with a question"):
        parse(str(folder / text) if text else text)


def test_an_answer_about_an_image_is_shown_with_it() -> None:
    item = ImageQuestion(Image.new("RGB", (40, 30), (90, 120, 90)), "What colour is it?")
    [section] = kind_of("answers").sections(["photo.png"], [item], [Answer("green")], kind_of("image-question"))
    assert "What colour is it?" in section
    assert "green" in section
    assert "40 by 30 pixels" in section
