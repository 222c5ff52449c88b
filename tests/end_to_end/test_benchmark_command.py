"""``zoo benchmark history``, ``selection`` and ``estimators``, as a user runs them."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from subprocess import CompletedProcess

import commands
import numpy as np
import pytest


def zoo(*arguments: object, home: Path) -> CompletedProcess[str]:
    return commands.zoo(*map(str, arguments), home=home)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty models, whose size decides half of their score, on eight data sets; two more data sets to test on."""
    folder = tmp_path_factory.mktemp("records")
    random = np.random.default_rng(0)
    size = random.uniform(7, 9, 30)
    with (folder / "models.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["model", "parameters", "architecture"])
        writer.writerows([f"m/{i}", round(10 ** size[i]), "vit" if i % 2 else "resnet"] for i in range(30))
    good = (size - 8) + 0.4 * random.normal(size=30)
    for name, datasets in (("runs", range(8)), ("test", range(8, 10))):
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["model", "dataset", "metric", "value"])
            for dataset in datasets:
                for i in range(30):
                    value = 1 / (1 + np.exp(-good[i] - 0.2 * random.normal() - 0.1 * dataset))
                    writer.writerow([f"m/{i}", f"data{dataset}", "accuracy", round(value, 4)])
    return folder


def test_history_leaves_data_sets_and_models_out(files: Path, tmp_path: Path) -> None:
    result = zoo("benchmark", "history", "--runs", files / "runs.csv", "--models", files / "models.csv", home=tmp_path)

    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found["datasets"]) == {f"data{i}" for i in range(8)}
    assert {
        "weighted_tau",
        "weighted_tau_with_ties",
        "pearson",
        "regret_at_1",
        "regret_at_5",
        "coverage_90",
    } <= set(found["mean"])
    assert found["mean"]["weighted_tau"] >= found["baselines"]["mean_z_score"]["weighted_tau"] - 0.05
    assert found["mean"]["weighted_tau"] > 0.6 > found["baselines"]["random"]["weighted_tau"]
    assert found["unseen_models"]["mean"]["weighted_tau"] > 0.3
    assert 0.75 < found["mean"]["coverage_90"] <= 1


def described(path: Path) -> Path:
    """A table that tells which of the eight data sets are alike."""
    rows = "".join(f"data{i},{'even' if i % 2 == 0 else 'odd'} ones,{10 + i}\n" for i in range(8))
    path.write_text(f"dataset,description,classes\n{rows}")
    return path


@pytest.mark.parametrize("name", ["team_datasets.csv", "team_runs_datasets.csv", "datasets.csv", "given.csv"])
def test_what_is_known_of_the_data_sets_is_used_wherever_it_is_at_hand(files: Path, tmp_path: Path, name: str) -> None:
    runs = tmp_path / "team_runs.csv"
    runs.write_text((files / "runs.csv").read_text())
    (tmp_path / "other_datasets.csv").write_text("dataset,description\ndata0,of other results\n")
    table = described(tmp_path / name)

    result = zoo(
        "benchmark", "history", "--runs", runs, *(["--datasets", table] if name == "given.csv" else []), home=tmp_path
    )

    used = json.loads(result.stdout)["dataset_facts"]
    assert used == {"files": [str(table)], "described": 8, "datasets": 8, "columns": ["classes", "description"]}
    assert f"Data sets: 8 of 8 are described by {table} (classes, description)." in result.stderr


def test_without_a_table_of_data_sets_it_is_reported(files: Path, tmp_path: Path) -> None:
    result = zoo("benchmark", "history", "--runs", files / "runs.csv", home=tmp_path)

    assert json.loads(result.stdout)["dataset_facts"]["files"] == []
    assert "Data sets: 0 of 8 are described; name a table of them with --datasets." in result.stderr


def test_history_trains_on_one_file_and_tests_on_another(files: Path, tmp_path: Path) -> None:
    result = zoo(
        "benchmark",
        "history",
        "--train",
        files / "runs.csv",
        "--test",
        files / "test.csv",
        "--models",
        files / "models.csv",
        home=tmp_path,
    )
    found = json.loads(result.stdout)
    assert set(found["datasets"]) == {"data8", "data9"}
    assert found["mean"]["weighted_tau"] > 0.6


def test_a_test_file_s_results_are_not_learnt_from(files: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.csv"
    lines = (files / "test.csv").read_text().splitlines()[1:]
    both.write_text((files / "runs.csv").read_text() + "\n".join(lines) + "\n")

    apart = zoo("benchmark", "history", "--train", files / "runs.csv", "--test", files / "test.csv", home=tmp_path)
    mixed = zoo("benchmark", "history", "--train", both, "--test", files / "test.csv", home=tmp_path)

    assert "60 results are in both files" in mixed.stderr
    assert json.loads(mixed.stdout)["datasets"] == json.loads(apart.stdout)["datasets"]


def test_selection_replays_and_counts_parameters(files: Path, tmp_path: Path) -> None:
    result = zoo(
        "benchmark",
        "selection",
        "--scores",
        files / "runs.csv",
        "--models",
        files / "models.csv",
        "--budget",
        5,
        home=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    one = found["datasets"]["data0"]
    assert len(one["sequence"]) == len(set(one["sequence"])) == len(one["regret"]) == 5
    assert one["regret"] == sorted(one["regret"], reverse=True)
    assert found["mean"]["regret"] < found["baselines"]["random"]["regret"] / 2
    assert 0 < found["mean"]["cost_share"] < 1


def test_selection_on_another_file(files: Path, tmp_path: Path) -> None:
    result = zoo(
        "benchmark",
        "selection",
        "--train",
        files / "runs.csv",
        "--test",
        files / "test.csv",
        "--budget",
        3,
        home=tmp_path,
    )
    assert set(json.loads(result.stdout)["datasets"]) == {"data8", "data9"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["history"], "Pass either --runs, or both --train and --test."),
        (["history", "--runs", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["selection", "--scores", "{runs}", "--budget", "0"], "Invalid budget 0: it must be positive."),
        (["history", "--runs", "{two}"], "nothing can be evaluated"),
    ],
)
def test_bad_input_is_one_sentence(files: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    two = tmp_path / "two.csv"
    two.write_text("model,dataset,value\na,x,0.5\nb,x,0.6\n")
    result = zoo("benchmark", *[a.format(runs=files / "runs.csv", two=two) for a in arguments], home=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr


WORDLLAMA = {"pkg:wordllama/256": 0.5, "pkg:wordllama/128": 0.45, "pkg:wordllama/64": 0.3}
"""Three quick real models, and what fine-tuning is to have reached with them."""


@pytest.fixture(scope="module")
def ground_truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of runs on 120 fortunes, as fine-tuning writes them."""
    import zoo as library
    from zoo.data import sample
    from zoo.selection.backtest.ground_truth import FineTuning, GroundTruthFile, Recipe

    path = tmp_path_factory.mktemp("ground-truth") / "fine_tuned.json"
    part = sample(library.read("fortunes:topics"), 120, 0)
    tuning = FineTuning(part, "text-classification", Recipe(epochs=4), GroundTruthFile(path))
    for model, value in WORDLLAMA.items():
        tuning.kept.add(dataclasses.replace(tuning._planned(model, 0), metric="accuracy", value=value))
    return path


def estimators(ground_truth: Path, home: Path, *options: str) -> CompletedProcess[str]:
    return zoo(
        "benchmark",
        "estimators",
        "fortunes:topics",
        "--samples",
        120,
        "--epochs",
        4,
        "--kept",
        "--ground-truth",
        ground_truth,
        "--candidates",
        ",".join(WORDLLAMA),
        *options,
        home=home,
    )


@pytest.mark.system_packages("fortunes")
def test_estimators_are_compared_with_kept_runs_alone(ground_truth: Path, tmp_path: Path) -> None:
    before = ground_truth.read_text()

    result = estimators(ground_truth, tmp_path, "--estimator", "logme,linear-probe,leep", "--json")

    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    [data] = found["data_sets"]
    assert data["truth"] == WORDLLAMA
    assert set(data["predicted"]) == {"logme", "linear-probe"}
    assert "has no classifier" in data["left_out"]["leep"]
    assert set(data["predicted"]["logme"]) == set(WORDLLAMA)
    assert found["mean"]["parameters"]["weighted_tau"] == pytest.approx(1.0)
    assert all(-1 <= agreed["weighted_tau"] <= 1 for agreed in found["mean"].values())
    assert ground_truth.read_text() == before, "nothing was fine-tuned"


@pytest.mark.system_packages("fortunes")
def test_estimators_without_fine_tuned_scores_say_what_is_missing(tmp_path: Path) -> None:
    result = estimators(tmp_path / "none.json", tmp_path, "--estimator", "logme")

    assert result.returncode == 1
    assert result.stderr == (
        "Error: No data set has 3 models that were fine-tuned. Name another --ground-truth, or leave --kept out.\n"
    )
