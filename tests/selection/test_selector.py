"""Ask and tell: few measurements, never one that was not made, and an end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import world

import zoo
from zoo.errors import InvalidInput
from zoo.selection.prior.axis import Axis
from zoo.selection.prior.kriging import Prior
from zoo.selection.select.posterior import LEVEL_DOUBT, Posterior
from zoo.selection.select.selector import Selector


def replay(selector: Selector, scores: dict[str, float]) -> list[str]:
    while (model := selector.ask()) is not None:
        selector.tell(model, scores[model])
    return list(selector.measured)


def test_the_best_of_forty_is_found_in_a_few_measurements() -> None:
    regrets = []
    for seed in range(5):
        history = world(seed=seed, noise=0.3)
        scores = dict(zip(history.models, history.scores[:, 2], strict=True))
        selector = zoo.Selector(history.models, history, dataset=history.datasets[2], budget=6)
        replay(selector, scores)
        regrets.append(max(scores.values()) - scores[str(selector.best)])

    assert np.mean(regrets) < 0.01


def test_it_learns_from_measurements_what_no_history_tells() -> None:
    """The other data sets are of the other kind; two measurements of models that go together tell which ability counts."""
    history = world(seed=1, noise=0.05)
    scores = dict(zip(history.models, history.scores[:, 2], strict=True))
    target = history.only(datasets=[history.datasets[i] for i in (2, 3, 4, 8, 9, 10, 11, 12, 13)])
    selector = Selector(target.models, target, dataset="Unheard", budget=10)

    replay(selector, scores)

    assert max(scores.values()) - max(selector.measured.values()) < 0.02


def test_scores_that_were_not_told_are_not_known() -> None:
    history = world(seed=3)
    name = history.datasets[5]
    prediction = Prior(history).predict(name, history.models)
    true_scores = dict(zip(history.models, history.scores[:, 5], strict=True))
    first = replay(Selector(history.models, prediction=prediction, budget=5), true_scores)
    changed = {model: score if model in first else 0.99 for model, score in true_scores.items()}

    assert replay(Selector(history.models, prediction=prediction, budget=5), changed) == first


def test_a_tolerance_ends_the_search_when_the_rest_is_not_worth_it() -> None:
    history = world(seed=2, noise=0.05)
    scores = dict(zip(history.models, history.scores[:, 1], strict=True))
    selector = Selector(history.models, history, dataset=history.datasets[1], tolerance=0.02)

    assert math.isinf(selector.expected_regret)
    replay(selector, scores)

    assert selector.expected_regret <= 0.02
    assert len(selector.measured) < len(history.models) / 2
    assert "expected regret" in str(selector.finished)


def test_costs_buy_cheap_knowledge_first_and_keep_to_the_budget() -> None:
    history = world(seed=4, noise=0.3)
    costs = {model: 1.0 if place % 2 else 50.0 for place, model in enumerate(history.models)}
    scores = dict(zip(history.models, history.scores[:, 0], strict=True))
    selector = Selector(history.models, history, dataset=history.datasets[0], costs=costs, budget=20)

    order = replay(selector, scores)

    assert all(costs[model] == 1.0 for model in order)
    assert selector.spent <= 20


def test_told_costs_count_against_the_budget() -> None:
    selector = Selector(["a", "b", "c"], budget=3)
    selector.tell("a", 0.5, cost=2.5)
    assert selector.ask() is None
    assert selector.finished == "the budget of 3 is spent"


def test_without_a_history_every_candidate_is_measured_in_the_end() -> None:
    scores = {"a": 0.4, "b": 0.9, "c": 0.2}
    selector = Selector(list(scores))
    assert sorted(replay(selector, scores)) == ["a", "b", "c"]
    assert (selector.best, selector.expected_regret) == ("b", 0.0)


def test_what_is_expected_of_a_measured_model_is_what_was_measured() -> None:
    history = world()
    selector = Selector(history.models, history, dataset="NewRetrieval")
    model = str(selector.ask())
    before = selector.expected()[model]
    selector.tell(model, 0.6)
    middle, low, high = selector.expected()[model]
    assert (middle, low, high) == (0.6, 0.6, 0.6)
    assert before[1] < before[0] < before[2]


class TestErrors:
    def test_it_believes_what_the_normal_distribution_says(self) -> None:
        """Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.25 and 2.26."""
        history = world(seed=6)
        prediction = Prior(history, history.models, ("NewRetrieval",)).predict("NewRetrieval", history.models)
        prediction = replace(prediction, axis=Axis(False))
        posterior = Posterior(prediction, (1.0,))
        covariance = prediction.covariance() + max(prediction.level_error / prediction.scale, LEVEL_DOUBT) ** 2
        places, values, errors = [3, 0, 17], np.array([0.6, 0.9, 0.2]), np.array([0.05, 0.1, 0.2])
        for place, value, error in zip(places, values, errors, strict=True):
            posterior.tell(place, float(value), float(error))

        seen = (values - prediction.level) / prediction.scale - prediction.mean[places]
        noisy = covariance[np.ix_(places, places)] + np.diag((errors / prediction.scale) ** 2)
        gain = covariance[:, places] @ np.linalg.inv(noisy)
        mean = prediction.level + prediction.scale * (prediction.mean + gain @ seen)
        np.testing.assert_allclose(posterior.means[0], mean, rtol=1e-9)
        left = covariance - gain @ covariance[places]
        np.testing.assert_allclose(posterior.deviations()[0] ** 2, np.diag(left), rtol=1e-7, atol=1e-10)

    def test_the_smallest_error_is_as_good_as_none(self) -> None:
        history = world(seed=7)
        exact, nearly = (Selector(history.models, history, dataset="NewRetrieval") for _ in range(2))
        for place, model in enumerate(history.models[:5]):
            exact.tell(model, 0.5 + place / 20)
            nearly.tell(model, 0.5 + place / 20, error=1e-6)

        assert exact.ask() == nearly.ask()
        assert exact.best == nearly.best
        np.testing.assert_allclose(exact._posterior.means, nearly._posterior.means, atol=1e-3)

    def test_a_lead_by_chance_is_not_believed(self) -> None:
        """Two measured alike surely are better than one that was lucky on a handful of samples."""
        history = world(seed=8, noise=0.1)
        scores = dict(zip(history.models, history.scores[:, 3], strict=True))
        selector = Selector(history.models, history, dataset=history.datasets[3])
        order = sorted(scores, key=scores.__getitem__)
        selector.tell(order[-1], scores[order[-1]], error=0.002)
        selector.tell(order[0], scores[order[-1]] + 0.01, error=0.2)

        assert selector.best == order[-1]
        middle, low, high = selector.expected()[order[0]]
        assert low < middle < scores[order[-1]] < high + 0.2

    def test_rough_scores_that_are_called_rough_lead_to_a_better_model(self) -> None:
        """Taken for exact, a lucky score ends the search and wins it."""
        regrets: dict[float, list[float]] = {0.0: [], 0.05: []}
        for seed in range(8):
            history, noise = world(seed=seed, noise=0.3), np.random.default_rng(seed)
            scores = dict(zip(history.models, history.scores[:, 1], strict=True))
            rough = {model: score + 0.05 * noise.standard_normal() for model, score in scores.items()}
            for error, found in regrets.items():
                selector = Selector(history.models, history, dataset=history.datasets[1], budget=10)
                while (model := selector.ask()) is not None:
                    selector.tell(model, rough[model], error=error)
                found.append(max(scores.values()) - scores[str(selector.best)])

        assert np.mean(regrets[0.05]) < 0.8 * np.mean(regrets[0.0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_telling_does_not_matter(values: list[float], order: list[str]) -> None:
    scores = dict(zip("abcd", values, strict=True))
    one, other = Selector([*"abcde"]), Selector([*"abcde"])
    for model in "abcd":
        one.tell(model, scores[model])
    for model in order:
        other.tell(model, scores[model])
    np.testing.assert_allclose(one._posterior.means, other._posterior.means, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "no candidate"),
        ({"models": ["a", "a"]}, "'a' appears twice"),
        ({"models": ["a"], "budget": 0}, "Invalid budget 0"),
        ({"models": ["a"], "tolerance": -1.0}, "tolerance"),
        ({"models": ["a"], "costs": {"a": 0.0}}, "cost of 'a' is 0"),
    ],
)
def test_bad_settings_are_one_sentence(arguments: dict, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Selector(**arguments)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("d", 0.5), "not one of the 3"),
        (("a", 0.5), "has a score already"),
        (("b", math.nan), "is nan"),
        (("b", 0.5, -1.0), "cost"),
        (("b", 0.5, 1.0, -0.1), "error"),
    ],
)
def test_bad_measurements_are_one_sentence(told: tuple, message: str) -> None:
    selector = Selector(["a", "b", "c"])
    selector.tell("a", 0.1)
    with pytest.raises(InvalidInput, match=message):
        selector.tell(*told)
