"""The prior learns what it can and never looks at what it predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import world

from zoo.errors import DataError
from zoo.history.similarity import gaps_distinguish, run_together
from zoo.selection.prior.factors import factorise
from zoo.selection.prior.fitting import nonnegative_least_squares, trained_on
from zoo.selection.prior.kriging import Prior
from zoo.selection.rank.ordering import weighted_tau


def test_data_sets_of_the_same_kind_tell_the_order() -> None:
    history = world()
    target = history.datasets[3]

    prediction = Prior(history).predict(target, history.models)

    assert weighted_tau(prediction.mean, history.scores[:, 3]) > 0.85


def test_the_kind_is_reported_by_the_name() -> None:
    history = world()
    as_other_kind = Prior(history, datasets=("NewRetrieval",)).predict("NewRetrieval", history.models)
    as_kind = Prior(history, datasets=("NewClassification",)).predict("NewClassification", history.models)

    true_scores = history.scores[:, 3]

    assert weighted_tau(as_kind.mean, true_scores) > weighted_tau(as_other_kind.mean, true_scores) + 0.3


def test_the_scores_of_the_predicted_data_set_are_not_looked_at() -> None:
    history = world(missing=0.2)
    changed = history.scores.copy()
    known = ~np.isnan(changed[:, 3])
    changed[known, 3] = np.random.default_rng(1).random(known.sum())

    honest = Prior(history).predict(history.datasets[3], history.models)
    other = Prior(replace(history, scores=changed)).predict(history.datasets[3], history.models)

    np.testing.assert_array_equal(honest.mean, other.mean)
    np.testing.assert_array_equal(honest.variance, other.variance)
    assert (honest.level, honest.scale) == (other.level, other.scale)


def test_models_without_a_run_are_known_by_those_that_look_alike() -> None:
    history = world()
    size = history.scores[:, :8].mean(axis=1)
    facts = {model: {"parameters": str(float(np.exp(10 * size[i])))} for i, model in enumerate(history.models)}
    history = replace(history, model_facts=facts)
    held = history.models[::4]

    prediction = Prior(history.without(models=held), held).predict(history.datasets[3], held, known=True)

    assert weighted_tau(prediction.mean, history.scores[::4, 3]) > 0.6


def test_a_model_of_which_nothing_is_known_is_less_certain() -> None:
    history = world()

    prediction = Prior(history, ("other/unheard",)).predict(history.datasets[0], (*history.models, "other/unheard"))

    assert prediction.variance[-1] > 1.3 * np.median(prediction.variance[:-1])


def test_intervals_hold_about_as_often_as_they_say() -> None:
    inside = []
    for seed in range(4):
        history = world(seed=seed, noise=0.5)
        prior = Prior(history)
        for place, name in enumerate(history.datasets):
            low, high = prior.predict(name, history.models).interval()
            inside.append((history.scores[:, place] >= low) & (history.scores[:, place] <= high))

    assert 0.8 < np.mean(inside) <= 1.0


def test_a_model_trained_on_the_data_set_is_expected_to_do_better_there() -> None:
    history = world()
    facts = {history.models[5]: {"pretraining": "Something|D-lpha Classification"}}

    plain = Prior(history).predict(history.datasets[3], history.models)
    told = Prior(replace(history, model_facts=facts)).predict(history.datasets[3], history.models)

    assert trained_on(replace(history, model_facts=facts)).sum() == 1
    assert (told.mean - told.mean[0])[5] > (plain.mean - plain.mean[0])[5] + 0.5


def test_one_diverged_run_changes_little() -> None:
    history = world()
    broken = history.scores.copy()
    broken[7, 2] = 0.0001

    prediction = Prior(replace(history, scores=broken)).predict(history.datasets[3], history.models)

    others = np.arange(len(history.models)) != 7
    assert weighted_tau(prediction.mean[others], history.scores[others, 3]) > 0.85


def test_without_another_data_set_it_is_reported() -> None:
    history = world().only(datasets=world().datasets[:1])

    with pytest.raises(DataError, match="No data set but"):
        Prior(history).predict(history.datasets[0], history.models)


def test_factors_fill_gaps() -> None:
    random = np.random.default_rng(0)
    true_scores = random.normal(size=(60, 2)) @ random.normal(size=(2, 20))
    true_scores /= true_scores.std(axis=0)
    seen = np.where(
        random.random(true_scores.shape) < 0.6, true_scores + 0.1 * random.normal(size=true_scores.shape), np.nan
    )

    filled = factorise(seen, 2).expected()

    gaps = np.isnan(seen)
    assert np.corrcoef(filled[gaps], true_scores[gaps])[0, 1] > 0.95


def with_gaps(random: np.random.Generator, models: int, datasets: int, share: float, kinds: float) -> np.ndarray:
    """Whether a model was run on a data set; more gaps, by a share ``kinds``, where the kinds of both differ."""
    differ = random.integers(0, 2, models)[:, None] != np.arange(datasets) % 2
    return random.random((models, datasets)) >= share * np.where(differ, 1 + kinds, 1 - kinds)


def test_a_few_gaps_do_not_make_data_sets_alike() -> None:
    measured = np.ones((144, 8), dtype=bool)
    for model, dataset in ((0, 2), (0, 6), (1, 3), (2, 2), (2, 5), (3, 6)):
        measured[model, dataset] = False

    assert not run_together(measured, np.ones(144)).any()
    assert not run_together(np.ones((144, 8)), np.ones(144)).any()


@pytest.mark.parametrize(("models", "datasets"), [(144, 8), (40, 16), (300, 40)])
def test_gaps_count_where_they_tell_data_sets_apart_and_not_where_they_are_chance(models: int, datasets: int) -> None:
    random = np.random.default_rng(0)

    by_chance = [gaps_distinguish(with_gaps(random, models, datasets, 0.3, 0.0)) for _ in range(20)]
    by_kind = [gaps_distinguish(with_gaps(random, models, datasets, 0.3, 0.9)) for _ in range(20)]

    assert sum(by_chance) <= 1
    assert all(by_kind)


def test_models_that_were_never_run_are_not_gaps() -> None:
    random = np.random.default_rng(0)
    runs = with_gaps(random, 144, 8, 0.3, 0.9)

    kernel = run_together(runs, np.ones(144))
    padded = run_together(np.vstack([runs, np.zeros((50, 8))]), np.arange(194) < 144)

    assert kernel[0, 2] > kernel[0, 1] + 0.2
    np.testing.assert_allclose(padded, kernel)


def test_the_gaps_of_one_model_do_not_decide_which_data_sets_are_alike() -> None:
    plain = world(noise=0.3)
    history = replace(plain, datasets=tuple("abcdefghijklmnop"))  # names that tell nothing of the kinds
    lacking = history.scores.copy()
    lacking[0, :8] = np.nan

    whole = Prior(history).predict("a", history.models[1:])
    without = Prior(replace(history, scores=lacking)).predict("a", history.models[1:])

    assert np.abs(whole.mean - without.mean).max() < 0.05


def test_nonnegative_least_squares_finds_the_constrained_minimum() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(50, 4))
    target = columns @ [1.0, 0.0, 2.0, -1.0]

    weights = nonnegative_least_squares(columns.T @ columns, columns.T @ target)

    gradient = columns.T @ (columns @ weights - target)
    assert (weights >= 0).all()
    assert (gradient >= -1e-6).all()
    assert abs(gradient @ weights) < 1e-6
