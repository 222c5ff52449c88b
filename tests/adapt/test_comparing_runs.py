"""Runs keep what was predicted for each test sample, are shown with it, and are compared on the samples they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from zoo.adapt.results.paired import compare_runs
from zoo.cli import run as command
from zoo.entities import Outcomes, Run
from zoo.errors import DataError

STATIC, LARGER = "pkg:wordllama/64", "pkg:wordllama/128"


def _run(id: str, predictions: list[int], samples: list[str] | None = None, **changes: object) -> Run:
    """A run with 40 test samples of two classes."""
    names = tuple(samples or (f"{at:016x}" for at in range(40)))
    targets = tuple(at % 2 for at in range(40))
    values = {"kind": "class", "classes": ("a", "b"), "samples": names, "units": tuple(range(40)), "targets": targets}
    outcomes = Outcomes(**{**values, "predictions": tuple(predictions), **changes})  # type: ignore[arg-type]
    return Run(id, "m", "t", "d", "f", "full", {"accuracy": 0.5}, outcomes=outcomes)


def test_a_run_keeps_its_predictions_and_the_list_leaves_them_out(reviews: str) -> None:
    run = zoo.tune(STATIC, reviews)

    kept = zoo.open_registry().run(run.id)
    assert kept == run
    assert list(kept.metrics) == list(run.metrics)
    assert kept.outcomes is not None
    right = [target == found for target, found in zip(kept.outcomes.targets, kept.outcomes.predictions, strict=True)]
    assert sum(right) / len(right) == pytest.approx(run.metrics["accuracy"])
    assert len(kept.outcomes.samples) == len(set(kept.outcomes.samples)) == run.plan["test_samples"]
    assert all(0.5 <= one <= 1 for one in kept.outcomes.confidences)
    low, high = run.intervals["accuracy"]
    assert low < run.metrics["accuracy"] <= high
    assert [one.outcomes for one in zoo.open_registry().runs()] == [None]


def test_a_run_is_shown_with_intervals_classes_and_calibration(
    reviews: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = zoo.tune(STATIC, reviews, strategy="full", epochs=2, keep="fine-tuned")
    assert command(["runs", "show", run.id]) == 0
    shown = capsys.readouterr().out
    for part in ("95 % interval", "Gain over the baseline: accuracy +", "By class", "recall", "Calibration error"):
        assert part in shown
    assert "Epochs; the best is" in shown
    assert [row[0] for row in run.plan["curve"]] == [1, 2]
    assert command(["runs", "show", run.id, "--json"]) == 0
    assert Run.from_dict(json.loads(capsys.readouterr().out)) == run


def test_two_runs_are_compared_on_their_common_samples(
    reviews: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = zoo.tune(STATIC, reviews), zoo.tune(LARGER, reviews)
    assert command(["runs", "compare", first.id, second.id]) == 0
    shown = capsys.readouterr().out
    assert "On the 24 test samples of both runs (24 independent):" in shown
    assert command(["runs", "compare", first.id, second.id, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    [accuracy] = [one for one in found["metrics"] if one["metric"] == "accuracy"]
    assert accuracy["first"] == pytest.approx(first.metrics["accuracy"])
    assert accuracy["second"] == pytest.approx(second.metrics["accuracy"])
    assert accuracy["low"] <= accuracy["difference"] <= accuracy["high"]

    # In a file, runs keep their predictions, so that another registry can compare them too.
    assert command(["runs", "export", str(tmp_path / "runs.json")]) == 0
    exported = [Run.from_dict(one) for one in json.loads((tmp_path / "runs.json").read_text())["runs"]]
    assert {run.id for run in exported if run.outcomes} == {first.id, second.id}


def test_a_clear_difference_has_a_small_p_and_an_interval_without_0() -> None:
    targets = [at % 2 for at in range(40)]
    good, bad = _run("good", targets), _run("bad", [1 - one if at < 20 else one for at, one in enumerate(targets)])
    [accuracy] = compare_runs(good, bad).metrics
    assert (accuracy.difference, accuracy.p) == (0.5, pytest.approx(1 / 2000, abs=2e-3))
    assert accuracy.low > 0.2


def test_dependent_samples_are_exchanged_together() -> None:
    targets = [at % 2 for at in range(40)]
    worse = [1 - one if at < 20 else one for at, one in enumerate(targets)]
    units = tuple(at // 20 for at in range(40))
    [accuracy] = compare_runs(_run("a", targets, units=units), _run("b", worse, units=units)).metrics
    assert accuracy.p == 1
    assert accuracy.low <= 0 <= accuracy.high


def test_classes_are_matched_by_name() -> None:
    targets = [at % 2 for at in range(40)]
    turned = _run("b", [1 - one for one in targets], classes=("b", "a"), targets=tuple(1 - one for one in targets))
    [accuracy] = compare_runs(_run("a", targets), turned).metrics
    assert (accuracy.first, accuracy.second, accuracy.p) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (_run("b", [0] * 40, [f"{at:016x}" for at in range(100, 140)]), "have no sample in common"),
        (_run("b", [0] * 40, targets=tuple([0] * 40)), "different targets for the same samples"),
        (Run("b", "m", "t", "d", "f", "full", {"accuracy": 0.5}), "Run b has no record of its predictions"),
        (_run("b", [0] * 40, kind="number"), "Run a predicts classes, run b numbers"),
    ],
)
def test_runs_that_cannot_be_compared_say_why(other: Run, words: str) -> None:
    with pytest.raises(DataError, match=words):
        compare_runs(_run("a", [0] * 40), other)


def test_a_test_of_three_samples_is_called_useless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{word} number {at},{label}" for at in range(8) for word, label in (("good", "a"), ("bad", "b"))]
    (tmp_path / "few.csv").write_text("text,label\n" + "\n".join(rows[:14]) + "\n")
    assert command(["tune", STATIC, str(tmp_path / "few.csv"), "--no-save-run"]) == 0
    found = capsys.readouterr()
    assert "independent samples" in found.err or "samples, so its figures and intervals are useless" in found.err
