"""Evaluates a model's own predictions: tuned folders, matching of labels, and what cannot be evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel


@pytest.fixture
def tuned(reviews: str, tmp_path: Path) -> str:
    folder = tmp_path / "tuned"
    zoo.tune("pkg:wordllama/64", reviews, output=str(folder))
    return f"file:{folder}"


@pytest.fixture
def others(reviews: str, tmp_path: Path) -> str:
    """As many reviews that the model was not trained on."""
    path = tmp_path / "others.csv"
    path.write_text(Path(reviews).read_text(encoding="utf-8").replace(" number ", " no. "), encoding="utf-8")
    return str(path)


def test_a_tuned_model_is_evaluated_on_new_samples(tuned: str, others: str) -> None:
    found = zoo.evaluate(tuned, others)

    assert found.task == "text-classification"
    assert (found.samples, found.left_out) == (120, 0)
    assert found.metrics["accuracy"] > 0.9
    assert 0.5 <= found.baseline["accuracy"] < 0.65
    assert found.to_dict()["versions"]["zoo"] == zoo.__version__


def test_labels_are_matched_by_name_whatever_their_case_and_order(tuned: str, others: str, tmp_path: Path) -> None:
    lines = Path(others).read_text().splitlines()
    other = tmp_path / "other.csv"
    shouted = [line.replace(",good", ",GOOD").replace(",bad", ",Xtra") for line in lines]
    other.write_text("\n".join(shouted) + "\n")

    found = zoo.evaluate(tuned, str(other))

    share = sum(line.endswith(",GOOD") for line in shouted) / 120
    assert found.metrics["accuracy"] == pytest.approx(share, abs=0.1)


def test_classes_that_the_model_does_not_know_are_said(tuned: str, reviews: str, tmp_path: Path) -> None:
    text = Path(reviews).read_text().replace(",good", ",spring").replace(",bad", ",winter")
    (tmp_path / "seasons.csv").write_text(text)
    with pytest.raises(DataError, match=r"answers with labels such as '(good|bad)', and none of its answers"):
        zoo.evaluate(tuned, str(tmp_path / "seasons.csv"))


def test_a_model_without_predictions_of_its_own_raises_a_clear_error(reviews: str) -> None:
    with pytest.raises(UnsupportedModel, match="has no output for the task"):
        zoo.evaluate("pkg:wordllama/64", reviews)


def test_data_without_labels_raise_an_error(tuned: str, tmp_path: Path) -> None:
    root = tmp_path / "texts"
    root.mkdir()
    (root / "a.txt").write_text("one")
    (root / "b.txt").write_text("two")
    with pytest.raises(DataError, match="no labels"):
        zoo.evaluate(tuned, str(root))


def test_predicted_numbers_are_evaluated_against_numbers(tmp_path: Path) -> None:
    rows = [f"{'very ' * (n % 7)}good {n},{n % 7}.5" for n in range(140)]
    (tmp_path / "stars.csv").write_text("\n".join(["text,stars", *rows]) + "\n")
    folder = tmp_path / "tuned"
    zoo.tune("pkg:wordllama/64", str(tmp_path / "stars.csv"), task="sentence-similarity", output=str(folder))

    found = zoo.evaluate(f"file:{folder}", str(tmp_path / "stars.csv"), task="sentence-similarity")

    assert found.samples == 28
    assert found.metrics["spearman"] > 0.9
    assert found.baseline["spearman"] == 0.0


def test_the_command(tuned: str, others: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", tuned, others]) == 0
    text = capsys.readouterr().out
    assert "text-classification, 120 samples" in text
    assert "accuracy" in text
    assert run(["evaluate", tuned, others, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["accuracy"] > document["baseline"]["accuracy"] + 0.3

    by_class = document["breakdown"]["By class"]
    assert sum(row["samples"] for row in by_class) == document["samples"] == 120
    assert all(f"{row['class']}  " in text and f"{row['recall']:.3f}" in text for row in by_class)
    wrong = sum(row["samples"] for row in document["breakdown"]["Confused classes"])
    assert document["calibration"]["accuracy"] == pytest.approx(1 - wrong / 120)
    assert f"Calibration error {document['calibration']['error']:.3f}" in text


def test_the_command_with_bad_input(tuned: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", tuned, "nowhere.csv"]) == 1
    assert capsys.readouterr().err.startswith("Error: There is no file 'nowhere.csv'")


def test_data_are_read_as_the_first_task_takes_them_or_else_as_another_does(tmp_path: Path) -> None:
    from types import SimpleNamespace

    import numpy as np
    import soundfile

    from zoo.adapt.reading import read_for_evaluation
    from zoo.contract.reader import ReadOptions

    asr_model = SimpleNamespace(card=SimpleNamespace(tasks=("automatic-speech-recognition", "audio-classification")))
    for kind in ("low", "high"):
        (tmp_path / "sorted" / kind).mkdir(parents=True)
        soundfile.write(tmp_path / "sorted" / kind / "0.wav", np.linspace(-0.1, 0.1, 8000), 16000)
    said = tmp_path / "said.csv"
    said.write_text("text,audio\none word,sorted/low/0.wav\nanother one,sorted/high/0.wav\n")

    assert read_for_evaluation(str(said), asr_model, ReadOptions()).target_kind != "class"  # type: ignore[arg-type]
    folders = read_for_evaluation(str(tmp_path / "sorted"), asr_model, ReadOptions())  # type: ignore[arg-type]
    assert folders.target_kind == "class"
