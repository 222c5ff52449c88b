"""Shards come in data set order, whatever the batches; what goes wrong is named."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.contract.backbone import SilentProgress
from zoo.entities import FeatureRequest
from zoo.errors import DataError, InvalidInput, PluginError, UnsupportedModel
from zoo.features.extraction import extract_shards

WORDS = st.lists(st.text(alphabet="abc", max_size=12), min_size=1, max_size=60)
SHARED_FIXTURES = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(backbone, dataset, layer="summary", **request):
    request.setdefault("layers", (layer,))
    shards = list(extract_shards(backbone, dataset, FeatureRequest(**request), SilentProgress()))
    assert [i for shard in shards for i in shard.indices] == list(range(len(dataset)))
    return np.concatenate([shard.values[layer] for shard in shards])


@SHARED_FIXTURES
@given(words=WORDS, batch_size=st.integers(1, 20), shard_size=st.integers(1, 70), sort=st.booleans())
def test_features_do_not_depend_on_batches_or_shards(
    backbone, unsorted, texts, words, batch_size, shard_size, sort
) -> None:
    found = rows(backbone if sort else unsorted, texts(words), batch_size=batch_size, shard_size=shard_size)

    assert found.dtype == np.float32
    assert found.tolist() == [[len(word), sum(word.encode())] for word in words]


def test_batches_of_similar_length_save_padding(backbone, unsorted, texts) -> None:
    words = texts(["a" * (1 + 13 * index % 40) for index in range(200)])

    rows(backbone, words, batch_size=10)
    rows(unsorted, words, batch_size=10)

    assert backbone.padding < unsorted.padding / 4


def test_the_last_layer_is_the_default_and_several_come_from_one_pass(backbone, texts) -> None:
    words = texts(["ab", "c"])

    (default,) = extract_shards(backbone, words, FeatureRequest(), SilentProgress())
    (both,) = extract_shards(backbone, words, FeatureRequest(("letters", "summary")), SilentProgress())

    assert list(default.values) == ["summary"]
    assert {layer: values.shape for layer, values in both.values.items()} == {"letters": (2, 3), "summary": (2, 2)}
    assert backbone.batch_sizes == [2, 2]


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError])
def test_batches_are_halved_until_they_fit(backbone, texts, error) -> None:
    inner = backbone.features
    refused = []

    def features(batch, layers):
        if batch.size > 20:
            refused.append(batch.size)
            raise error("no room")
        return inner(batch, layers)

    backbone.features = features
    words = ["a" * (index % 7) for index in range(50)]

    found = rows(backbone, texts(words), batch_size=16, shard_size=20)

    assert found[:, 0].tolist() == [len(word) for word in words]
    assert refused == [16 * 6, 8 * 6, 4 * 6]


def test_batches_without_lengths_are_halved_too(unsorted, texts) -> None:
    inner = unsorted.features

    def features(batch, layers):
        if len(batch) > 3:
            raise MemoryError
        return inner(batch, layers)

    unsorted.features = features

    rows(unsorted, texts(["abc"] * 300), batch_size=16, shard_size=100)

    assert max(unsorted.batch_sizes) <= 3
    assert unsorted.batch_sizes.count(2) > 100


@SHARED_FIXTURES
@given(words=WORDS, tokens=st.integers(1, 40), shard_size=st.integers(1, 70))
def test_a_budget_of_tokens_holds_for_every_batch(backbone, texts, words, tokens, shard_size) -> None:
    shapes = []
    inner = backbone.features
    backbone.features = lambda batch, layers: shapes.append(batch.shape) or inner(batch, layers)

    found = rows(backbone, texts(words), batch_size=50, batch_tokens=tokens, shard_size=shard_size)
    backbone.features = inner

    assert found[:, 0].tolist() == [len(word) for word in words]
    assert all(samples * longest <= tokens or samples == 1 for samples, longest in shapes)


def test_short_texts_make_larger_batches(backbone, texts) -> None:
    rows(backbone, texts(["a" * 32] * 8 + ["a" * 4] * 64), batch_size=50, batch_tokens=128)

    assert backbone.batch_sizes == [4, 4, 32, 32]


def test_what_can_be_prepared_together_is(backbone, texts) -> None:
    together = []

    def preprocess_all(items):
        together.append(len(items))
        return [backbone.preprocess(item) for item in items]

    backbone.preprocess_all = preprocess_all

    assert rows(backbone, texts(["ab"] * 100))[:, 0].tolist() == [2] * 100
    assert together == [64, 36]
    with pytest.raises(DataError, match="Sample 70 of 'texts' cannot be prepared"):
        rows(backbone, texts(["ab"] * 70 + ["é"]))


def test_on_an_accelerator_features_are_fetched_two_batches_later(backbone, texts) -> None:
    events = []

    class Tensor(np.ndarray):
        def detach(self):
            events.append("fetched")
            return self

        def float(self):
            return self

        cpu = float

        def numpy(self):
            return np.asarray(self)

    inner = backbone.features

    def features(batch, layers):
        events.append("started")
        return {layer: values.view(Tensor) for layer, values in inner(batch, layers).items()}

    backbone.features = features

    found = rows(backbone, texts(["abc"] * 8), batch_size=2, device="cuda")

    assert found[:, 0].tolist() == [3] * 8
    assert events == ["started", "started", *["started", "fetched"] * 2, "fetched", "fetched"]


@pytest.mark.parametrize("blocks", [4, 100])
def test_a_width_that_changes_is_the_plugins_mistake(backbone, texts, blocks) -> None:
    from zoo.features.collecting import extract

    inner = backbone.features

    def features(batch, layers):
        found = inner(batch, layers)
        return {"summary": found["summary"][:, :1]} if (batch == ord("c")).any() else found

    backbone.features = features

    words = texts(["a" * length for length in range(1, 9)] + ["c"])

    with pytest.raises(PluginError, match=r"'pkg:word-lengths' returns vectors of 2 and of 1 numbers in its layer"):
        extract(backbone, words, FeatureRequest(batch_size=2, shard_size=blocks))


def test_not_even_one_sample_fits(backbone, texts) -> None:
    def features(batch, layers):
        raise MemoryError

    backbone.features = features

    with pytest.raises(UnsupportedModel, match="Not even one sample fits into memory beside 'pkg:word-lengths'"):
        rows(backbone, texts(["a", "b", "c"]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_name_the_sample(backbone, texts, value) -> None:
    inner = backbone.features

    def features(batch, layers):
        found = inner(batch, layers)
        found["summary"][(batch == ord("z")).any(axis=1)] = value
        return found

    backbone.features = features
    words = ["aa"] * 30
    words[23] = "az"

    with pytest.raises(DataError, match=r"not finite for sample 23 of 'texts' in layer 'summary' \(1 such"):
        rows(backbone, texts(words), batch_size=4, shard_size=10)


def test_a_sample_that_cannot_be_prepared_is_named(backbone, texts) -> None:
    with pytest.raises(DataError, match=r"Sample 2 of 'texts' cannot be prepared for 'pkg:word-lengths': 'ascii'"):
        rows(backbone, texts(["a", "b", "é"]))


def test_another_kind_of_input_is_refused_before_anything_runs(backbone, texts) -> None:
    backbone.input_kind = "image"

    with pytest.raises(UnsupportedModel, match="takes image inputs; 'texts' contains text"):
        extract_shards(backbone, texts(["a"]), FeatureRequest(), SilentProgress())


@pytest.mark.parametrize(
    ("request_", "kind", "sentence"),
    [
        (FeatureRequest(("sumary",)), InvalidInput, "no layer 'sumary'. Did you mean summary?"),
        (FeatureRequest(("block9",)), InvalidInput, "Layers: letters, summary."),
        (FeatureRequest(batch_size=0), InvalidInput, "at least one sample"),
        (FeatureRequest(shard_size=-1), InvalidInput, "at least one sample"),
        (FeatureRequest(batch_tokens=0), InvalidInput, "at least one sample"),
    ],
)
def test_impossible_requests(backbone, texts, request_, kind, sentence) -> None:
    with pytest.raises(kind) as caught:
        extract_shards(backbone, texts(["a"]), request_, SilentProgress())
    assert sentence in str(caught.value)


def test_an_empty_data_set(backbone, texts) -> None:
    with pytest.raises(DataError, match="'texts' has no samples"):
        extract_shards(backbone, texts([]), FeatureRequest(), SilentProgress())


@pytest.mark.parametrize("ending", ["interrupt", "abandon"])
def test_no_thread_outlives_the_extraction(backbone, texts, ending) -> None:
    words = texts(["abc"] * 400)
    inner = backbone.features

    def features(batch, layers):
        if ending == "interrupt" and len(backbone.batch_sizes) == 3:
            raise KeyboardInterrupt
        return inner(batch, layers)

    backbone.features = features
    shards = extract_shards(backbone, words, FeatureRequest(batch_size=4, shard_size=8), SilentProgress())

    next(shards)
    if ending == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            next(shards)
    else:
        shards.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoo-prepare")]


def test_progress_counts_samples(backbone, texts) -> None:
    steps = []

    class Counting:
        @contextmanager
        def step(self, description, total=None):
            steps.append([description, total, 0])
            yield self

        def advance(self, amount=1):
            steps[-1][2] += amount

    list(extract_shards(backbone, texts(["a"] * 5), FeatureRequest(batch_size=2), Counting()))

    assert steps == [["Extracting features with pkg:word-lengths", 5, 5]]


def test_a_numpy_backbone_needs_no_torch() -> None:
    code = """
import sys
import numpy as np
from zoo.entities import Dataset, FeatureRequest, ModelCard
from zoo.contract.backbone import SilentProgress
from zoo.features.extraction import extract_shards

class Lengths:
    card, input_kind, layers, embedding_dimension = ModelCard("pkg:n", "language"), "text", ("n",), 1
    def preprocess(self, item): return len(item)
    def collate(self, items): return np.array(items)
    def features(self, batch, layers): return {"n": batch[:, None]}

(shard,) = extract_shards(Lengths(), Dataset("d", "text", ["a", "bcd"]), FeatureRequest(), SilentProgress())
print(shard.values["n"].ravel().tolist(), "torch" in sys.modules)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert finished.stdout.strip() == "[1.0, 3.0] False"


def test_preparation_makes_way_while_a_pass_is_queued(backbone, texts, monkeypatch) -> None:
    """Nothing is prepared in that time; a pass that takes longer than their patience lets the threads continue."""
    from zoo.features import batches
    from zoo.features.batches import Limits, Preparation

    monkeypatch.setattr(batches, "PATIENCE", 0.5)
    inner, seen = backbone.preprocess, []

    def preprocess(item):
        seen.append(item)
        return inner(item)

    backbone.preprocess = preprocess
    words = texts(["abc"] * 400)
    preparation = Preparation(backbone, words, threads=2, ahead=2, pinned=True)
    with closing(preparation):
        prepared = preparation.batches([range(start, start + 40) for start in range(0, 400, 40)], Limits(10))
        with preparation.paused():
            next_one = threading.Thread(target=lambda: next(prepared))
            next_one.start()
            next_one.join(0.2)
            assert not seen, "it continued"
            next_one.join(20)
            assert not next_one.is_alive(), "it waits for ever"
        rest = [position for batch in prepared for position in batch.positions]

    assert rest == list(range(10, 400))
    assert len(seen) == 400
