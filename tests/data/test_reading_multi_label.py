"""Sets of labels are read from lists, separators and columns of 0 and 1; ambiguous ones are pointed out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import zoo
from zoo.errors import DataError

TASK = "multi-label-text-classification"
TEXTS = [f"text number {number}" for number in range(8)]
SETS = [["law"], ["law", "short"], [], ["short"], ["law", "old"], ["old", "short"], ["law"], ["old"]]
NAMES = ("law", "old", "short")


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    frame = pd.DataFrame({"text": TEXTS[: len(next(iter(columns.values())))], **columns})
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    return path


def names_of(data: zoo.entities.Dataset) -> list[list[str]]:
    return [sorted(name for name, given in zip(data.classes, row, strict=True) if given) for row in data.targets or ()]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x.jsonl", SETS),
        ("x.parquet", SETS),
        ("x.csv", ["|".join(found) for found in SETS]),
        ("x.csv", ["; ".join(found) for found in SETS]),
        ("x.csv", [", ".join(found) for found in SETS]),
        ("x.csv", [json.dumps(found) for found in SETS]),
        ("x.csv", [str(found) for found in SETS]),
    ],
)
def test_every_way_to_write_sets_of_labels_gives_the_same_data(tmp_path: Path, name: str, cells: list[Any]) -> None:
    data = zoo.read(write(tmp_path / name, {"labels": cells}), task=TASK)
    bits = {name: [int(name in found) for found in SETS] for name in NAMES}
    columns = zoo.read(write(tmp_path / "bits.csv", bits), target_column=",".join(NAMES))

    assert (data.target_kind, data.classes) == ("labels", NAMES)
    assert names_of(data) == [sorted(found) for found in SETS]
    assert data.fingerprint == columns.fingerprint


def test_lists_are_read_as_sets_without_a_task(tmp_path: Path) -> None:
    data = zoo.read(write(tmp_path / "x.jsonl", {"labels": SETS}))
    assert data.target_kind == "labels"
    assert zoo.data.fitting_tasks(data) == [TASK]


def test_lists_with_repeated_labels_are_not_read_as_sets_unless_the_task_requires_it(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", {"labels": [["O", "O", "PER"]] * 8})
    with pytest.raises(DataError, match="lists or objects") as caught:
        zoo.read(path)
    assert "several labels" in (caught.value.hint or "")
    assert "8 cells of column 'labels' repeat a label" in " ".join(zoo.read(path, task=TASK).notes)


def test_lists_of_0_and_1_are_a_label_for_each_position(tmp_path: Path) -> None:
    data = zoo.read(write(tmp_path / "x.jsonl", {"labels": [[0, 1, 1], [1, 0, 0]] * 4}))
    assert data.classes == ("0", "1", "2")
    assert names_of(data)[:2] == [["1", "2"], ["0"]]
    assert "numbered from 0" in " ".join(data.notes)


def test_lists_of_class_labels_of_saved_data_sets_have_their_names(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    named = datasets.ClassLabel(names=list(NAMES))
    features = datasets.Features({"text": datasets.Value("string"), "labels": datasets.Sequence(named)})
    rows = {"text": TEXTS, "labels": [[NAMES.index(name) for name in found] for found in SETS]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))

    assert names_of(zoo.read(tmp_path / "saved")) == [sorted(found) for found in SETS]


def test_columns_of_0_and_1_are_found_if_the_task_requires_sets(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", {"toxic": [0, 1] * 4, "insult": ["true", "false"] * 4, "stars": [1, 2, 3, 4] * 2})
    data = zoo.read(path, task=TASK)
    assert data.classes == ("toxic", "insult")
    assert any("columns of 0 and 1 are read as labels" in note for note in data.notes)

    with pytest.raises(DataError) as caught:
        zoo.read(write(tmp_path / "y.csv", {"toxic": [0, 1] * 4, "insult": [1, 0] * 4}))
    assert "--target-column toxic,insult" in (caught.value.hint or "")


def test_rows_without_0_or_1_are_left_out(tmp_path: Path) -> None:
    data = zoo.read(write(tmp_path / "x.csv", {"a": [1, None, 0, 2], "b": [0, 1, 1, 1]}), target_column="a,b")
    assert names_of(data) == [["a"], ["b"]]
    assert [problem.item for problem in data.problems] == ["line 3", "line 5"]
    assert "no 0 or 1 in column 'a'" in data.problems[0].reason


@pytest.mark.parametrize(
    ("columns", "options", "match"),
    [
        ({"a": [0, 1] * 4}, {"task": TASK, "target_column": "a"}, "only says whether"),
        ({"a": ["x", "y"] * 4, "b": [0, 1] * 4}, {"target_column": "a,b"}, "must hold 0 and 1"),
        ({"a": [0, 1] * 4, "b": [0, 1] * 4}, {"target_column": "a,c"}, "has no column 'c'"),
        (
            {"a": [0, 1] * 4, "b": [0, 1] * 4},
            {"target_column": "a,b", "task": "text-classification"},
            "takes one target column",
        ),
        ({"labels": ["", "", ""]}, {"task": TASK, "target_column": "labels"}, "has no labels"),
    ],
)
def test_wrong_columns_are_explained(
    tmp_path: Path, columns: dict[str, list[Any]], options: dict[str, str], match: str
) -> None:
    with pytest.raises(DataError, match=match):
        zoo.read(write(tmp_path / "x.csv", columns), **options)


def test_a_list_in_a_list_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="contains"):
        zoo.read(write(tmp_path / "x.jsonl", {"labels": [[["a"]], ["b"]]}), task=TASK)


def test_a_column_name_with_a_comma_is_one_column(tmp_path: Path) -> None:
    data = zoo.read(write(tmp_path / "x.csv", {"a,b": ["x", "y"] * 4}), target_column="a,b")
    assert data.target_kind == "class"


def test_labels_that_cannot_be_learned_are_named(tmp_path: Path) -> None:
    columns = {"all": [1] * 8, "none": [0] * 8, "once": [1] + [0] * 7, "some": [0, 1] * 4}
    notes = " ".join(zoo.read(write(tmp_path / "x.csv", columns), task=TASK).notes)
    assert "Label 'none' occurs on no sample" in notes
    assert "Label 'all' occurs on every sample" in notes
    assert "Label 'once' occurs on one sample only" in notes


def test_cells_that_seem_to_hold_several_labels_say_how_to_read_them(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", {"label": ["law;short", "law;old", "food;short", "food;old"] * 2})
    data = zoo.read(path)
    assert data.target_kind == "class"
    assert sum(f"--task {TASK}" in note for note in data.notes) == 1
    assert sum(f"--task {TASK}" in warning for warning in zoo.profile(data).warnings) == 1


def test_a_profile_counts_labels(tmp_path: Path) -> None:
    found = zoo.profile(write(tmp_path / "x.jsonl", {"labels": SETS}), task=TASK)
    assert found.classes == {"law": 4, "old": 3, "short": 3}
    assert found.details["without a label"] == 1
    assert found.details["labels per sample"] == pytest.approx(10 / 8)


def test_copies_with_different_sets_contradict_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [{"text": "same", "labels": ["a", "b"]}, {"text": "same", "labels": ["a"]}, {"text": "x", "labels": ["b"]}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert zoo.profile(path).duplicates[0].labels == ("a", "a, b")
