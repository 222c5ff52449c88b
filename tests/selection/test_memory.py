"""Estimates of memory: what makes them grow. That they are right is the matter of benchmarks/memory.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.entities import ModelCard
from zoo.selection.request.memory import TRAINING_COPIES, Workload, to_run, to_tune

TEXT = {"library": "transformers", "embedding_dimension": 384, "input": {"kind": "text", "max_tokens": 256}}
IMAGE = {"library": "timm", "input": {"kind": "image", "size": (224, 224)}}


def encoder(parameters: int, **fields) -> ModelCard:
    return ModelCard("pkg:m", "language", parameters=parameters, **{**TEXT, **fields})


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["linear-probe", "lora", "full"]))
def test_more_parameters_never_need_less_memory(one, other, strategy):
    small, large = sorted([one, other])

    assert to_run(encoder(small)) <= to_run(encoder(large))
    assert to_tune(encoder(small), strategy) <= to_tune(encoder(large), strategy)


@given(st.integers(10**6, 10**11))
def test_what_trains_more_needs_more(parameters):
    needed = [to_tune(encoder(parameters), strategy) for strategy in ("linear-probe", "lora", "full")]

    assert needed == sorted(needed)


def test_full_fine_tuning_of_a_large_model_is_ruled_by_the_copies_of_its_weights():
    large = encoder(7 * 10**9, embedding_dimension=4096)

    share = to_tune(large, "full", Workload("cuda", batch_size=1, words=16)) / (7 * 10**9 * 4 * TRAINING_COPIES)

    assert share == pytest.approx(1, abs=0.02)


def test_larger_images_longer_texts_and_larger_batches_need_more():
    small, large = (
        ModelCard(
            "pkg:m",
            "vision",
            parameters=4_652_008,
            loader={"architecture": "tf_efficientnet_lite0"},
            library="timm",
            input={"kind": "image", "size": (size, size)},
        )
        for size in (224, 448)
    )
    grown = (to_tune(large) - to_tune(large, workload=Workload(batch_size=1))) / (
        to_tune(small) - to_tune(small, workload=Workload(batch_size=1))
    )

    assert grown == pytest.approx(4, rel=0.01)
    assert to_tune(encoder(10**7), workload=Workload(words=10)) < to_tune(encoder(10**7), workload=Workload(words=100))
    assert to_tune(encoder(10**7), workload=Workload(words=900)) == to_tune(encoder(10**7))


def test_without_parameters_there_is_no_estimate():
    assert to_run(ModelCard("pkg:m", "vision")) is None
    assert to_tune(ModelCard("pkg:m", "vision"), "full") is None


def test_an_architecture_without_known_costs_is_estimated_from_its_parameters():
    known = ModelCard("pkg:m", "vision", parameters=25_557_032, loader={"architecture": "resnet50"}, **IMAGE)
    unknown = ModelCard("pkg:m", "vision", parameters=25_557_032, **IMAGE)

    assert to_tune(unknown) / to_tune(known) == pytest.approx(1, abs=0.5)


def test_while_running_texts_share_the_tokens_of_a_batch():
    short, long = (to_run(encoder(10**7), Workload(words=words)) for words in (100, 300))
    assert long == pytest.approx(short, rel=0.01), "twice the tokens per text are half the texts per batch"
    assert to_run(encoder(10**7), Workload(words=300, batch_size=64)) > 1.1 * long
