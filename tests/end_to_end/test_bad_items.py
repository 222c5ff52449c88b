"""One unusable item does not affect the others, and is reported: in predictions, features and fine-tuning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.cli import run

MODEL = "pkg:efficientnet-lite0"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes of noise, bright and dark; one file of each is not an image."""
    draw = np.random.default_rng(0)
    for name, top in (("bright", 255), ("dark", 60)):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(8):
            Image.fromarray((draw.random((32, 32, 3)) * top).astype("uint8")).save(folder / f"{number}.png")
    whole = (tmp_path / "images" / "dark" / "0.png").read_bytes()
    (tmp_path / "images" / "dark" / "cut.png").write_bytes(whole[:300])
    (tmp_path / "images" / "bright" / "text.png").write_text("not an image")
    return tmp_path / "images"


def test_predictions_continue_and_say_what_was_left_out(images, capsys):
    good, cut, missing = str(images / "dark/1.png"), str(images / "dark/cut.png"), str(images / "none.png")

    assert run(["predict", MODEL, good, cut, good, missing]) == 0
    printed = capsys.readouterr()
    assert printed.out.count(good) == 2
    assert "Left out: 2" in printed.err
    assert f"'{cut}' cannot be read as an image" in printed.err
    assert f"There is no image file '{missing}'" in printed.err

    assert run(["predict", MODEL, good, cut, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["input"] for one in answer["predictions"]] == [good]
    assert [one["item"] for one in answer["skipped"]] == [cut]

    assert run(["predict", MODEL, cut, missing]) == 1
    assert capsys.readouterr().err.startswith(f"Error: '{cut}' cannot be read as an image")


def test_an_input_that_only_the_model_refuses_is_left_out(capsys, monkeypatch):
    """The model is asked about all at once, and then one by one."""
    from zoo.cli.models.answering import answer_all
    from zoo.errors import DataError

    class Picky:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def predict(self, inputs, task, labels):
            self.asked.append(len(inputs))
            if "bad" in inputs:
                raise DataError("'bad' is bad.")
            return [text.upper() for text in inputs]

    model = Picky()
    places, answers, problems = answer_all(model, ["a", "b", "c", "bad"], ["a", "b", "c", "bad"], None, ())
    assert (places, answers) == ([0, 1, 2], ["A", "B", "C"])
    assert [(problem.item, problem.reason) for problem in problems] == [("bad", "'bad' is bad.")]
    assert model.asked == [4, 1, 1, 1, 1]
    with pytest.raises(DataError):
        answer_all(Picky(), ["bad", "bad"], ["bad", "bad"], None, ())


def test_features_say_what_was_left_out(images, tmp_path, capsys):
    assert run(["features", MODEL, str(images), "-o", str(tmp_path / "x.npz")]) == 0
    printed = capsys.readouterr()
    assert "Left out: 2" in printed.err
    assert "cut.png" in printed.err

    assert run(["features", MODEL, str(images), "-o", str(tmp_path / "x.npz"), "--json"]) == 0
    [file] = json.loads(capsys.readouterr().out)["files"]
    assert file["samples"] == 16
    assert sorted(Path(one["item"]).name for one in file["skipped"]) == ["cut.png", "text.png"]


def test_tuning_says_what_was_left_out(images, capsys):
    assert run(["tune", MODEL, str(images)]) == 0
    assert "Left out: 2" in capsys.readouterr().err
    assert run(["tune", MODEL, str(images), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["skipped"]) == 2


def test_every_command_says_how_the_folders_were_read(images, tmp_path, capsys):
    for place, (split, name) in enumerate(
        [(split, name) for split in ("train", "test") for name in ("bright", "dark")]
    ):
        folder = tmp_path / "split" / split / name
        folder.mkdir(parents=True)
        for number in range(place // 2, 8, 2):
            shutil.copy(images / name / f"{number}.png", folder / f"{split}{number}.png")
    (tmp_path / "split" / "train" / "captions.json").write_text("{}")
    merged = "The splits 'test' (8) and 'train' (8) are read as one data set; 'zoo tune' trains and tests on them as they are."
    other = "Other files skipped, because the folder is read as images: 1 .json."
    data, tuned = str(tmp_path / "split"), tmp_path / "tuned"

    commands = (
        ["tune", MODEL, data, "-o", str(tuned)],
        ["evaluate", f"file:{tuned}", data],
        ["features", MODEL, data, "-o", str(tmp_path / "x.npz")],
    )
    for command in commands:
        assert run(command) == 0
        printed = capsys.readouterr().err
        assert f"Note: {merged}\nNote: {other}\n" in printed, command[0]

    for command in commands[1:]:
        assert run([*command, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer if command[0] == "evaluate" else answer["files"][0])["notes"] == [merged, other]
    assert run(["tune", MODEL, data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [merged, other]


def test_of_many_items_the_reasons_are_named(images, tmp_path, capsys):
    for number in range(9):
        (images / "dark" / f"empty{number}.png").write_bytes(b"")

    assert run(["features", MODEL, str(images), "-o", str(tmp_path / "x.npz")]) == 0

    printed = capsys.readouterr().err
    assert "Left out: 11\n" in printed
    assert "   9 .png, such as dark/empty0.png: " in printed
    assert "cut.png" in printed


def test_a_profile_knows_targets_that_are_not_classes(tmp_path, capsys):
    (tmp_path / "people.conll").write_text("Nils B-PER\nsleeps O\n\nAnna B-PER\nreads O\n")
    assert run(["profile", str(tmp_path / "people.conll"), "--task", "token-classification"]) == 0
    assert "token-classification" in capsys.readouterr().out


def test_a_text_may_be_a_file_and_an_empty_one_is_left_out(tmp_path, capsys):
    from zoo.errors import DataError
    from zoo.kinds.text import typed_text

    long = tmp_path / "long.txt"
    long.write_text("word " * 100_000)
    (tmp_path / "empty.txt").write_text("\n")

    assert typed_text(str(long)) == "word " * 100_000
    assert typed_text("no such file.txt") == "no such file.txt"
    for text in ("", " ", str(tmp_path / "empty.txt")):
        with pytest.raises(DataError, match="has no text"):
            typed_text(text)


def test_a_folder_without_its_prefix_is_recognised(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)

    assert run(["predict", "mine", "x.png"]) == 1
    assert "file:mine" in capsys.readouterr().err
