"""``zoo recommend`` as a user types it: real packaged models, real images."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import commands
import pytest

MODELS = "pkg:efficientnet-lite0,pkg:mobilenet-v2"


def zoo(home: Path, *arguments: str) -> CompletedProcess[str]:
    return commands.zoo(*arguments, home=home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def recommend_digits(home: Path, *options: str) -> CompletedProcess[str]:
    task = ("--task", "image-classification", "--candidates", MODELS, "--samples", "200")
    return zoo(home, "recommend", "sklearn:digits", *task, *options)


def test_json_holds_the_whole_answer_best_first(home: Path):
    done = recommend_digits(home, "--json")

    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert answer["task"] == "image-classification"
    assert answer["data"]["name"] == "sklearn:digits"
    assert (answer["data"]["samples"], answer["data"]["classes"]) == (1797, 10)
    assert [c["rank"] for c in answer["candidates"]] == [1, 2]
    for candidate in answer["candidates"]:
        assert set(candidate["measured"]) == {"linear-probe", "logme", "hscore"}
        assert candidate["interval"][0] <= candidate["score"] <= candidate["interval"][1]
        assert candidate["measured"]["linear-probe"] > 0.5
        assert candidate["parameters"] > 10**6
        assert candidate["reasons"]
    assert answer["candidates"][0]["score"] >= answer["candidates"][1]["score"]


def test_the_table_shows_rank_score_size_and_reasons(home: Path):
    done = zoo(home, "recommend", "sklearn:digits", "--candidates", MODELS, "--samples", "200")

    assert done.returncode == 0, done.stderr
    assert "sklearn:digits: 1,797 samples, 10 classes, for image-classification" in done.stdout
    for model in MODELS.split(","):
        assert model in done.stdout
    assert "Best of 2: cross-validated linear-probe accuracy" in done.stdout
    assert "Next: zoo tune " in done.stdout


def test_what_is_worth_it_is_measured_and_the_first_are_fine_tuned(home: Path):
    done = zoo(
        home, "recommend", "sklearn:digits:60", "--candidates", MODELS, "--tolerance", "0.0001", "--confirm", "2"
    )

    assert done.returncode == 0, done.stderr
    assert "fine-tuned" in done.stdout
    assert "Fine-tuned here (linear-probe, 2 epochs): accuracy " in done.stdout
    assert "Certainty: By brief fine-tuning: accuracy " in done.stdout
    assert "Start with: linear-probe. With 6 samples per class" in done.stdout
    assert "Measured 2 of 2: every candidate is measured." in done.stdout


def test_without_measuring_the_registry_is_ranked_by_what_is_known(home: Path):
    done = zoo(home, "recommend", "sklearn:digits:60", "--no-measure", "--max-parameters", "6M")

    assert done.returncode == 0, done.stderr
    assert "expected (sd)" in done.stdout
    assert "mean z-score" not in done.stdout
    assert "and 80 more: use --json." in done.stdout


def test_a_second_run_keeps_the_figures(home: Path):
    first = json.loads(recommend_digits(home, "--json").stdout)
    second = json.loads(recommend_digits(home, "--json").stdout)

    assert all(c["reused"] for c in second["candidates"])
    assert [c["measured"] for c in second["candidates"]] == [c["measured"] for c in first["candidates"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("sklearn:digits", "--task", "image-clasification"), "There is no task called 'image-clasification'."),
        (("sklearn:digits", "--candidates", "pkg:efficientnet-lit0"), "pkg:efficientnet-lite0"),
        (("sklearn:digits", "--task", "text-classification"), "image"),
        (("no-such-thing", "--task", "image-classification"), "no-such-thing"),
        (("sklearn:digits", "--estimator", "logmee"), "Did you mean logme"),
        (("sklearn:digits", "--device", "tpu9"), "tpu9"),
        (("sklearn:digits", "--no-measure", "--max-parameters", "10"), "Relax one: --max-parameters "),
        (("sklearn:digits", "--no-measure", "--confirm", "2"), "Only measured candidates can be confirmed."),
        (("sklearn:digits", "--tolerance", "0.01", "--estimator", "logme"), "A tolerance is in accuracy"),
    ],
)
def test_bad_input_ends_in_one_sentence(home: Path, arguments: tuple[str, ...], sentence: str):
    done = zoo(home, "recommend", *arguments)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_an_error_is_an_object_with_json(home: Path):
    done = zoo(home, "recommend", "sklearn:digits", "--task", "nothing", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["type"] == "UnknownTask"


@pytest.mark.parametrize("value", ["0", "-5s", "soon"])
def test_a_budget_that_is_not_a_time_is_a_usage_error(home: Path, value: str):
    done = zoo(home, "recommend", "sklearn:digits", "--budget", value)

    assert done.returncode == 2
