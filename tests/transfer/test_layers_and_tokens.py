"""Layer by layer and word by word: streamed as if all had been there at once."""

import tracemalloc

import numpy as np
import pytest

from zoo.entities import FeatureShard
from zoo.errors import InvalidInput
from zoo.transfer import score
from zoo.transfer.layers import MEAN, LayerStatistics, stream_layers
from zoo.transfer.measure import measure
from zoo.transfer.tokens import flatten


@pytest.fixture
def layers(shifted_classes):
    """Three layers of 10 dimensions; the second tells the classes apart best."""
    x, y = shifted_classes(300, 10, 4)
    noise = np.random.default_rng(1).normal(size=(3, 300, 10)).astype(np.float32)
    return {f"layer{i}": x + weight * noise[i] for i, weight in enumerate((2.0, 0.1, 1.0))}, y


@pytest.mark.parametrize("estimator", ["logme", "hscore"])
def test_streamed_layers_have_the_scores_of_each(layers, estimator):
    features, y = layers
    streamed = LayerStatistics(4)
    for rows in np.array_split(np.random.default_rng(0).permutation(300), 7):
        streamed.update({name: values[rows] for name, values in features.items()}, y[rows])

    scores = streamed.score(estimator)

    for name, values in features.items():
        assert scores[name] == pytest.approx(score(estimator, values, y), abs=1e-9)
    mean = np.mean([values.astype(np.float64) for values in features.values()], axis=0)
    assert scores[MEAN] == pytest.approx(score(estimator, mean, y), abs=1e-9)
    assert max((name for name in scores if name != MEAN), key=scores.get) == "layer1"
    assert streamed.best(estimator) == max(scores.items(), key=lambda item: item[1])


def test_feature_shards_in_any_order_and_merged(layers):
    features, y = layers
    shards = [
        FeatureShard(rows, {name: values[rows] for name, values in features.items()})
        for rows in np.array_split(np.arange(300), 5)
    ]
    whole = stream_layers(shards[::-1], y, 4)
    parts = stream_layers(shards[:2], y, 4).merge(LayerStatistics(4)).merge(stream_layers(shards[2:], y, 4))
    assert LayerStatistics(4).merge(parts).score() == pytest.approx(whole.score(), abs=1e-9)


def test_numbers_and_layers_of_different_dimension(layers):
    features, y = layers
    targets = np.stack([features["layer1"][:, 0], y], axis=1).astype(float)
    mixed = {"wide": np.hstack([features["layer0"]] * 2), "narrow": features["layer1"]}
    streamed = LayerStatistics(None, outputs=2).update(mixed, targets)
    assert streamed.score().keys() == {"wide", "narrow"}
    assert streamed.best()[0] == "narrow"
    assert MEAN not in LayerStatistics(4, average=False).update(features, y).score()


def test_memory_does_not_grow_with_the_samples():
    def peak(batches):
        rng = np.random.default_rng(0)
        streamed = LayerStatistics(3)
        tracemalloc.start()
        for _ in range(batches):
            streamed.update({name: rng.normal(size=(64, 32)) for name in "abcd"}, rng.integers(0, 3, 64))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(40) < 1.2 * peak(4)


def test_changing_layers_are_refused_and_nothing_is_added(layers):
    features, y = layers
    streamed = LayerStatistics(4).update(features, y)
    before = streamed.score()
    with pytest.raises(InvalidInput, match=r"layers were layer0, .* now they are layer0"):
        streamed.update({"layer0": features["layer0"]}, y)
    with pytest.raises(InvalidInput, match=r"'layer0' had 10 dimensions, and now 4"):
        streamed.update({name: values[:, :4] for name, values in features.items()}, y)
    with pytest.raises(InvalidInput, match="different numbers of samples: 300 of layer0, 9 of layer1"):
        streamed.update({**features, "layer1": features["layer1"][:9]}, y)
    bad = {**features, "layer2": np.full((300, 10), np.nan)}
    with pytest.raises(InvalidInput, match=r"sample 300 .* contain NaN"):
        streamed.update(bad, y)
    other = {**features, "layer2": features["layer2"][:, :5]}
    with pytest.raises(InvalidInput, match="cannot be combined"):
        LayerStatistics(4, average=False).update(features, y).merge(LayerStatistics(4, average=False).update(other, y))
    assert streamed.score() == before
    with pytest.raises(InvalidInput, match="needs all samples"):
        streamed.score("sfda")
    with pytest.raises(InvalidInput, match="no features were added"):
        LayerStatistics(4).best()
    with pytest.raises(InvalidInput, match="no layers"):
        LayerStatistics(4).update({}, y)
    with pytest.raises(InvalidInput, match="here and layer0 there"):
        streamed.merge(LayerStatistics(4).update({"layer0": features["layer0"]}, y))


def test_words_become_samples_and_sentences_groups():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 9, 40)
    sentences = [rng.normal(size=(length, 5)) for length in lengths]
    labels = [rng.integers(0, 3, length) for length in lengths]
    labels[0][:] = -100
    labels[1] = [0, *[-100] * (lengths[1] - 1)]

    tokens = flatten(sentences, labels)

    assert len(tokens.features) == lengths[2:].sum() + 1
    assert tokens.sentences[0] == 1
    assert np.array_equal(tokens.features[0], sentences[1][0])
    assert np.array_equal(tokens.targets[1:], np.concatenate(labels[2:]))
    measured = measure(["logme", "linear-probe"], *tokens[:2], groups=tokens.sentences)
    assert measured["logme"].value == pytest.approx(score("logme", *tokens[:2]))
    assert measured["linear-probe"].value < 0.6


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([np.ones((2, 3))], [], "features of 1 sentences and labels of 0"),
        ([np.ones((2, 3)), np.ones((2, 3))], [[0, 1], [0]], "Sentence 1 .* 2 words and labels of shape"),
        ([np.ones((2, 3)), np.ones((2, 4))], [[0, 1], [0, 1]], "4 dimensions instead of 3"),
        ([np.ones((2, 3))], [[-100, -100]], "No word has a label"),
    ],
)
def test_sentences_that_do_not_fit_are_named(features, labels, message):
    with pytest.raises(InvalidInput, match=message):
        flatten(features, labels)
