"""Predicted scores: what was measured and what was known before, each by its certainty."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.recommend.combining import combine

NOTHING = np.zeros(6)


def around(values: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return values, values - error, values + error


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=3, max_size=8, unique=True), st.floats(0.001, 0.04))
def test_a_prediction_lies_between_what_was_measured_and_the_average(values: list[float], error: float) -> None:
    measured = np.array(values)
    found = combine(*around(measured, error), np.zeros(len(values)), np.zeros(len(values)))
    assert found is not None
    assert (found.score >= measured.min() - 1e-9).all()
    assert (found.score <= measured.max() + 1e-9).all()
    assert (found.low <= found.score).all()
    assert (found.score <= found.high).all()


def test_exact_measurements_are_left_alone() -> None:
    measured = np.array([0.5, 0.9, 0.7, 0.6, 0.8, 0.55])
    found = combine(*around(measured, 1e-6), np.arange(6.0)[::-1], NOTHING)
    assert found is not None
    np.testing.assert_allclose(found.score, measured, atol=1e-6)


def test_between_two_that_are_nearly_level_what_was_known_before_decides() -> None:
    measured = np.array([0.905, 0.9, 0.6, 0.7, 0.8, 0.5])
    known = np.array([-1.0, 2.0, -1.0, 0.0, 1.0, -2.0])
    found = combine(*around(measured, 0.05), known, NOTHING + 0.3)
    assert found is not None
    assert found.score[1] > found.score[0]
    assert found.score[0] > found.score[4]


def test_what_was_not_measured_is_predicted_from_what_was_known_and_less_surely() -> None:
    measured = np.array([0.9, 0.8, 0.7, 0.6, np.nan, np.nan])
    known = np.array([2.0, 1.0, 0.0, -1.0, 1.5, -0.5])
    found = combine(*around(measured, 0.02), known, NOTHING + 0.1)
    assert found is not None
    assert found.score[4] > 0.75 > found.score[5]
    assert found.high[4] - found.low[4] > found.high[1] - found.low[1]


def test_a_prior_that_is_wrong_here_is_not_followed() -> None:
    measured = np.array([0.9, 0.8, 0.7, 0.6, 0.5, np.nan])
    found = combine(*around(measured, 0.02), np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 2.0]), NOTHING + 0.1)
    assert found is not None
    assert 0.6 < found.score[5] < 0.8, "the average, not the extrapolation"


def test_wide_intervals_by_chance_do_not_turn_the_order_around() -> None:
    measured = np.array([0.8867, 0.9467, 0.88, 0.76, 0.7596])
    low = np.array([0.8239, 0.856, 0.7993, 0.6752, 0.7254])
    high = np.array([0.9494, 1.0, 0.9607, 0.8448, 0.7946])  # the second is cut at 1
    found = combine(measured, low, high, np.zeros(5), np.zeros(5))
    assert found is not None
    assert list(np.argsort(-found.score)) == [1, 0, 2, 3, 4]
    assert found.score[1] > 0.9
    assert found.high.max() <= 1.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.05, 0.95), st.floats(0.001, 0.2)), min_size=3, max_size=8, unique_by=lambda p: p[0])
)
def test_without_a_prior_the_order_is_the_measured_one(pairs: list[tuple[float, float]]) -> None:
    measured, errors = np.array(pairs).T
    found = combine(measured, measured - errors, measured + errors, np.zeros(len(pairs)), np.zeros(len(pairs)))
    assert found is not None
    assert (np.diff(found.score[np.argsort(measured)]) >= 0).all()


def test_two_measurements_predict_nothing() -> None:
    assert combine(*around(np.array([0.5, 0.6, np.nan]), 0.1), np.zeros(3), np.zeros(3)) is None
