"""Distances between sets of features: the textbook's value, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from zoo.errors import DataError
from zoo.kinds.metrics.distances import frechet_distance, maximum_mean_discrepancy

GENERATOR = np.random.default_rng(0)
REAL, MADE = GENERATOR.normal(size=(50, 6)), 0.3 + GENERATOR.normal(size=(40, 6)) @ GENERATOR.normal(size=(6, 6))


@pytest.mark.parametrize("dimensions", [3, 6])
def test_the_frechet_distance_is_that_of_the_definition(dimensions: int) -> None:
    real, made = REAL[:, :dimensions], MADE[:, :dimensions]
    covariances = np.cov(real.T), np.cov(made.T)
    means = real.mean(axis=0) - made.mean(axis=0)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = means @ means + np.trace(covariances[0] + covariances[1] - 2 * root)

    assert frechet_distance(real, made) == pytest.approx(expected)


def test_a_shift_costs_its_length_and_fewer_vectors_than_dimensions_are_allowed() -> None:
    assert frechet_distance(REAL, REAL + 2.0) == pytest.approx(6 * 4.0)
    assert frechet_distance(REAL[:4], REAL[:4] + 1.0) == pytest.approx(6.0)


def test_cmmd_is_that_of_the_definition() -> None:
    one, other = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (REAL, MADE))

    def likeness(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([[np.exp(-np.sum((x - y) ** 2) / (2 * 10.0**2)) for y in b] for x in a]))

    expected = 1000 * (likeness(one, one) + likeness(other, other) - 2 * likeness(one, other))
    assert maximum_mean_discrepancy(REAL, MADE) == pytest.approx(expected)


@pytest.mark.parametrize("distance", [frechet_distance, maximum_mean_discrepancy])
def test_distances_are_symmetric_zero_for_equal_sets_and_blind_to_order_and_rotation(distance) -> None:
    rotation, _ = np.linalg.qr(GENERATOR.normal(size=(6, 6)))
    found = distance(REAL, MADE)

    assert distance(REAL, REAL[::-1]) == pytest.approx(0, abs=1e-9)
    assert distance(MADE, REAL) == pytest.approx(found)
    assert distance(REAL @ rotation, MADE @ rotation) == pytest.approx(found)
    with pytest.raises(DataError, match="at least two"):
        distance(REAL[:1], MADE)
