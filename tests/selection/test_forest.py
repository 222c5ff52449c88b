"""The forest finds which models are alike as far as their scores go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import world

from zoo.selection.prior.forest import features, neighbours
from zoo.selection.prior.kriging import Prior
from zoo.selection.rank.ordering import weighted_tau


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 6), st.integers(1, 14), st.integers(0, 10_000))
def test_weights_are_shares(taught: int, untaught: int, outputs: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    told = random.integers(0, 3, size=(taught + untaught, 4)).astype(float)
    scores = np.where(random.random((taught, outputs)) < 0.2, np.nan, random.normal(size=(taught, outputs)))

    weights = neighbours(told, np.arange(taught), scores, trees=5)

    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def test_a_model_is_reported_by_those_that_are_described_as_it_is() -> None:
    told = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    weights = neighbours(told, np.array([0, 1, 2]), np.array([[1.0], [0.8], [-1.0]]), trees=10)
    np.testing.assert_allclose(weights[3], [0.5, 0.5, 0.0])


def test_a_column_that_says_nothing_of_the_scores_counts_less() -> None:
    random = np.random.default_rng(0)
    told = random.normal(size=(200, 2))
    scores = np.sign(told[:150, :1])
    weights = neighbours(told, np.arange(150), scores)
    assert (np.sign((weights[150:] @ scores)[:, 0]) == np.sign(told[150:, 0])).mean() > 0.95


def test_features_are_words_items_and_numbers_with_their_gaps() -> None:
    names = ["a/vit-base", "a/vit-large", "a/vit-huge", "b/resnet-50"]
    facts = {
        "a/vit-base": {"parameters": "86000000", "pretraining": "imagenet|laion"},
        "a/vit-large": {"parameters": "304000000", "pretraining": "imagenet|laion"},
        "b/resnet-50": {"pretraining": "imagenet"},
    }
    found = features(names, facts)
    owner, vit, size, unknown, imagenet = found.T
    assert owner.tolist() == vit.tolist() == [1, 1, 1, 0]
    assert imagenet.tolist() == [1, 1, 0, 1]
    assert size[0] < 0 < size[1]
    assert unknown.tolist() == [0, 0, 1, 1]


def test_what_counts_for_one_architecture_only_is_learnt() -> None:
    """Size decides among transformers, and nothing among the others: a sum of likenesses cannot tell that."""
    random = np.random.default_rng(0)
    history = world(models=120, each=4)
    size, transformer = random.uniform(6, 9, 120), random.random(120) < 0.5
    latent = np.where(transformer, size - 7.5, 0.0)[:, None] + 0.1 * random.normal(size=(120, 8))
    facts = {
        model: {"parameters": str(round(10 ** size[i])), "architecture": "vit" if transformer[i] else "cnn"}
        for i, model in enumerate(history.models)
    }
    history = replace(history, scores=1 / (1 + np.exp(-latent)), model_facts=facts)
    held = history.models[::3]

    prediction = Prior(history.without(models=held), held).predict(history.datasets[0], held, known=True)

    attentive = transformer[::3]
    assert weighted_tau(prediction.mean[attentive], history.scores[::3, 0][attentive]) > 0.8
    assert prediction.mean[~attentive].std() < prediction.mean[attentive].std() / 2
