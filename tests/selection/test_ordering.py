"""Agreement of orders, against the published implementation and by what must not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.selection.rank.ordering import pearson, regret, weighted_tau

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.floats(-3, 3, width=16)), min_size=2, max_size=30)


@settings(deadline=None)
@given(PAIRS)
def test_weighted_tau_is_that_of_scipy(pairs: list[tuple[int, float]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = np.array(pairs, dtype=float).T

    expected = stats.weightedtau(first, second)[0]

    found = weighted_tau(first, second)
    assert (math.isnan(found) and math.isnan(expected)) or found == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(PAIRS)
def test_weighted_tau_uses_order_alone(pairs: list[tuple[int, float]]) -> None:
    first, second = np.array(pairs, dtype=float).T
    found, stretched = weighted_tau(first, second), weighted_tau(np.exp(first), 3 * second - 1)
    assert (math.isnan(found) and math.isnan(stretched)) or found == pytest.approx(stretched)


def test_regret_is_what_the_best_choice_would_have_added() -> None:
    true = np.array([0.5, 0.9, 0.7])
    assert regret(np.array([3.0, 1.0, 2.0]), true) == pytest.approx(0.4)
    assert regret(np.array([3.0, 1.0, 2.0]), true, 2) == pytest.approx(0.2)
    assert regret(np.zeros(3), true) == pytest.approx(0.4)


def test_pearson_of_a_constant_is_not_defined() -> None:
    assert math.isnan(pearson(np.zeros(4), np.arange(4.0)))
    assert pearson(np.arange(4.0), -np.arange(4.0)) == pytest.approx(-1.0)
