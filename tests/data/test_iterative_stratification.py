"""Iterative stratification: parts are disjoint, keep units together, and hold a share of each label."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import sample, split, stratified_order
from zoo.data.label_sets.stratification import iterative_parts
from zoo.entities import Dataset

FRACTIONS = st.lists(st.integers(1, 10), min_size=1, max_size=4).map(lambda whole: np.array(whole) / sum(whole))
ROWS = st.integers(1, 4).flatmap(
    lambda labels: st.lists(st.lists(st.integers(0, 1), min_size=labels, max_size=labels), min_size=1, max_size=60)
)


def divided(rows: list[list[int]], fractions: np.ndarray, seed: int = 0) -> np.ndarray:
    labels = np.array(rows)
    keys = np.random.default_rng(seed).integers(0, 2**63, len(rows)).astype(np.uint64)
    return iterative_parts(labels, np.ones(len(rows), dtype=np.int64), fractions, keys)


def dataset(rows: np.ndarray, groups: list[str] | None = None) -> Dataset:
    texts = [f"sample {number} of many {number * 7919}" for number in range(len(rows))]
    targets = [tuple(row) for row in rows.tolist()]
    names = tuple(f"label {k}" for k in range(rows.shape[1]))
    return Dataset("x", "text", texts, targets, names, "x", "labels", groups=groups or ())


@given(ROWS, FRACTIONS, st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_each_sample_is_in_one_part_and_a_seed_decides(rows, fractions, seed) -> None:
    parts = divided(rows, fractions, seed)
    assert ((parts >= 0) & (parts < len(fractions))).all()
    assert (parts == divided(rows, fractions, seed)).all()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), FRACTIONS)
@settings(deadline=None, max_examples=60)
def test_with_one_label_each_every_part_has_its_share(classes, fractions) -> None:
    rows = np.eye(4, dtype=int)[classes].tolist()
    parts = divided(rows, fractions)
    for label in set(classes):
        held = np.bincount(parts[np.array(classes) == label], minlength=len(fractions))
        exact = classes.count(label) * fractions
        assert (np.abs(held - exact) < len(fractions)).all()
        assert (held > 0).all() or classes.count(label) < len(fractions)


def test_labels_are_divided_more_evenly_than_at_random() -> None:
    chance = np.random.default_rng(0)
    rows = (chance.random((300, 12)) < chance.uniform(0.02, 0.3, 12)).astype(int)
    fractions = np.array([0.65, 0.15, 0.2])

    def error(parts: np.ndarray) -> float:
        shares = np.stack([rows[parts == part].sum(axis=0) for part in range(3)]) / rows.sum(axis=0)
        return float(np.abs(shares - fractions[:, None]).mean())

    by_chance = np.mean([error(chance.choice(3, 300, p=fractions)) for _ in range(20)])
    found = divided(rows.tolist(), fractions)
    assert error(found) < 0.3 * by_chance
    assert np.abs(np.bincount(found) - 300 * fractions).max() <= 3


@given(ROWS, st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_groups_stay_together(rows, count) -> None:
    groups = [f"group {number % count}" for number in range(len(rows))]
    data = dataset(np.array(rows), groups)
    held = [set(part.groups) for part in split(data, (0.6, 0.4))]
    assert not held[0] & held[1]
    assert sum(len(part) for part in split(data, (0.6, 0.4))) == len(rows)


def test_a_split_keeps_copies_with_contradicting_labels_together() -> None:
    rows = np.array([[1, 0], [0, 1]] * 20)
    data = Dataset(
        "x", "text", [f"text {n // 2}" for n in range(40)], [tuple(r) for r in rows.tolist()], ("a", "b"), "x", "labels"
    )
    first, second = split(data, (0.5, 0.5))
    assert not set(first.inputs) & set(second.inputs)
    assert len(first) == len(second) == 20


def test_a_sample_holds_rare_labels_and_is_part_of_a_larger_one() -> None:
    rows = np.zeros((200, 3), dtype=int)
    rows[:, 0] = 1
    rows[:20, 1] = 1
    rows[20:30, 2] = 1
    data = dataset(rows)
    small, large = sample(data, 40), sample(data, 80)
    assert set(small.inputs) <= set(large.inputs)
    assert np.array(small.targets).sum(axis=0).tolist() == [40, pytest.approx(4, abs=1), pytest.approx(2, abs=1)]
    assert sorted(stratified_order(data)) == list(range(200))
