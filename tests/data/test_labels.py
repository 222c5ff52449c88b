"""Labels stay as they are written, and are numbers only where nothing speaks against it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import zoo
from zoo.adapt import tune
from zoo.errors import DataError
from zoo.features import load
from zoo.kinds.targets import interpret, is_code

LARGE = ["9007199254740992", "9007199254740993"]
WORDS = ["good", "bad", "1_000", "0x1F", "True", "1,5", "12a", "٣", "∞"]
CODES = st.from_regex(r"[+-]?0[0-9]{1,20}|[1-9][0-9]{15,24}|0[0-9]\.[0-9]{1,3}", fullmatch=True)
WHOLE = st.from_regex(r"[+-]?[0-9]{1,6}|[1-9]\.0|[1-9]e[0-5]", fullmatch=True)


def labels_of(path: Path, **reading: str) -> list[str]:
    data = zoo.read(path, **reading)
    assert data.target_kind == "class"
    return [data.classes[target] for target in data.targets]


def write_table(path: Path, labels: list) -> Path:
    """A table of texts with labels, in the form that the suffix names."""
    rows = [{"text": f"some words {number}", "label": label} for number, label in enumerate(labels)]
    if path.suffix == ".parquet":
        parquet.write_table(arrow.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["text", "label"], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    "labels", [["007", "042"], LARGE, ["-1", "+1"], ["1.0", "2.0"], ["1e5", "2e5"], ["0", "1"], ["True", "False"]]
)
def test_classes_are_called_as_they_are_written(tmp_path: Path, suffix: str, labels: list[str]) -> None:
    assert labels_of(write_table(tmp_path / f"x.{suffix}", labels * 3)) == labels * 3


def test_labels_that_parquet_holds_as_bytes_are_texts(tmp_path: Path) -> None:
    labels = ["good", "caf\u00e9"] * 3
    path = write_table(tmp_path / "x.parquet", [label.encode() for label in labels])
    assert labels_of(path) == labels


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["law;short", "law;long", "food;short", "food;long"], "lists separated by ';'"),
        (["a|b", "a", "b|c", "b"], "lists separated by '|'"),
        (["a;b", "a", "b"], "lists separated by ';'"),
        (["New York, NY", "Buffalo, NY", "Albany, NY"], ""),
        (["a;b", "c", "d"], ""),
        ([";", "a;", "a"], ""),
    ],
)
def test_labels_that_seem_to_be_lists_are_pointed_out(tmp_path: Path, labels: list[str], said: str) -> None:
    warnings = zoo.profile(zoo.read(write_table(tmp_path / "x.csv", labels * 10))).warnings
    assert [said in warning for warning in warnings if "seem to be lists" in warning] == [True] * bool(said)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("values", [[7, 42], [int(label) for label in LARGE], [10**18 + 1, 10**18 + 2]])
def test_whole_numbers_keep_all_digits(tmp_path: Path, suffix: str, values: list[int]) -> None:
    assert labels_of(write_table(tmp_path / f"x.{suffix}", values * 3)) == [str(value) for value in values * 3]


def test_numbers_that_a_file_holds_as_such_have_no_fraction_that_they_do_not_need(tmp_path: Path) -> None:
    assert labels_of(write_table(tmp_path / "x.parquet", [1.0, 2.0] * 3)) == ["1", "2"] * 3


@given(st.lists(CODES | WHOLE, min_size=1, max_size=30), CODES)
@settings(max_examples=30)
def test_codes_come_back_from_a_table_as_they_were_written(tmp_path_factory, labels, code) -> None:
    labels = [*labels, code]
    path = write_table(tmp_path_factory.mktemp("codes") / "x.csv", labels)
    assert labels_of(path, input_column="text", target_column="label") == labels


@given(st.lists(WHOLE | st.sampled_from(["3", " 7", "8 "]), min_size=1, max_size=8))
def test_few_whole_numbers_come_back_as_they_were_written(labels: list[str]) -> None:
    targets = interpret(labels * 2, ["line"] * len(labels) * 2, "x", "class")
    assert targets.kind == "class"
    assert [targets.classes[target] for target in targets.values] == [label.strip() for label in labels * 2]
    assert len(set(targets.classes)) == len(targets.classes)


@given(st.lists(st.sampled_from(WORDS), min_size=1))
def test_words_come_back_as_they_were_written(labels: list[str]) -> None:
    targets = interpret(labels, ["line"] * len(labels), "x")
    assert [targets.classes[target] for target in targets.values] == labels


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_with_fractions_stay_numbers(values: list[float]) -> None:
    written = [*map(repr, values), "0.30000000000000004"]
    targets = interpret(written, ["line"] * len(written), "x")
    assert (targets.kind, targets.values) == ("number", [float(text) for text in written])


def test_classes_stand_in_the_order_of_their_numbers() -> None:
    labels = ["10", "9", "2", *LARGE[::-1]]
    assert interpret(labels, [""] * 5, "x").classes == ("2", "9", "10", *LARGE)


def test_a_task_of_numbers_takes_codes_as_numbers() -> None:
    assert interpret(["007", "042"], ["", ""], "x", "number").values == [7.0, 42.0]
    with pytest.raises(DataError, match=r"too large \(line 2\)"):
        interpret([1, 10**400], ["line 1", "line 2"], "x", "number")


def test_a_number_that_is_not_finite_is_not_a_label(tmp_path: Path) -> None:
    data = zoo.read(write_table(tmp_path / "x.csv", ["0.5", "1e999", "nan", "2.5"]))
    assert (data.target_kind, data.targets) == ("number", [0.5, 2.5])
    assert [problem.reason for problem in data.problems] == [
        "has no label in column 'label', but '1e999'",
        "has no label in column 'label', but 'nan'",
    ]


@pytest.mark.parametrize(
    ("labels", "words"), [(["007", "7"], "'007' is among them"), (["1", "1.0"], "'1' and '1.0' are one number")]
)
def test_what_could_be_read_otherwise_is_said(tmp_path: Path, labels: list[str], words: str) -> None:
    found = zoo.profile(zoo.read(write_table(tmp_path / "x.csv", labels * 3)))
    assert any(words in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("007", True),
        ("00", True),
        ("0", False),
        ("0.5", False),
        ("-01", True),
        ("123456789012345", False),
        ("1234567890123456", True),
        (10**16, True),
        (1e20, False),
        (True, False),
        ("12a", False),
        ("", False),
    ],
)
def test_codes_are_distinguished_from_numbers(value: object, code: bool) -> None:
    assert is_code(value) is code


def test_texts_that_look_like_numbers_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,other,label\n007,ab,x\n1e5,cd,y\n12,ef,x\n")
    data = zoo.read(tmp_path / "x.csv")
    assert (data.columns["input"], list(data.inputs)) == ("text", ["007", "1e5", "12"])


def test_a_column_of_splits_holds_no_labels(tmp_path: Path) -> None:
    rows = [f"words {number},{'train' if number % 3 else 'test'},{number % 2}" for number in range(12)]
    (tmp_path / "x.csv").write_text("\n".join(["text,type,fold", *rows]))
    data = zoo.read(tmp_path / "x.csv", unlabelled=True)
    assert data.targets is None
    assert "Column 'type' divides the rows into splits" in data.notes[0]


def test_a_tuned_model_answers_with_the_labels_as_written(tmp_path: Path) -> None:
    rows = [
        f"the film number {number} was {'bad' if number % 2 else 'good'},{'007' if number % 2 else '042'}"
        for number in range(24)
    ]
    (tmp_path / "x.csv").write_text("\n".join(["text,code", *rows]))
    tune("pkg:wordllama/64", zoo.read(tmp_path / "x.csv"), output=tmp_path / "out", save_run=False)
    (answer,) = load(f"file:{tmp_path / 'out'}").predict(["a good film"])
    assert {found.label for found in answer} == {"007", "042"}
