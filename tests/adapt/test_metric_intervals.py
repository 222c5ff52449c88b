"""95 % intervals of metrics: known formulas, bounds, dependent samples, and coverage by simulation."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sklearn_metrics

from zoo.adapt.results.calibration import calibration
from zoo.adapt.results.intervals import difference, interval
from zoo.adapt.results.outcomes import intervals
from zoo.contract.metric import Metric
from zoo.kinds.metrics import CLASSES, NUMBERS

METRICS = {one.name: one for one in (*CLASSES, *NUMBERS)}
ACCURACY, RMSE = METRICS["accuracy"], METRICS["rmse"]
ROOT = Path(__file__).resolve().parents[2]


def test_the_interval_of_an_accuracy_is_wilsons() -> None:
    targets, predictions = np.zeros(100, dtype=int), (np.arange(100) % 5 == 0).astype(int)
    expected = binomtest(80, 100).proportion_ci(method="wilson")
    assert interval(ACCURACY, targets, predictions) == pytest.approx((expected.low, expected.high), abs=2e-3)


@pytest.mark.parametrize("right", [0, 1])
def test_an_accuracy_of_0_or_1_has_an_interval_too(right: int) -> None:
    low, high = interval(ACCURACY, np.ones(50, dtype=int), np.full(50, right))
    assert low >= 0
    assert high <= 1
    assert 0.03 < high - low < 0.15


def test_three_samples_have_an_interval_that_says_nothing() -> None:
    low, high = interval(ACCURACY, np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert high - low > 0.8


def test_copies_count_once() -> None:
    generator = np.random.default_rng(0)
    targets, predictions = generator.integers(0, 2, 60), generator.integers(0, 2, 60)
    alone = interval(ACCURACY, targets, predictions)
    copied = interval(ACCURACY, np.repeat(targets, 5), np.repeat(predictions, 5), np.repeat(np.arange(60), 5))
    assert copied == pytest.approx(alone, abs=1e-9)
    naive = interval(ACCURACY, np.repeat(targets, 5), np.repeat(predictions, 5))
    assert naive[1] - naive[0] < 0.6 * (copied[1] - copied[0])


def test_the_interval_of_an_error_stays_above_0() -> None:
    low, high = interval(RMSE, np.zeros(4), np.array([0.0, 0.0, 0.0, 9.0]))
    assert 0 < low < 4.5 < high


def test_a_metric_that_needs_both_classes_has_the_widest_interval_with_one_sample_of_each() -> None:
    assert interval(METRICS["roc_auc"], np.array([0.0, 1.0]), np.array([0.1, 0.2])) == (0, 1)


def test_a_difference_is_paired_and_unchanged_by_what_both_get_wrong() -> None:
    targets = np.zeros(200, dtype=int)
    hard = (np.arange(200) < 100).astype(int)
    better = hard.copy()
    better[:20] = 0
    found = difference(ACCURACY, targets, better, hard)
    assert found.value == pytest.approx(0.1)
    assert found.low > 0
    assert found.high - found.low < 0.09  # unpaired: 0.14 each way


def test_equal_predictions_may_still_differ_elsewhere() -> None:
    found = difference(ACCURACY, np.zeros(30, dtype=int), np.zeros(30, dtype=int), np.zeros(30, dtype=int))
    assert found.value == 0
    assert found.low < -0.05
    assert found.high > 0.05


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 60), st.integers(0, 2**31), st.sampled_from(sorted(METRICS)))
def test_an_interval_contains_its_metric_and_stays_within_the_bounds(count: int, seed: int, name: str) -> None:
    generator = np.random.default_rng(seed)
    if METRICS[name] in CLASSES:
        targets, predictions = generator.integers(0, 3, count), generator.integers(0, 3, count)
    else:
        targets, predictions = generator.normal(size=count), generator.normal(size=count)
        if name == "roc_auc":
            targets = np.arange(count) % 2.0
    value, (least, most) = METRICS[name].compute(targets, predictions), METRICS[name].bounds
    low, high = interval(METRICS[name], targets, predictions)
    assert least <= low <= value <= high <= most


def test_a_metric_without_bounds_has_a_symmetric_interval() -> None:
    mean = Metric("mean", lambda targets, predictions: float(np.mean(predictions)), bounds=(-inf, inf))
    values = np.random.default_rng(0).normal(3, 1, 80)
    low, high = interval(mean, values, values)
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.99 * values.std(ddof=1) / 80**0.5, rel=0.01)


@pytest.mark.parametrize(
    "name", ["accuracy", *(pytest.param(name, marks=pytest.mark.slow) for name in ("macro_f1", "roc_auc")), "rmse"]
)
def test_about_95_of_100_intervals_contain_the_true_value(name: str) -> None:
    """A quick look; the committed record of benchmarks/interval_coverage.py has 2,000 simulations a cell."""
    generator = np.random.default_rng(1)
    metric = METRICS[name]

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        if name == "rmse":
            targets = generator.normal(size=count)
            return targets, targets + generator.normal(size=count)
        if name == "roc_auc":
            targets = (generator.random(count) < 0.4).astype(float)
            return targets, targets + generator.normal(size=count)
        targets = generator.integers(0, 3, count)
        return targets, np.where(generator.random(count) < 0.75, targets, generator.integers(0, 3, count))

    value = metric.compute(*drawn(100_000))
    hits = [low <= value <= high for low, high in (interval(metric, *drawn(100)) for _ in range(150))]
    assert 0.89 <= np.mean(hits) <= 0.995


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_metrics_equal_those_of_scikit_learn(count: int, classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    true, found = generator.integers(0, classes, count), generator.integers(0, classes, count)
    numbers, guessed = generator.normal(size=count), generator.normal(size=count).round(1)
    pairs = {
        "accuracy": (true, found, sklearn_metrics.accuracy_score(true, found)),
        "macro_f1": (true, found, sklearn_metrics.f1_score(true, found, average="macro", zero_division=0)),
        "rmse": (numbers, guessed, sklearn_metrics.root_mean_squared_error(numbers, guessed)),
        "mean_absolute_error": (numbers, guessed, sklearn_metrics.mean_absolute_error(numbers, guessed)),
        "r2": (numbers, guessed, sklearn_metrics.r2_score(numbers, guessed)),
    }
    if len({*true.tolist(), *found.tolist()}) > 1:
        pairs["matthews_correlation"] = (true, found, sklearn_metrics.matthews_corrcoef(true, found))
    if len({*(true % 2).tolist()}) == 2:
        binary = (true % 2).astype(float)
        pairs["roc_auc"] = (binary, guessed, sklearn_metrics.roc_auc_score(binary, guessed))
    for name, (targets, predictions, expected) in pairs.items():
        assert METRICS[name].compute(targets, predictions) == pytest.approx(expected, abs=1e-9)


def test_a_calibrated_model_is_within_chance_and_an_overconfident_one_is_not() -> None:
    generator = np.random.default_rng(0)
    confidences = generator.uniform(0.5, 1, 400)
    right = generator.random(400) < confidences
    found = calibration(right.tolist(), confidences.tolist())
    assert found.error <= found.by_chance < 0.1
    overconfident = calibration(right.tolist(), np.full(400, 0.99).tolist())
    assert overconfident.error > overconfident.by_chance
    assert overconfident.error == pytest.approx(0.99 - right.mean())


def test_the_recorded_coverage_is_what_the_guide_says() -> None:
    record = json.loads((ROOT / "benchmarks/records/interval_coverage.json").read_text())
    simulated = {name: found for name, found in record.items() if name.startswith("simulated")}
    assert len(simulated) == 12
    for found in simulated.values():
        assert found["simulations"] >= 2000
        assert 0.93 <= found["coverage"] <= 0.97
    real = [found["coverage"] for name, found in record.items() if name not in simulated]
    assert sorted(real)[1] >= 0.93  # the guide names the exception


def test_an_error_of_0_has_no_finite_interval_and_none_is_recorded() -> None:
    perfect = np.arange(20.0)
    assert interval(RMSE, perfect, perfect) == (0, inf)
    assert intervals([RMSE, METRICS["r2"]], perfect, perfect, None) == {}


def test_rounding_is_not_taken_for_certainty() -> None:
    score = Metric("score", lambda targets, predictions: float(np.mean(predictions)) + 0.1 + 0.2, bounds=(0, 1))
    found = difference(score, np.zeros(30), np.full(30, 0.1), np.full(30, 0.3))
    assert found.high - found.low > 0.1
