"""Records as people write them, and what is made of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from zoo.entities import Run
from zoo.errors import DataError
from zoo.history.records import Record, from_runs, history
from zoo.history.run_files import write_runs
from zoo.history.tables import read_history


def table(tmp_path: Path, *lines: str, name: str = "runs.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def records(*rows: tuple[str, str, float], metric: str = "accuracy") -> list[Record]:
    return [Record(f"line {i}", model, dataset, metric, value) for i, (model, dataset, value) in enumerate(rows)]


def test_a_table_becomes_models_by_data_sets(tmp_path: Path) -> None:
    path = table(
        tmp_path, "model,dataset,metric,value,cost", "a,x,accuracy,0.5,10", "b,x,accuracy,0.6,", "a,y,f1,0.7,3"
    )

    found = read_history(path)

    assert (found.models, found.datasets) == (("a", "b"), ("x", "y"))
    np.testing.assert_array_equal(found.scores, [[0.5, 0.7], [0.6, np.nan]])
    np.testing.assert_array_equal(found.costs, [[10, 3], [np.nan, np.nan]])
    assert found.notes == ()


def test_a_gzipped_table_with_other_names_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv.gz"
    path.write_bytes(gzip.compress(b"model,task,split,score\na,x,test,0.5\n"))
    models = table(tmp_path, "name,n_parameters", "a,100", "c,300", name="models.csv")

    found = read_history(path, models)

    assert found.scores.tolist() == [[0.5]]
    assert found.numbers("parameters", "n_parameters") == {"a": 100.0, "c": 300.0}


def test_percentages_among_fractions_are_divided_and_told() -> None:
    found = history(records(("a", "x", 0.5), ("b", "x", 60.0), ("c", "x", 0.7)))

    assert found.scores[:, 0].tolist() == [0.5, 0.6, 0.7]
    assert found.notes == (
        "accuracy mixes percentages and fractions on x (1 value): what is above 1 is divided by 100.",
    )


def test_the_same_fault_on_many_data_sets_is_one_note() -> None:
    cells = [(model, f"d{n}", 50.0 + n) for n in range(5) for model in "abc"]
    assert history(records(*cells)).notes == ("accuracy is in percent on d0 and 4 others: divided by 100.",)


def test_a_data_set_in_percent_becomes_fractions() -> None:
    found = history(records(("a", "x", 50.0), ("b", "x", 60.0)))
    assert found.scores[:, 0].tolist() == [0.5, 0.6]
    assert "in percent" in found.notes[0]


def test_a_metric_that_is_not_a_fraction_keeps_its_unit() -> None:
    assert history(records(("a", "x", 31.2), ("b", "x", 0.4), metric="bleu")).scores[:, 0].tolist() == [31.2, 0.4]


def test_lower_is_better_is_turned_around_and_told() -> None:
    found = history(records(("a", "x", 2.0), ("b", "x", 1.0), metric="RMSE"))
    assert found.scores[:, 0].tolist() == [-2.0, -1.0]
    assert "better when lower" in found.notes[0]


def test_repeated_records_are_averaged_with_a_note() -> None:
    found = history(records(("a", "x", 0.4), ("a", "x", 0.6), ("b", "x", 0.1)))
    assert found.scores[:, 0].tolist() == [0.5, 0.1]
    assert "1 result given several times, such as a on x" in found.notes[0]


def test_values_that_are_not_finite_are_left_out_and_told() -> None:
    found = history(records(("a", "x", float("nan")), ("b", "x", 0.1), ("c", "x", float("inf"))))
    assert found.models == ("b",)
    assert found.notes[0].startswith("2 records without a finite value")


def test_of_several_metrics_the_one_that_most_models_have_counts() -> None:
    both = records(("a", "x", 0.1), ("b", "x", 0.2)) + records(("a", "x", 0.9), metric="f1")
    found = history(both)
    assert found.scores[:, 0].tolist() == [0.1, 0.2]
    assert "several metrics" in found.notes[0]


def test_models_that_the_table_of_models_lacks_are_reported() -> None:
    found = history(records(("a", "x", 0.1), ("b", "x", 0.2)), {"a": {"parameters": "5"}})
    assert "1 model of the records not in the table of models, such as b" in found.notes[0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["model,dataset,metric", "a,x,accuracy"], "has no column 'value'"),
        (["model,dataset,value"], "no usable record"),
        (["model,dataset,value", "a,x,nan", "b,x,"], "no usable record"),
        (["model,dataset,value", "a,x"], "line 2: 2 cells, but the header has 3"),
        (["model,dataset,value", ",x,0.5"], "line 2: the model or the data set is empty"),
    ],
)
def test_what_cannot_be_fixed_is_one_sentence(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_history(table(tmp_path, *lines))


def test_names_of_exported_runs_are_those_of_the_registry(tmp_path: Path) -> None:
    runs = [Run(name, f"file:{name}", "t", "-data", "f", "full", {"accuracy": 0.5}) for name in ("a", "b")]
    write_runs(runs, tmp_path / "runs.csv")

    assert read_history(tmp_path / "runs.csv").datasets == ("-data",)


def test_a_damaged_gzip_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv.gz"
    path.write_bytes(gzip.compress(b"model,task,score\na,x,0.5\n" * 50)[:40])
    with pytest.raises(DataError, match="nor complete gzip"):
        read_history(path)


def test_the_registry_s_runs_are_a_history() -> None:
    runs = [Run("1", "hf:a", "image-classification", "x", "", "full", {"accuracy": 0.5}, seconds=3.0)]
    found = from_runs(runs)
    assert (found.models, found.datasets, found.scores.tolist()) == (("hf:a",), ("x",), [[0.5]])
    assert found.costs.tolist() == [[3.0]]


def test_parts_keep_their_cells() -> None:
    found = history(records(("a", "x", 0.1), ("b", "y", 0.2)))
    part = found.only(models=["b", "other"], datasets=["y", "new"])
    np.testing.assert_array_equal(part.scores, [[0.2, np.nan], [np.nan, np.nan]])
    assert found.without(datasets=["x"]).datasets == ("y",)
