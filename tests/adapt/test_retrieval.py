"""Recall at k: known values, invariances, and what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_multimodal.retrieval import chance, recalls


def test_a_small_case_by_hand() -> None:
    similarities = np.array([[0.9, 0.1, 0.0], [0.8, 0.7, 0.1], [0.0, 0.2, 0.5]])

    found = recalls(similarities, np.array([0, 1, 2]))

    assert found["image_to_text_recall_at_1"] == pytest.approx(2 / 3)
    assert found["text_to_image_recall_at_1"] == 1.0
    assert found["recall_at_1"] == pytest.approx(5 / 6)
    assert found["recall_at_5"] == 1.0


def test_any_image_of_a_shared_text_counts() -> None:
    found = recalls(np.array([[0.1, 0.9], [0.8, 0.2], [0.1, 0.7]]), np.array([0, 0, 1]))
    assert found["text_to_image_recall_at_1"] == 0.5


def test_ties_count_as_misses() -> None:
    assert recalls(np.zeros((4, 4)), np.arange(4))["recall_at_1"] == 0.0


@given(st.integers(2, 12), st.integers(0, 2**31))
def test_renumbering_changes_nothing(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    similarities, order = generator.normal(size=(count, count)), generator.permutation(count)
    straight = recalls(similarities, np.arange(count))
    shuffled = recalls(similarities[order], np.arange(count)[order])
    assert straight == pytest.approx(shuffled)


def test_chance_is_what_random_orders_give_on_average() -> None:
    generator = np.random.default_rng(0)
    own = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 4, 5, 6])
    drawn = [recalls(generator.normal(size=(12, 7)), own) for _ in range(3000)]
    expected = chance(12, 7, own)
    for name, value in expected.items():
        assert np.mean([found[name] for found in drawn]) == pytest.approx(value, abs=0.02)
