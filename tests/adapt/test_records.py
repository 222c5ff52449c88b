"""Runs in files: everything back from JSON, tables of results from CSV, and every bad line named."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from commands import zoo
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.entities import Run
from zoo.errors import DataError, InvalidInput, StorageError
from zoo.history.run_files import read_runs, write_runs

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=15)
NAME = TEXT.map(str.strip).filter(bool)
METRIC = NAME.map("metric {}".format)
"""Not one that zoo knows, whose values have bounds."""
FIGURE = st.floats(allow_nan=False, allow_infinity=False)
RUNS = st.builds(
    Run,
    NAME,
    NAME,
    TEXT,
    NAME,
    TEXT,
    TEXT,
    st.dictionaries(METRIC, FIGURE, min_size=1, max_size=3),
    st.dictionaries(METRIC, FIGURE, max_size=2),
    st.dictionaries(TEXT, TEXT, max_size=2),
    st.integers(0, 9),
    st.integers(0, 99),
    st.integers(0, 10**6),
    st.floats(0, 1e6),
    TEXT,
    st.none() | TEXT,
    st.dictionaries(TEXT, TEXT, max_size=2),
    st.none() | TEXT,
    TEXT,
)


@given(st.lists(RUNS, max_size=4))
@settings(deadline=None, max_examples=60)
def test_json_gives_everything_back(tmp_path_factory, runs) -> None:
    path = tmp_path_factory.mktemp("runs") / "runs.json"
    write_runs(runs, path)
    assert read_runs(path) == runs


def test_a_table_gives_one_run_for_the_metrics_of_one_result(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(
        "model,dataset,metric,value,cost,seed\n"
        "hf:a/b,photos,accuracy,0.9,12.5,1\nhf:a/b,photos,macro_f1,0.8,12.5,1\nhf:a/b,photos,accuracy,0.7,13,2\n"
    )

    first, second = read_runs(path)

    assert first.metrics == {"accuracy": 0.9, "macro_f1": 0.8}
    assert (first.seconds, first.seed, first.strategy) == (12.5, 1, "imported")
    assert second.metrics == {"accuracy": 0.7}
    assert [run.id for run in read_runs(path)] == [first.id, second.id]


def test_a_table_that_was_written_is_read_again(tmp_path: Path) -> None:
    runs = [
        Run("r", "hf:a/b", "t", "photos", "f", "full", {"accuracy": 0.1 + 0.2, "r2": -1e-17}, {"accuracy": 0.5}, seed=3)
    ]
    write_runs(runs, tmp_path / "r.csv")

    (found,) = read_runs(tmp_path / "r.csv")

    assert (found.metrics, found.baseline, found.seed) == (runs[0].metrics, runs[0].baseline, 3)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "holds no rows|is missing"),
        ("model,dataset,metric\nx,y,z\n", "'value' is missing"),
        ("model,dataset,metric,value,colour\n", "colour"),
        ("model,dataset,metric,value,value\n", "twice"),
        ("model,dataset,metric,value\nhf:a/b,d,accuracy,high\n", "line 2: value is 'high'"),
        ("model,dataset,metric,value\nhf:a/b,d,accuracy,nan\n", "line 2: value is 'nan'"),
        ("model,dataset,metric,value,cost\nhf:a/b,d,accuracy,1,-3\n", "line 2: cost"),
        ("model,dataset,metric,value\nhf:a/b,d,accuracy,1\nhf:a/b,d,accuracy,2\n", "line 3.*twice"),
        ("model,dataset,metric,value\nhf:a/b,d,accuracy\n", "line 2: 3 cells"),
        ("model,dataset,metric,value\n,d,accuracy,1\n", "line 2: 'model' is empty"),
        (
            "model,dataset,metric,value\nhf:a/b,d,accuracy,93.5\n",
            "line 2: accuracy of 'hf:a/b' on 'd' is 93.5.*not percent",
        ),
        (
            "model,dataset,metric,value,baseline\nhf:a/b,d,rmse,3,-1\n",
            "line 2: rmse of the baseline is -1.* at least 0",
        ),
        ('model,dataset,metric,value\n"hf:a/b,d,accuracy,1\n', "line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "results.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=text):
        read_runs(path)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], '"runs"'),
        ({"runs": {}}, '"runs"'),
        ({"runs": [3]}, "Run 1"),
        ({"runs": [{"id": "a"}]}, "incomplete"),
        (
            {
                "runs": [
                    {
                        "id": "a",
                        "model": "m",
                        "task": "",
                        "dataset": "",
                        "data": "",
                        "strategy": "",
                        "metrics": {"a": "b"},
                    }
                ]
            },
            "finite",
        ),
        (
            {"runs": [{"id": "a", "model": "m", "task": "", "dataset": "", "data": "", "strategy": "", "metrics": {}}]},
            "lacks",
        ),
    ],
)
def test_a_bad_document_says_where(tmp_path: Path, document: object, text: str) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=text):
        read_runs(path)


@pytest.mark.parametrize("field", ["metrics", "baseline"])
def test_a_metric_that_is_impossible_is_refused_with_the_run(tmp_path: Path, field: str) -> None:
    run = Run("a7", "hf:a/b", "t", "photos", "f", "full", {"accuracy": 0.5, "own_metric": 7.0}, {"accuracy": 0.1})
    write_runs([run], tmp_path / "good.json")
    write_runs([replace(run, **{field: {"accuracy": 7.0}})], tmp_path / "bad.json")

    assert read_runs(tmp_path / "good.json") == [run]
    with pytest.raises(DataError, match=r"Run 1 .*accuracy of run 'a7' is 7, but it is between 0 and 1\."):
        read_runs(tmp_path / "bad.json")


def test_the_export_says_what_a_table_cannot_hold(tmp_path: Path) -> None:
    write_runs([Run("a7", "hf:a/b", "t", "photos", "f", "full", {"accuracy": 0.5})], tmp_path / "one.json")
    zoo("runs", "import", "one.json", home=tmp_path / "home", folder=tmp_path)

    table = zoo("runs", "export", "out.csv", home=tmp_path / "home", folder=tmp_path)
    document = zoo("runs", "export", "out.json", home=tmp_path / "home", folder=tmp_path)

    assert "cannot hold the ids, plans, intervals and predictions" in table.stderr
    assert "zoo runs export out.json" in table.stderr
    assert document.stderr == ""
    assert [run.id for run in read_runs(tmp_path / "out.json")] == ["a7"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="neither"):
        read_runs(tmp_path / "runs.xlsx")
    with pytest.raises(DataError, match="cannot be read"):
        read_runs(tmp_path / "none.csv")
    with pytest.raises(StorageError):
        write_runs([], tmp_path / "none" / "runs.json")


FORMULA = st.from_regex(r"'{0,2}[=+@＝\-][a-z1(]{0,4}", fullmatch=True)


@given(st.lists(FORMULA | NAME.filter(lambda name: name == name.strip("\ufeff")), min_size=5, max_size=5))
@settings(deadline=None, max_examples=60)
def test_a_spreadsheet_runs_no_cell_and_the_text_comes_back(tmp_path_factory, texts: list[str]) -> None:
    model, dataset, metric, strategy, device = texts
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    run = Run("r", model, "t", dataset, "f", strategy, {metric: -0.2}, device=device)
    write_runs([run], path)

    (found,) = read_runs(path)
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)

    assert (found.model, found.dataset, found.strategy, found.device) == (model, dataset, strategy, device)
    assert found.metrics == {metric: -0.2}
    assert row["value"] == "-0.2"
    texts_of = [row[name] for name in ("model", "dataset", "metric", "strategy", "device")]
    assert not [cell for cell in texts_of if cell.startswith(("=", "+", "-", "@", "＝"))]
