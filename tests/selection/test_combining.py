"""Predicted scores: what was measured and what was known before, each by its certainty."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.answers import Candidate
from zoo.contract.estimator import Measured as Value
from zoo.entities import Measurement, ModelCard
from zoo.selection.measure.figures import Measured
from zoo.selection.rank.combining import combine, predict_scores, with_predictions
from zoo.transfer.intervals import proportion

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
    found = combine(measured, low, high, np.zeros(5), np.zeros(5), bounds=(0.0, 1.0))
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


def answers(accuracies: np.ndarray, samples: int, together: float, random: np.random.Generator) -> np.ndarray:
    """Whether each candidate is right on each sample, K x n: what is hard for one is hard for all, to a degree."""
    hard = together**0.5 * random.normal(size=samples)
    own = (1.0 - together) ** 0.5 * random.normal(size=(len(accuracies), samples))
    thresholds = np.array([NormalDist().inv_cdf(accuracy) for accuracy in accuracies])
    return (hard + own < thresholds[:, None]).astype(float)


def measured(values: list[Value], stopped: int = 0) -> list[Measured]:
    """The candidates as a measurement gives them, best first; the last ones stopped early."""
    found = []
    for number, value in enumerate(values):
        figure = Measurement(
            f"pkg:{number}",
            "image-classification",
            "",
            "",
            "linear-probe",
            value.value,
            value.low,
            value.high,
            samples=len(value.parts),
        )
        finalist = number < len(values) - stopped
        found.append(Measured(ModelCard(figure.model, "vision"), (figure,), finalist=finalist))
    return sorted(found, key=lambda one: -one.figures[0].value)


DRAWS = 80


def coverage(samples: int, count: int, spread: float) -> float:
    """How often the predicted interval holds the true accuracy, of candidates whose errors correlate by about 0.4."""
    random = np.random.default_rng(samples)
    inside = []
    for _ in range(DRAWS):
        true_scores = 0.8 + spread * random.uniform(-0.5, 0.5, count)
        values = [proportion(right) for right in answers(true_scores, samples, 0.6, random)]
        ordered, found = predict_scores(measured(values), None, "class")
        assert found is not None
        true = true_scores[[int(one.card.name) for one in ordered]]
        inside.append((found.low <= true) & (true <= found.high))
    return float(np.mean(inside))


@pytest.mark.parametrize("spread", [0.01, 0.1])
@pytest.mark.parametrize("count", [3, 5, 10])
def test_predicted_intervals_cover_as_often_as_they_claim(count: int, spread: float) -> None:
    held = {samples: coverage(samples, count, spread) for samples in (50, 100, 300, 1000)}

    assert 0.9 <= np.mean(list(held.values())) <= 0.99, held
    assert all(0.9 <= share <= 0.995 for share in held.values()), held  # so few draws err by about 0.01


@pytest.mark.parametrize("worth", [0.0, 0.03], ids=["a useless prior", "a good prior"])
@pytest.mark.parametrize("spread", [0.005, 0.05])
def test_intervals_cover_with_a_prior_and_for_what_was_not_measured(worth: float, spread: float) -> None:
    random = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        known = random.normal(size=8)
        true_scores = 0.7 + worth * known + spread * random.normal(size=8)
        common, own = 0.02 * random.normal(), 0.02 * random.normal(size=8)
        values = np.where(np.arange(8) < 6, true_scores + common + own, np.nan)
        found = combine(*around(values, 1.96 * 0.02 * 2**0.5), known, np.zeros(8))
        assert found is not None
        inside.append((found.low <= true_scores) & (true_scores <= found.high))

    there, missing = np.mean(inside, axis=0)[:6].mean(), np.mean(inside, axis=0)[6:].mean()
    assert 0.9 <= there <= 0.99
    assert 0.88 <= missing <= 0.995


def test_a_perfect_accuracy_is_not_predicted_with_certainty() -> None:
    _, found = predict_scores(measured([proportion(np.ones(100))] * 4), None, "class")

    assert found is not None
    assert found.score.tolist() == [1.0] * 4
    assert found.high.tolist() == [1.0] * 4
    assert (found.low < 0.97).all()


def test_what_stopped_early_is_not_predicted_from_those_that_it_was_worse_than() -> None:
    random = np.random.default_rng(0)
    full = [proportion(right) for right in answers(np.array([0.9, 0.91, 0.92, 0.9]), 1000, 0.6, random)]
    early = [proportion(right) for right in answers(np.array([0.3, 0.5]), 100, 0.6, random)]

    ordered, found = predict_scores(measured([*full, *early], stopped=2), None, "class")
    ranked = with_predictions([Candidate(1, one.card.id, 0.5) for one in ordered], found)

    assert [one.id for one in ranked if one.predicted is None] == ["pkg:5", "pkg:4"]
    assert [one.predicted_interval is None for one in ranked] == [False] * 4 + [True] * 2


def test_a_score_that_may_exceed_one_is_not_cut_there() -> None:
    logme = np.array([0.98, 0.95, 0.9, 0.7])

    found = combine(*around(logme, 0.1), np.zeros(4), np.zeros(4))

    assert found is not None
    assert found.high.max() > 1.0


def test_figures_without_any_interval_predict_nothing() -> None:
    nothing = np.full(4, np.nan)
    assert combine(np.array([0.5, 0.6, 0.7, 0.8]), nothing, nothing, np.zeros(4), np.zeros(4)) is None


def test_candidates_closer_than_they_err_keep_most_of_their_error() -> None:
    close = np.array([0.80, 0.81, 0.79, 0.80, 0.80, 0.805, 0.795, 0.80])

    found = combine(*around(close, 0.08), np.zeros(8), np.zeros(8))

    assert found is not None
    assert 0.8 < float((found.high - found.low).mean()) / 0.16 < 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(0.0, 1.0), (-np.inf, 1.0), (0.0, np.inf), (-np.inf, np.inf)]),
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 0.3)), min_size=3, max_size=7),
)
def test_no_interval_leaves_the_range_of_its_score(
    bounds: tuple[float, float], pairs: list[tuple[float, float]]
) -> None:
    values, errors = np.array(pairs).T
    low, high = np.clip(values - errors, *bounds), np.clip(values + errors, *bounds)

    found = combine(values, low, high, np.zeros(len(pairs)), np.zeros(len(pairs)), bounds=bounds)

    assert found is not None
    assert (bounds[0] <= found.low).all()
    assert (found.low <= found.score + 1e-9).all()
    assert (found.score <= found.high + 1e-9).all()
    assert (found.high <= bounds[1]).all()
    assert (values.min() - 1e-6 <= found.score).all()
    assert (found.score <= values.max() + 1e-6).all()
