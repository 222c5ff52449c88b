"""LogME against the published values, an independent naive computation, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.transfer import Statistics, score
from zoo.transfer.scores.logme import logme


def naive(x, y):
    """The definition, class by class, with explicit d x d matrices: posterior, evidence, fixed point."""
    x = x.astype(np.float64)
    n, d = x.shape
    outputs = [(y == k).astype(float) for k in np.unique(y)] if y.dtype.kind == "i" else [y.astype(float)]
    evidences = []
    for target in outputs:
        alpha = beta = 1.0
        for _ in range(11):
            t = alpha / beta
            precision = np.linalg.inv(x.T @ x + t * np.eye(d))
            m = precision @ x.T @ target
            gamma = d - t * np.trace(precision)
            m2, res2 = m @ m, ((x @ m - target) ** 2).sum()
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (res2 + 1e-5)
            _, log_determinant = np.linalg.slogdet(alpha * np.eye(d) + beta * x.T @ x)
            evidence = (
                d / 2 * np.log(alpha)
                + n / 2 * np.log(beta)
                - log_determinant / 2
                - beta / 2 * res2
                - alpha / 2 * m2
                - n / 2 * np.log(2 * np.pi)
            ) / n
            if abs(alpha / beta - t) / t <= 1e-3:
                break
        evidences.append(evidence)
    return np.mean(evidences)


def test_published_value(shifted_classes):
    assert score("logme", *shifted_classes(5000, 768, 10)) == pytest.approx(0.6052396332609, abs=1e-9)


@pytest.mark.slow
def test_published_value_on_large_data(shifted_classes):
    assert score("logme", *shifted_classes(50000, 1024, 100)) == pytest.approx(1.1677084277796, abs=1e-9)


@pytest.mark.parametrize(("n", "d"), [(200, 5), (60, 40), (40, 40), (30, 55)])
@pytest.mark.parametrize("kind", ["class", "number"])
def test_naive_definition(shifted_classes, n, d, kind):
    x, y = shifted_classes(n, d, 3, seed=n + d)
    y = y if kind == "class" else x[:, 0] - 2.0 * x[:, 1] + 0.3 * y + 50.0
    assert score("logme", x, y) == pytest.approx(naive(x, y), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(8, 60),
    d=st.integers(1, 12),
    k=st.integers(2, 5),
    scale_and_shift=st.tuples(st.sampled_from([1e-2, 1.0, 30.0]), st.sampled_from([0.0, 1.0, 5.0])),
)
def test_naive_definition_at_random(seed, n, d, k, scale_and_shift):
    scale, shift = scale_and_shift
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = scale * (rng.normal(size=(n, d)) + y[:, None] * rng.normal(size=d) + shift)
    assert score("logme", x, y) == pytest.approx(naive(x, y), rel=1e-7, abs=1e-7)


def test_statistics_alone_give_the_same_where_d_exceeds_n(shifted_classes):
    x, y = shifted_classes(50, 90, 3)
    assert logme(Statistics(3, 90).update(x, y)) == pytest.approx(score("logme", x, y), abs=1e-9)


def test_renumbering_classes_and_permuting_samples_change_nothing(shifted_classes):
    x, y = shifted_classes(400, 20, 4)
    order = np.random.default_rng(1).permutation(400)
    expected = score("logme", x, y)
    assert score("logme", x, np.array([7, 0, 3, 90])[y]) == pytest.approx(expected, abs=1e-12)
    assert score("logme", x[order], y[order]) == pytest.approx(expected, abs=1e-12)


def test_rotating_features_changes_nothing(shifted_classes):
    x, y = shifted_classes(400, 20, 4)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0]
    assert score("logme", x @ rotation, y) == pytest.approx(score("logme", x, y), abs=1e-9)


def test_shards_in_any_order_give_the_whole(shifted_classes):
    x, y = shifted_classes(600, 15, 5)
    shards = [Statistics(5, 15).update(x[i::7], y[i::7]) for i in (3, 0, 6, 1, 5, 2, 4)]
    whole = shards[0]
    for shard in shards[1:]:
        whole.merge(shard)
    assert logme(whole) == pytest.approx(score("logme", x, y), abs=1e-9)


def test_constant_zero_and_duplicated_features(shifted_classes):
    x, y = shifted_classes(300, 10, 3)
    padded = np.hstack([x, np.zeros((300, 4), np.float32)])
    assert score("logme", padded, y) == pytest.approx(score("logme", x, y), abs=1e-9)
    awkward = np.hstack([x, x[:, :3], np.full((300, 1), 5.0, np.float32)])
    assert score("logme", awkward, y) == pytest.approx(naive(awkward, y), abs=1e-8)
    assert np.isfinite(score("logme", np.zeros((300, 4)), y))
    assert np.isfinite(score("logme", np.full((300, 4), 0.1), y))


def test_better_features_score_higher(shifted_classes):
    x, y = shifted_classes(500, 16, 4)
    noise = np.random.default_rng(3).normal(size=x.shape).astype(np.float32)
    assert score("logme", x, y) > score("logme", x + 2 * noise, y) > score("logme", noise, y)


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e8, 1e30])
def test_huge_and_tiny_scales_stay_finite(shifted_classes, scale):
    x, y = shifted_classes(200, 8, 3)
    assert np.isfinite(score("logme", x * np.float32(scale), y))


def test_a_distant_mean_does_not_blur_the_score(shifted_classes):
    x, y = shifted_classes(500, 6, 3)
    x = x.astype(np.float64)
    # With the mean far off in one direction the intercept is free; from there on distance must not matter.
    near, far = (score("logme", x + distance, y) for distance in (1e5, 1e7))
    assert near == pytest.approx(far, abs=0.03)
    assert score("logme", x + 1e3, y) == pytest.approx(naive(x + 1e3, y), abs=1e-6)


def test_float16_features(shifted_classes):
    x, y = shifted_classes(400, 20, 4)
    assert score("logme", x.astype(np.float16), y) == pytest.approx(naive(x.astype(np.float16), y), abs=1e-9)


def test_a_thousand_classes(shifted_classes):
    x, y = shifted_classes(3000, 12, 1000)
    assert score("logme", x, y) == pytest.approx(naive(x, y), abs=1e-9)
    assert np.isfinite(score("logme", x[:50], np.arange(50)))
