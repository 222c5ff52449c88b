"""The error of the difference between two models on the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zoo.contract.estimator import Measured
from zoo.transfer.intervals import difference, student_quantile, student_t
from zoo.transfer.measure import measure


@given(st.floats(0.001, 0.999), st.integers(1, 5000))
def test_students_quantile_agrees_with_scipy(probability, freedom):
    assert student_quantile(probability, freedom) == pytest.approx(
        stats.t.ppf(probability, freedom), rel=2e-3, abs=1e-4
    )


@given(st.integers(1, 200))
def test_the_table_and_the_quantile_agree(freedom):
    assert student_quantile(0.975, freedom) == pytest.approx(student_t(freedom), rel=2e-3)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 300)
    clean = rng.standard_normal((3, 16))[targets]
    noise = rng.standard_normal((300, 16))
    return targets, clean, noise


@pytest.mark.parametrize("name", ["linear-probe", "logme", "hscore"])
def test_the_parts_hold_the_value_and_its_error(data, name):
    targets, clean, noise = data

    found = measure([name], clean + 2 * noise, targets, seed=3)[name]

    assert np.mean(found.parts) == pytest.approx(found.value, abs=1e-12)
    if name != "linear-probe":  # Its interval stands on the folds, its parts on the samples.
        error = np.std(found.parts, ddof=1) / np.sqrt(len(found.parts))
        assert found.high - found.value == pytest.approx(student_t(len(found.parts) - 1) * error)


@pytest.mark.parametrize("name", ["linear-probe", "logme", "hscore"])
def test_pairs_tell_a_small_difference_that_intervals_hide(data, name):
    targets, clean, noise = data
    better = measure([name], clean + 2.0 * noise, targets)[name]
    worse = measure([name], clean + 2.4 * noise, targets)[name]

    paired = difference(better, worse)
    apart = difference(Measured(*_ends(better)), Measured(*_ends(worse)))

    assert paired.value == pytest.approx(apart.value)
    assert paired.error < apart.error
    assert worse.low < better.value  # the intervals overlap
    assert paired.interval(0.9)[0] > 0


def test_a_model_less_itself_is_exactly_nothing(data):
    targets, clean, noise = data
    found = measure(["logme"], clean + noise, targets)["logme"]

    assert difference(found, found).interval() == (0.0, 0.0)


def test_without_intervals_there_is_no_error_to_tell():
    assert difference(Measured(1.0), Measured(2.0, 1.0, 3.0)) is None


def test_numbers_get_parts_as_well(data):
    _, clean, noise = data
    targets = clean[:, 0] + 0.1 * noise[:, 1]

    found = measure(["linear-probe"], clean + noise, targets)["linear-probe"]

    assert len(found.parts) == 300
    assert np.mean(found.parts) == pytest.approx(found.value)


def _ends(found):
    return found.value, found.low, found.high
