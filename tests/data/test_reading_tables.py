"""Tables: every format gives the same, columns are guessed or named, and bad ones are refused in a sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import zoo
from zoo.errors import DataError

ROWS = [("A film, with a comma", "good"), ('He said "no"', "bad"), ("Two\nlines", "good"), ("Größe 東京 🙂", "bad")]


def write(path: Path, rows=ROWS, columns=("text", "label")) -> Path:
    frame = pd.DataFrame(rows, columns=list(columns))
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        frame.to_csv(path, index=False, sep="\t" if name.endswith(".tsv") else ",")
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=not name.endswith(".json"), force_ascii=False)
    return path


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.json", "x.parquet", "x.csv.gz", "x.jsonl.gz"])
def test_every_format_gives_the_same_data(tmp_path: Path, name: str) -> None:
    data = zoo.read(write(tmp_path / name))

    assert list(data.inputs) == [text for text, _ in ROWS]
    assert [data.classes[target] for target in data.targets] == [label for _, label in ROWS]
    assert data.fingerprint == zoo.read(write(tmp_path / "reference.parquet")).fingerprint


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip),
            st.sampled_from(["yes", "no"]),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None, max_examples=60)
def test_any_text_survives_a_csv_file(tmp_path_factory, rows) -> None:
    path = write(tmp_path_factory.mktemp("csv") / "x.csv", rows)
    assert list(zoo.read(path, input_column="text", target_column="label").inputs) == [text for text, _ in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(f"text{delimiter}label\nÉté à Paris{delimiter}fr\nHello you{delimiter}en\n".encode(encoding))
    data = zoo.read(path)
    assert list(data.inputs) == ["Été à Paris", "Hello you"]
    assert data.classes == ("en", "fr")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("text", "label"), {"input": "text", "target": "label"}),
        (("id", "review", "sentiment"), {"input": "review", "target": "sentiment"}),
        (("category", "title", "body"), {"input": "body", "target": "category"}),
    ],
)
def test_columns_are_guessed_and_shown(tmp_path: Path, columns, expected) -> None:
    values = {
        "id": range(6),
        "text": [f"some words {n}" for n in range(6)],
        "review": [f"a long review {n}" for n in range(6)],
        "title": [f"t{n}" for n in range(6)],
        "body": [f"a much longer body of text number {n}" for n in range(6)],
        "label": list("ababab"),
        "sentiment": list("ababab"),
        "category": list("ababab"),
    }
    pd.DataFrame({name: list(values[name]) for name in columns}).to_csv(tmp_path / "x.csv", index=False)
    assert dict(zoo.read(tmp_path / "x.csv").columns) == expected


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [("a b", "x", 1), ("c d", "y", 2)], ("text", "label", "stars"))
    data = zoo.read(path, input_column="label", target_column="text")
    assert list(data.inputs) == ["x", "y"]
    assert data.classes == ("a b", "c d")


@pytest.mark.parametrize("column", ["input_column", "target_column"])
def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "x.csv", [("a b", "x", 1)], ("text", "label", "stars"))
    with pytest.raises(DataError, match="Did you mean stars"):
        zoo.read(path, **{column: "star"})


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["0", "1", "0", "1"], "class"),
        (["0.5", "1.25", "2", "3"], "number"),
        (["yes", "no", "yes", "no"], "class"),
        (["1", "5", "5", "1"], "class"),
        ([str(n * 37) for n in range(80)], "number"),
    ],
)
def test_numbers_and_classes_are_told_apart(tmp_path: Path, labels: list[str], kind: str) -> None:
    data = zoo.read(write(tmp_path / "x.csv", [(f"text {n}", label) for n, label in enumerate(labels)]))
    assert data.target_kind == kind


@pytest.mark.parametrize("missing", ["", "NaN", "nan", "null", "N/A"])
def test_missing_labels_are_listed_or_fatal(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"text,label\na b,x\nc d,{missing}\ne f,y\n")
    data = zoo.read(path)
    assert [(problem.item, len(data)) for problem in data.problems] == [("line 3", 2)]
    with pytest.raises(DataError, match="line 3 has no label"):
        zoo.read(path, on_problem="fail")


def test_nan_numbers_in_parquet_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", [("a b", 1.5), ("c d", float("nan")), ("e f", 2.5)])
    data = zoo.read(path)
    assert list(data.targets) == [1.5, 2.5]
    assert len(data.problems) == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "is empty"),
        ("text,label\n", "no rows"),
        ("1,a text\n2,b text\n", "looks like data"),
        ("text,text\na,b\n", "text"),
        ("text,label\na b,x\nc d,3\n", "mixes numbers and words"),
        ('text,label\n"a b,x\n', "line"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=text):
        zoo.read(path, on_problem="fail")


def test_lists_that_repeat_a_value_are_not_labels(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"text": "a b", "label": [2, 2]}) + "\n")
    with pytest.raises(DataError, match="label"):
        zoo.read(tmp_path / "x.jsonl", target_column="label")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="readable Parquet file"):
        zoo.read(tmp_path / "x.parquet")
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"text,label\na,b\n" * 100)[:30])
    with pytest.raises(DataError, match="cannot be decompressed"):
        zoo.read(tmp_path / "x.csv.gz")
    (tmp_path / "x.jsonl").write_text('{"text": "a", "label": "b"}\nnonsense\n')
    assert [problem.item for problem in zoo.read(tmp_path / "x.jsonl").problems] == ["line 2"]


def test_paths_of_images_are_relative_to_the_table(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    for n in range(3):
        Image.new("RGB", (5, 5), (n, n, n)).save(tmp_path / "img" / f"{n}.png")
    rows = [(f"img/{n}.png", label) for n, label in enumerate("abab")]
    data = zoo.read(write(tmp_path / "x.csv", rows, ("image", "label")))
    assert (data.input_kind, len(data)) == ("image", 3)
    assert data.inputs[1].getpixel((0, 0)) == (1, 1, 1)
    assert [problem.item for problem in data.problems] == ["line 5 (img/3.png)"]


def test_a_missing_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "reviews.csv")
    with pytest.raises(DataError, match="Did you mean reviews"):
        zoo.read(tmp_path / "review.csv")


def test_a_second_column_of_texts_that_is_not_read_is_named(tmp_path: Path) -> None:
    rows = [f"a man with number {n},a woman number {n},id {n},{n / 7:.2f}" for n in range(30)]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["sentence1,sentence2,code,score", *rows]))

    assert zoo.read(path).notes == (
        "Column 'sentence2' also holds texts and is not read, only 'sentence1' is (--input-column names another).",
    )
    assert zoo.read(path, input_column="sentence2").notes == ()
