"""Every row of a table gets a prediction or a reason, in order; an interrupted prediction continues where it stopped."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import commands
import pytest
from filelock import FileLock
from PIL import Image

import zoo
from zoo.errors import DataError, Interrupted, InvalidInput
from zoo.features import bulk
from zoo.features.bulk.rows import rows_of
from zoo.features.model import Model
from zoo.kinds.known import kind_of

MODEL = "pkg:wordllama/64"
WORDS = {"bad": ["awful", "sad", "terrible", "poor"], "good": ["great", "lovely", "happy", "bright"]}
EXTRA = [["-1", "=HYPERLINK(1)", "x"], ["+2", " ", "x"], ["only one value"], ["4", "a happy, bright day", ""]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A linear probe that tells good from bad."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(folder / "home"))
        write(folder / "train.csv", [["id", "text", "label"], *examples(40)])
        zoo.tune(MODEL, str(folder / "train.csv"), output=str(folder / "tuned"), save_run=False)
        return zoo.load(f"file:{folder / 'tuned'}")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    write(path, [["id", "text", "label"], *examples(10), *EXTRA])
    return path


def examples(count: int) -> list[list[str]]:
    labels = sorted(WORDS)
    return [[str(n), f"a {WORDS[labels[n % 2]][n // 2 % 4]} thing number {n}", labels[n % 2]] for n in range(count)]


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_is_answered_in_order_or_has_a_reason(model: Model, table: Path) -> None:
    found = zoo.predict_table(model, table, table.with_name("out.csv"))

    rows = read(table.with_name("out.csv"))
    assert [row["id"] for row in rows] == [*map(str, range(10)), "-1", "+2", "", "4"]
    assert [row["prediction"] for row in rows[:10]] == ["bad", "good"] * 5
    assert rows[11]["problem"] == "has no text in column 'text'"
    assert rows[12]["problem"] == "has 1 values, but the header has 3"
    assert rows[11]["prediction"] == rows[12]["prediction"] == ""
    assert (found.rows, found.answered) == (14, 12)
    assert [one.item for one in found.problems] == ["line 13", "line 14"]


def test_the_probabilities_of_all_classes_are_those_of_the_model(model: Model, table: Path) -> None:
    zoo.predict_table(model, table, table.with_name("out.csv"))

    rows = [row for row in read(table.with_name("out.csv")) if not row["problem"]]
    texts = [row["text"].removeprefix("'") for row in rows]
    for row, answer in zip(rows, model.predict(texts), strict=True):
        each = {one.label: one.score for one in answer}
        assert {name: float(row[f"probability_{name}"]) for name in each} == pytest.approx(each, abs=1e-5)
        assert float(row["probability"]) == pytest.approx(max(each.values()), abs=1e-5)


def test_formulas_are_escaped_and_numbers_are_not(model: Model, table: Path) -> None:
    zoo.predict_table(model, table, table.with_name("out.csv"))
    row = read(table.with_name("out.csv"))[10]
    assert (row["id"], row["text"]) == ("-1", "'=HYPERLINK(1)")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_formats_hold_the_same(model: Model, table: Path, suffix: str) -> None:
    zoo.predict_table(model, table, table.with_name("out.csv"))
    zoo.predict_table(model, table, table.with_name(f"out{suffix}"))

    if suffix == ".jsonl":
        lines = table.with_name("out.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
    else:
        from pyarrow import parquet

        rows = parquet.read_table(table.with_name("out.parquet")).to_pylist()
    expected = read(table.with_name("out.csv"))
    assert [row["prediction"] or "" for row in rows] == [row["prediction"] for row in expected]
    assert rows[10]["text"] == "=HYPERLINK(1)"
    assert rows[0]["probability_bad"] == pytest.approx(float(expected[0]["probability_bad"]))


def test_a_crash_loses_one_block_only(model: Model, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 4)
    out = table.with_name("out.csv")
    seen: list[str] = []
    stop_after(monkeypatch, seen, 8, RuntimeError)
    with pytest.raises(RuntimeError):
        zoo.predict_table(model, table, out)
    assert not out.exists()
    partial = table.with_name(".out.csv.partial")
    with partial.open("a", encoding="utf-8") as file:
        file.write('[["line 10", "8", "a tru')  # as a process that was killed leaves it

    before = len(seen)
    stop_after(monkeypatch, seen, 10**6, RuntimeError)
    found = zoo.predict_table(model, table, out)

    assert found.resumed == 8
    assert seen[before:][0] == "a awful thing number 8"
    assert [row["id"] for row in read(out)][:10] == [str(n) for n in range(10)]
    assert not partial.exists()


def test_another_table_or_model_starts_from_the_first_row(
    model: Model, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 4)
    seen: list[str] = []
    stop_after(monkeypatch, seen, 8, RuntimeError)
    with pytest.raises(RuntimeError):
        zoo.predict_table(model, table, table.with_name("out.csv"))
    stop_after(monkeypatch, seen, 10**6, RuntimeError)
    write(table, [["id", "text", "label"], *reversed(examples(10))])

    found = zoo.predict_table(model, table, table.with_name("out.csv"))

    assert found.resumed == 0
    assert [row["id"] for row in read(table.with_name("out.csv"))] == [str(n) for n in reversed(range(10))]


def test_ctrl_c_keeps_the_finished_rows(model: Model, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 4)
    stop_after(monkeypatch, [], 8, KeyboardInterrupt)
    with pytest.raises(Interrupted, match="after 8 of 14 rows; run the same command again"):
        zoo.predict_table(model, table, table.with_name("out.csv"))


def stop_after(monkeypatch: pytest.MonkeyPatch, seen: list[str], count: int, error: type[BaseException]) -> None:
    """Make the predictor fail once it has seen ``count`` inputs."""
    plain = bulk.BlockPredictor._cells
    plain = getattr(plain, "plain", plain)

    def cells(self: Any, items: Sequence[Any]) -> list[list[Any]]:
        if len(seen) >= count:
            raise error
        seen.extend(items)
        return plain(self, items)

    cells.plain = plain  # type: ignore[attr-defined]
    monkeypatch.setattr(bulk.BlockPredictor, "_cells", cells)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files, three of each class in turn."""
    path = tmp_path / "notes"
    path.mkdir()
    for n in range(6):
        (path / f"{n}.txt").write_text(f"a {['awful', 'happy'][n % 2]} day number {n}", encoding="utf-8")
    return path


def test_files_that_were_replaced_meanwhile_are_predicted_again(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 2)
    out, seen = folder.with_name("out.csv"), []
    stop_after(monkeypatch, seen, 4, RuntimeError)
    with pytest.raises(RuntimeError):
        zoo.predict_table(model, folder, out)
    (folder / "2.txt").write_text("a lovely wonderful happy day, as no other", encoding="utf-8")
    before = len(seen)
    stop_after(monkeypatch, seen, 10**6, RuntimeError)

    found = zoo.predict_table(model, folder, out)

    assert found.resumed == 3
    assert sorted(seen[before:]) == [
        "a awful day number 4",
        "a happy day number 5",
        "a lovely wonderful happy day, as no other",
    ]
    assert [row["prediction"] for row in read(out)] == ["bad", "good", "good", "good", "bad", "good"]


def test_files_that_a_table_names_are_watched_too(tmp_path: Path) -> None:
    for n in range(3):
        Image.new("RGB", (8, 8), (80 * n, 0, 0)).save(tmp_path / f"{n}.png")
    write(tmp_path / "images.csv", [["id", "image"], *([str(n), f"{n}.png"] for n in range(3)), ["3", "missing.png"]])
    rows = rows_of(str(tmp_path / "images.csv"), kind_of("image"))
    before = list(rows.stamps())

    Image.new("RGB", (99, 99), "white").save(tmp_path / "1.png")

    assert [one != other for one, other in zip(before, rows.stamps(), strict=True)] == [False, True, False, False]
    assert [block.stamps for block in rows.blocks(2)] == [list(rows.stamps())[:2], list(rows.stamps())[2:]]
    assert [block.places for block in rows.blocks(2, only={1, 3})] == [["line 3", "line 5"]]


def test_a_second_process_is_refused_until_the_first_has_ended(model: Model, table: Path) -> None:
    out = table.with_name("out.csv")
    lock = FileLock(table.with_name(".out.csv.lock"))
    with lock, pytest.raises(InvalidInput, match=r"Another process is writing predictions to '.*out\.csv'"):
        zoo.predict_table(model, table, out)
    assert not out.exists()

    zoo.predict_table(model, table, out)

    assert sorted(path.name for path in table.parent.iterdir() if "out" in path.name) == ["out.csv"]


def test_a_folder_of_files_gets_a_row_each(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("a lovely happy day", encoding="utf-8")
    (folder / "b.txt").write_text("an awful terrible day", encoding="utf-8")
    (folder / "c.txt").write_bytes(b"")

    zoo.predict_table(model, folder, tmp_path / "out.csv")

    rows = read(tmp_path / "out.csv")
    assert [(row["file"], row["prediction"]) for row in rows[:2]] == [("a.txt", "good"), ("b.txt", "bad")]
    assert rows[2]["file"] == "c.txt"
    assert rows[2]["problem"]


def test_what_cannot_be_written_is_refused(model: Model, table: Path) -> None:
    with pytest.raises(InvalidInput, match="is the table itself"):
        zoo.predict_table(model, table, table)
    with pytest.raises(DataError, match="has no column 'words'"):
        zoo.predict_table(model, table, table.with_name("out.csv"), input_column="words")
    write(table, [["text", "prediction"], ["a", "b"]])
    with pytest.raises(InvalidInput, match="has a column 'prediction'"):
        zoo.predict_table(model, table, table.with_name("out.csv"))


def test_the_command_writes_the_table(model: Model, table: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", str(tmp_path / "out.csv")
    found = commands.zoo("predict", model.card.id, str(table), "-o", out, home=home)
    assert f"Written: {out}, 14 rows, 12 with a prediction" in found.stdout
    assert "line 13: has no text" in found.stderr
    several = commands.zoo("predict", model.card.id, str(table), str(table), "-o", out, home=home)
    assert (several.returncode, "takes one table or folder" in several.stderr) == (2, True)
    alone = commands.zoo("predict", model.card.id, "a text", "--input-column", "text", home=home)
    assert (alone.returncode, "--input-column has no effect" in alone.stderr) == (2, True)
