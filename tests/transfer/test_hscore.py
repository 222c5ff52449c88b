"""The shrinkage H-score against the published values, a naive computation with scikit-learn, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from zoo.errors import InvalidInput
from zoo.transfer import Statistics, score
from zoo.transfer.scores.hscore import hscore


def naive(x, y):
    """The definition, with explicit matrices and scikit-learn's shrinkage."""
    x = x.astype(np.float64)
    x = x - x.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(x, assume_centered=True)
    classes = np.unique(y)
    between = sum(np.sum(y == k) * np.outer(x[y == k].mean(axis=0), x[y == k].mean(axis=0)) for k in classes)
    return (1 - shrinkage) * np.trace(np.linalg.pinv(covariance, rcond=1e-15) @ between) / (len(x) - 1)


def test_published_value(shifted_classes):
    assert score("hscore", *shifted_classes(5000, 768, 10)) == pytest.approx(7.62266489084, rel=1e-8)


@pytest.mark.slow
def test_published_value_on_large_data(shifted_classes):
    assert score("hscore", *shifted_classes(50000, 1024, 100)) == pytest.approx(40.6770250724, rel=1e-8)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(8, 60),
    d=st.integers(2, 80),
    k=st.integers(2, 5),
    scale_and_shift=st.tuples(st.sampled_from([1e-6, 1.0, 1e4]), st.sampled_from([0.0, 10.0])),
)
def test_naive_definition_at_random(seed, n, d, k, scale_and_shift):
    scale, shift = scale_and_shift
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = scale * (rng.normal(size=(n, d)) + y[:, None] * rng.normal(size=d) + shift)
    assert score("hscore", x, y) == pytest.approx(naive(x, y), rel=1e-9)


def test_statistics_alone_give_the_same_where_d_exceeds_n(shifted_classes):
    x, y = shifted_classes(50, 90, 3)
    assert hscore(Statistics(3, 90).update(x, y)) == pytest.approx(score("hscore", x, y), rel=1e-9)


def test_invariances(shifted_classes):
    x, y = shifted_classes(400, 20, 4)
    expected = score("hscore", x, y)
    rng = np.random.default_rng(1)
    order, rotation = rng.permutation(400), np.linalg.qr(rng.normal(size=(20, 20)))[0]
    assert score("hscore", x[order], np.array([2, 9, 0, 1])[y[order]]) == pytest.approx(expected, rel=1e-11)
    assert score("hscore", 3.0 * x.astype(np.float64) @ rotation + 4.0, y) == pytest.approx(expected, rel=1e-9)


def test_shards_give_the_whole(shifted_classes):
    x, y = shifted_classes(600, 15, 5)
    whole = Statistics(5, 15)
    for i in (3, 0, 2, 1):
        whole.merge(Statistics(5, 15).update(x[i::4], y[i::4]))
    assert hscore(whole) == pytest.approx(score("hscore", x, y), rel=1e-9)


def test_awkward_features_stay_finite(shifted_classes):
    x, y = shifted_classes(200, 8, 3)
    assert score("hscore", np.hstack([x, x[:, :2], np.ones((200, 1))]), y) == pytest.approx(
        naive(np.hstack([x, x[:, :2], np.ones((200, 1))]), y), rel=1e-9
    )
    assert score("hscore", np.full((200, 3), 0.1), y) == 0.0
    for scale in (1e-30, 1e30):
        assert score("hscore", x * np.float32(scale), y) == pytest.approx(score("hscore", x, y), rel=1e-5)
    assert np.isfinite(score("hscore", x[:20], np.arange(20)))


def test_numbers_are_refused(shifted_classes):
    x, y = shifted_classes(20, 3, 2)
    with pytest.raises(InvalidInput, match="for classes, not for numbers"):
        hscore(Statistics(None, 3).update(x, y.astype(float)))
