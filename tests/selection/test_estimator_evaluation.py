"""How well estimators predict fine-tuning: agreement, ensembles, and the file of what fine-tuning reached."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import DataError, InvalidInput
from zoo.selection.backtest.estimators import DataResult, agreement, ensembles, evaluate, mean_agreement
from zoo.selection.backtest.ground_truth import FineTuned, GroundTruthFile, Recipe

FINE_TUNED = {"a": 0.9, "b": 0.8, "c": 0.5, "d": 0.1}


def run_of(model: str, value: float | None = 0.5, seed: int = 0) -> FineTuned:
    return FineTuned(model, "1", "text-classification", "d", "f", 10, "full", 4, 0.1, 0.6, seed, "accuracy", value)


def test_the_same_order_agrees_fully_and_costs_nothing():
    found = agreement({"a": 4, "b": 3, "c": 2, "d": 1}, FINE_TUNED)

    assert (found.weighted_tau, found.regret) == (pytest.approx(1.0), 0.0)


def test_the_reversed_order_disagrees_and_costs_the_whole_spread():
    found = agreement({"a": 1, "b": 2, "c": 3, "d": 4}, FINE_TUNED)

    assert (found.weighted_tau, found.regret) == (pytest.approx(-1.0), pytest.approx(0.8))


def test_an_estimator_that_says_nothing_agrees_with_nothing():
    assert agreement(dict.fromkeys(FINE_TUNED, 1.0), FINE_TUNED).weighted_tau == 0.0


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e3, 1e3), min_size=2), st.floats(0.1, 10), st.floats(-5, 5)
)
def test_an_ensemble_does_not_care_for_units(values, scale, shift):
    rounded = {model: round(value, 3) for model, value in values.items()}
    other = {model: scale * value + shift for model, value in rounded.items()}

    found = ensembles({"one": rounded, "other": other})

    for model, value in ensembles({"one": rounded, "other": rounded})["mean z of one+other"].items():
        assert found["mean z of one+other"][model] == pytest.approx(value, abs=1e-6)


def test_the_mean_is_over_what_all_data_sets_have_best_first():
    def result(agreed):
        return DataResult("t", "d", 1, 2, FINE_TUNED, {}, agreed)

    good, bad = agreement(FINE_TUNED, FINE_TUNED), agreement({m: -v for m, v in FINE_TUNED.items()}, FINE_TUNED)

    found = mean_agreement([result({"x": bad, "y": good, "z": good}), result({"x": good, "y": good})])

    assert list(found) == ["y", "x"]
    assert found["x"].weighted_tau == pytest.approx(0.0)


def test_kept_runs_are_found_again(tmp_path):
    path = tmp_path / "fine_tuned.json"
    GroundTruthFile(path).add(run_of("pkg:a"))
    GroundTruthFile(path).add(run_of("pkg:b", None))

    again = GroundTruthFile(path)

    assert len(again) == 2
    assert again.find(run_of("pkg:a").key) == run_of("pkg:a")
    assert again.find(run_of("pkg:a", seed=1).key) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": "other", "runs": []}', json.dumps({"format": "zoo-fine-tuned-1", "runs": [1]})],
)
def test_a_file_that_without_runs_is_refused_and_stays(tmp_path, content):
    path = tmp_path / "fine_tuned.json"
    path.write_text(content)

    with pytest.raises(DataError, match="Name another file with --ground-truth"):
        GroundTruthFile(path)
    assert path.read_text() == content


def test_without_fine_tuned_scores_there_is_nothing_to_compare(poetry, poems):
    with pytest.raises(InvalidInput, match="No data set has 3 models that were fine-tuned"):
        evaluate([str(poems)], samples=40, recipe=Recipe(), only_kept=True, candidates="poems:sloppy")
