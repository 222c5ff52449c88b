"""Names, bad input, intervals, and several estimators from one pass."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import zoo.transfer
from zoo.errors import InvalidInput
from zoo.transfer import Estimator, builtin_estimators, estimators, interval, score
from zoo.transfer import measure as measure_module
from zoo.transfer.intervals import jackknife, student_t
from zoo.transfer.measure import compact, measure

NAMES = ["logme", "hscore", "linear-probe"]


def test_builtin_estimators_are_found_by_name():
    assert {estimator.name for estimator in builtin_estimators()} <= set(estimators())
    assert [estimator.name for estimator in builtin_estimators()][:3] == NAMES
    for estimator in builtin_estimators():
        assert estimator.reference
        assert estimator.range


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match="no estimator called 'logmee'") as caught:
        score("logmee", np.eye(4), [0, 1, 0, 1])
    assert "logme" in caught.value.hint


@pytest.mark.parametrize("name", NAMES)
def test_measure_gives_score_and_interval_together(shifted_classes, name):
    x, y = shifted_classes(200, 30, 3)
    measured = measure(NAMES, x, y, seed=2)[name]
    assert measured.value == pytest.approx(score(name, x, y), abs=0.05 if name == "linear-probe" else 1e-9)
    assert interval(name, x, y, seed=2) == pytest.approx((measured.low, measured.high), abs=1e-9)
    assert measured.low < measured.value < measured.high


@pytest.mark.parametrize("name", ["logme", "hscore"])
def test_interval_is_the_jackknife_of_recomputed_scores(shifted_classes, name):
    x, y = shifted_classes(120, 150, 3)
    group_of = measure_module.assign_groups(y, 10, 0)
    left_out = [score(name, x[group_of != g], y[group_of != g]) for g in range(10)]
    expected = jackknife(score(name, x, y), left_out)
    assert interval(name, x, y) == pytest.approx((expected.low, expected.high), abs=1e-7)


@pytest.mark.parametrize("name", ["logme", "linear-probe"])
def test_numbers_have_intervals_too(shifted_classes, name):
    x, _ = shifted_classes(200, 10, 3)
    y = x[:, 0] + np.random.default_rng(0).normal(size=200)
    low, high = interval(name, x, y)
    assert low < score(name, x, y) < high


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=10)
    left_out = [np.delete(values, i).mean() for i in range(10)]
    measured = jackknife(values.mean(), left_out)
    assert measured.high - measured.value == pytest.approx(student_t(9) * values.std(ddof=1) / np.sqrt(10))


def test_student_quantiles():
    assert student_t(1) == pytest.approx(12.706)
    assert student_t(9) == pytest.approx(2.262)
    assert student_t(60) == pytest.approx(2.0003, abs=1e-3)


def test_the_interval_covers_scores_of_other_samples(shifted_classes):
    x, y = shifted_classes(40 * 150, 8, 3)
    scores = [score("logme", x[i::40], y[i::40]) for i in range(40)]
    low, high = interval("logme", x[::40], y[::40])
    # As wide as the spread of the scores themselves asks for, within a factor of two.
    assert 0.5 < (high - low) / (2 * student_t(9) * np.std(scores)) < 2.0


def test_too_few_samples_have_a_value_but_no_interval():
    x, y = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 0, 1, 1]
    measured = measure(NAMES, x, y)
    assert all(value.low is None and value.high is None for value in measured.values())
    with pytest.raises(InvalidInput, match="at least 8 samples; there are 5"):
        interval("logme", x, y)


def test_compacting_keeps_inner_products():
    x = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
    assert compact(x).shape == (6, 6)
    np.testing.assert_allclose(compact(x) @ compact(x).T, x @ x.T, rtol=1e-5)
    assert compact(x.T.copy()).shape == (40, 6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (np.ones((4, 2)), [1, 1, 1, 1], "All 4 samples belong to one class"),
        (np.ones((1, 2)), [0], "at least 2 samples; there are 1"),
        (np.ones((0, 2)), np.zeros(0, int), "at least 2 samples; there are 0"),
        (np.ones((3, 2)), [0, 1], "one target per sample"),
        (np.ones((2, 3, 4)), [0, 1], "n samples x d dimensions"),
        (np.array([[1.0, 2], [3, np.nan]]), [0, 1], r"sample 1 .* contain NaN"),
        (np.eye(2), [0, -1], r"sample 1 .* is -1"),
        (np.eye(2), ["cat", "dog"], "must be real numbers"),
    ],
)
def test_bad_input_is_one_clear_sentence(name, features, targets, message):
    with pytest.raises(InvalidInput, match=message):
        score(name, features, targets)


def test_numbers_are_refused_by_estimators_of_classes():
    with pytest.raises(InvalidInput, match="'hscore' needs class indices") as caught:
        score("hscore", np.eye(3), [0.5, 1.0, 2.0])
    assert "astype(int)" in caught.value.hint
    with pytest.raises(InvalidInput, match="All 3 samples have the same target"):
        score("logme", np.eye(3), [0.5, 0.5, 0.5])
    with pytest.raises(InvalidInput, match=r"target of sample 2 .* is NaN"):
        score("logme", np.eye(3), [0.5, 0.1, np.nan])


def test_tensors_and_lists_are_read(shifted_classes):
    x, y = shifted_classes(50, 4, 2)
    expected = score("logme", x, y)
    assert score("logme", torch.tensor(x), torch.tensor(y)) == pytest.approx(expected)
    assert score("logme", x.tolist(), y.tolist()) == pytest.approx(expected)


def test_an_estimator_without_statistics_gets_its_interval_from_subsets(monkeypatch, shifted_classes):
    x, y = shifted_classes(100, 4, 2)
    mean = Estimator("mean", "Mean of the first feature", lambda features, targets: float(features[:, 0].mean()))
    monkeypatch.setattr(measure_module, "known_estimators", lambda: {"mean": mean})
    low, high = interval("mean", x, y)
    assert high - low == pytest.approx(2 * student_t(9) * x[:, 0].std() / 10, rel=0.6)


def test_import_is_cheap():
    code = "import sys, zoo.transfer; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = zoo.transfer.nothing
