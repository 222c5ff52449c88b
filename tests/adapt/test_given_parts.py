"""Data that come with their own validation and test samples: other files, folders and columns; folds and repeats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.adapt import strategies
from zoo.adapt.experiment import prepare
from zoo.adapt.repeated import plans
from zoo.cli import run as command
from zoo.data.joining import joined
from zoo.entities import TEST, TRAIN, VALIDATION, Plan
from zoo.errors import DataError, InvalidInput

STATIC = "pkg:wordllama/64"
GOOD, BAD = (
    ["great", "lovely", "wonderful", "superb", "nice", "happy"],
    ["awful", "terrible", "poor", "horrible", "broken", "nasty"],
)
THINGS = ["film", "book", "phone", "hotel", "meal", "song", "game", "shop"]


def _rows(start: int, stop: int) -> list[tuple[str, str]]:
    """Distinct short reviews."""
    pairs = [
        (f"a {word} {thing}, and a {other} one", label)
        for thing in THINGS
        for label, words in (("good", GOOD), ("bad", BAD))
        for word in words
        for other in words
        if other != word
    ]
    order = np.random.default_rng(0).permutation(len(pairs))
    return [pairs[at] for at in order[start:stop]]


def _table(path: Path, rows: list[tuple[str, str]], head: str = "text,label") -> str:
    path.write_text(head + "\n" + "".join(f'"{text}",{label}\n' for text, label in rows), encoding="utf-8")
    return str(path)


def test_a_separate_file_is_tested_and_its_samples_are_never_trained_on(tmp_path: Path) -> None:
    train, test = _rows(0, 80), _rows(80, 110)
    data = _table(tmp_path / "train.csv", [*train, *test[:5]])
    run = zoo.tune(STATIC, data, test_data=_table(tmp_path / "test.csv", test))

    assert (run.plan["test_samples"], run.plan["parts"]) == (30, "the data's own")
    assert run.plan["left_out_repeats"] == 5
    assert run.samples == 115
    assert run.outcomes is not None
    assert len(run.outcomes.targets) == 30


def test_a_profile_names_what_would_have_leaked(tmp_path: Path) -> None:
    rows = [*_rows(0, 60), *_rows(0, 3), *_rows(60, 80)]
    lines = [f'"{text}",{label},{"train" if at < 60 else "test"}' for at, (text, label) in enumerate(rows)]
    (tmp_path / "data.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
    found = zoo.profile(str(tmp_path / "data.csv"))
    assert (found.parts, found.leaked) == ({TRAIN: 60, TEST: 23}, 3)
    assert any(
        "3 training or validation samples repeat a test sample, or nearly" in sentence for sentence in found.warnings
    )
    assert zoo.tune(STATIC, str(tmp_path / "data.csv")).plan["left_out_repeats"] == 3


def test_validation_and_test_files_are_used_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_table(tmp_path / f"{at}.csv", _rows(*ends)) for at, ends in enumerate([(0, 80), (80, 100), (100, 130)])]
    options = ["--validation-data", paths[1], "--test-data", paths[2], "--json"]
    assert command(["tune", STATIC, paths[0], *options]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run["plan"]["test_samples"] == 30
    assert run["outcomes"] is None


def test_classes_are_matched_by_name(tmp_path: Path) -> None:
    train = _table(
        tmp_path / "train.csv", [*_rows(0, 60), ("a boring film", "average"), ("an ordinary meal", "average")]
    )
    test = _table(tmp_path / "test.csv", [row for row in _rows(60, 120) if row[1] == "good"][:12])
    data = joined(zoo.read(train), test=zoo.read(test))
    assert data.classes == ("average", "bad", "good")
    assert set(data.targets[-12:]) == {2}  # type: ignore[index]
    assert list(data.parts[-12:]) == [TEST] * 12


def test_a_file_with_another_class_is_an_error(tmp_path: Path) -> None:
    train = _table(tmp_path / "train.csv", _rows(0, 60))
    test = _table(tmp_path / "test.csv", [*_rows(60, 80), ("quite average", "average")])
    with pytest.raises(DataError, match=r"has the class 'average', which the training data .* lack"):
        zoo.tune(STATIC, train, test_data=test)


def test_a_file_with_other_columns_is_an_error(tmp_path: Path) -> None:
    train = _table(tmp_path / "train.csv", _rows(0, 60))
    test = _table(tmp_path / "test.csv", _rows(60, 80), head="review,stars")
    with pytest.raises(DataError, match="has no column 'text'"):
        zoo.tune(STATIC, train, test_data=test)


def test_folders_of_splits_are_the_parts(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 4), ("test", 6)):
        for label in ("dark", "light"):
            folder = tmp_path / "photos" / part / label
            folder.mkdir(parents=True)
            for at in range(count):
                pixels = generator.integers(0, 100, (24, 24, 3)) + (0 if label == "dark" else 120)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{at}.png")
    data = zoo.read(str(tmp_path / "photos"))
    assert [list(data.parts).count(part) for part in (TRAIN, VALIDATION, TEST)] == [24, 8, 12]
    assert "'zoo tune' trains and tests on them as they are" in data.notes[0]
    experiment = prepare(data, Plan(task="image-classification"))
    assert [data.parts[at] for at in experiment.test] == [TEST] * 12
    assert [data.parts[at] for at in experiment.validation] == [VALIDATION] * 8
    assert len(experiment.train) == 24


def test_folders_for_training_and_validation_alone_test_on_the_latter(tmp_path: Path) -> None:
    for part, rows in (("train", _rows(0, 60)), ("validation", _rows(60, 80))):
        for at, (text, label) in enumerate(rows):
            folder = tmp_path / part / label
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{at}.txt").write_text(text)
    data = zoo.read(str(tmp_path))
    assert list(data.parts).count(TEST) == 20
    experiment = prepare(data, Plan(task="text-classification"))
    assert len(experiment.test) == 20
    assert 5 <= len(experiment.validation) <= 12
    assert {data.parts[at] for at in experiment.validation} == {TRAIN}


def test_a_column_of_splits_is_used(tmp_path: Path) -> None:
    rows = _rows(0, 90)
    lines = [f'"{text}",{label},{"train" if at < 70 else "test"}' for at, (text, label) in enumerate(rows)]
    (tmp_path / "data.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
    data = zoo.read(str(tmp_path / "data.csv"))
    assert list(data.parts).count(TEST) == 20
    assert zoo.tune(STATIC, data).plan["test_samples"] == 20


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test": 0.3}, "--test has no effect: .* have a test part of their own"),
        ({"folds": 3}, "--folds has no effect: .* have parts of their own"),
    ],
)
def test_options_without_effect_on_given_parts_are_refused(
    tmp_path: Path, changes: dict[str, float], words: str
) -> None:
    data, test = (_table(tmp_path / f"{ends[0]}.csv", _rows(*ends)) for ends in ((0, 60), (60, 80)))
    with pytest.raises(InvalidInput, match=words):
        zoo.tune(STATIC, data, test_data=test, **changes)  # type: ignore[arg-type]


def test_folds_test_every_sample_once(tmp_path: Path) -> None:
    flipped = {"good": "bad", "bad": "good"}
    rows = [(text, flipped[label] if at % 5 == 0 else label) for at, (text, label) in enumerate(_rows(0, 90))]
    data = _table(tmp_path / "data.csv", rows)
    run = zoo.tune(STATIC, data, folds=3)
    assert run.outcomes is not None
    assert len(run.outcomes.samples) == len(set(run.outcomes.samples)) == 90
    assert run.plan["test_samples"] == run.plan["test_units"] == 90
    assert len(run.plan["each"]) == 3
    assert run.metrics["accuracy"] == pytest.approx(np.mean([one["accuracy"] for one in run.plan["each"]]))
    low, high = run.intervals["accuracy"]
    assert low < run.metrics["accuracy"] < high
    single = zoo.tune(STATIC, data).intervals["accuracy"]
    assert high - low < single[1] - single[0]


def test_repeats_count_each_sample_once_and_their_interval_is_not_that_of_more_data(tmp_path: Path) -> None:
    data = _table(tmp_path / "data.csv", _rows(0, 60))
    run = zoo.tune(STATIC, data, repeats=4)
    assert [one.seed for one in plans(Plan(repeats=4, seed=3))] == [3, 4, 5, 6]
    assert run.outcomes is not None
    assert len(run.outcomes.targets) == 48
    assert run.plan["test_units"] == len(set(run.outcomes.units)) < 48
    assert set(run.plan["gains"]) == {"baseline"}


def test_more_folds_than_samples_of_a_class_are_refused(tmp_path: Path) -> None:
    data = _table(tmp_path / "data.csv", [*_rows(0, 60), ("so so", "average"), ("middling", "average")])
    with pytest.raises(InvalidInput, match="The class 'average' has 2 independent samples, fewer than 3 folds"):
        zoo.tune(STATIC, data, folds=3)


def test_a_killed_cross_validation_continues_after_the_last_finished_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    data = _table(tmp_path / "data.csv", _rows(0, 60))
    script = f"""
import os, zoo, zoo.adapt.strategies as strategies
done = []
adapt = strategies.adapt
def dying(*arguments):
    if len(done) == 2:
        os._exit(9)
    done.append(1)
    return adapt(*arguments)
strategies.adapt = dying
zoo.tune({STATIC!r}, {data!r}, folds=4, save_run=False)
"""
    whole = zoo.tune(STATIC, data, folds=4, save_run=False)
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    adapt, trained = strategies.adapt, []
    monkeypatch.setattr(strategies, "adapt", lambda *arguments: trained.append(1) or adapt(*arguments))

    resumed = zoo.tune(STATIC, data, folds=4, save_run=False)

    assert len(trained) == 2
    assert (resumed.metrics, resumed.intervals) == (whole.metrics, whole.intervals)


def test_validation_samples_that_are_all_test_samples_are_an_error(tmp_path: Path) -> None:
    train, test = _table(tmp_path / "train.csv", _rows(0, 60)), _table(tmp_path / "test.csv", _rows(60, 80))
    with pytest.raises(DataError, match=r"All 20 validation samples .* are copies of test samples"):
        zoo.tune(STATIC, train, validation_data=test, test_data=test)


def test_a_test_file_replaces_the_test_part_of_the_data(tmp_path: Path) -> None:
    lines = [f'"{text}",{label},{"train" if at < 60 else "test"}' for at, (text, label) in enumerate(_rows(0, 70))]
    (tmp_path / "data.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
    data = joined(zoo.read(str(tmp_path / "data.csv")), test=zoo.read(_table(tmp_path / "test.csv", _rows(80, 100))))
    assert list(data.parts).count(TEST) == 20
    assert data.notes[0] == (
        f"The 10 test samples of '{tmp_path / 'data.csv'}' are not used, because --test-data names others."
    )


def test_samples_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    rows = [f'"{text}",{label},{at % 12}' for at, (text, label) in enumerate(_rows(0, 60))]
    (tmp_path / "train.csv").write_text("text,label,group\n" + "\n".join(rows) + "\n")
    test = _table(tmp_path / "test.csv", _rows(60, 90))
    run = zoo.tune(STATIC, str(tmp_path / "train.csv"), group_column="group", test_data=zoo.read(test))
    assert run.plan["test_units"] == 30


def test_data_with_other_parts_have_another_fingerprint(tmp_path: Path) -> None:
    found = []
    for held_out in (50, 55):
        rows = enumerate(_rows(0, 60))
        lines = [f'"{text}",{label},{"train" if at < held_out else "test"}' for at, (text, label) in rows]
        (tmp_path / "data.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
        found.append(zoo.read(str(tmp_path / "data.csv")).fingerprint)
    assert found[0] != found[1]
