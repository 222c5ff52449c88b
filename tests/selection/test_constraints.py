"""Limits: what they leave out, in which words, and what relaxing one would admit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.answers import Candidate
from zoo.cli.options import AMOUNT
from zoo.entities import ModelCard, ModelFile
from zoo.errors import InvalidInput
from zoo.selection.request.constraints import Limits, amount, apply, fast_enough, violations

CARD = ModelCard("pkg:model", "vision", parameters=5_000_000, bytes=20_000_000, license="Apache-2.0")


def card(name: str, **fields) -> ModelCard:
    return ModelCard(f"pkg:{name}", "vision", **{"parameters": 1_000, "bytes": 4_000, "license": "MIT", **fields})


def test_no_limits_keep_everything():
    assert apply([CARD], Limits()) == ([CARD], [])


def test_all_broken_limits_are_reported_together():
    _, [excluded] = apply([CARD, card("small")], Limits(licenses=("MIT",), max_parameters=1_000, max_bytes=4_000))

    assert excluded.reason == (
        "licence Apache-2.0 is not allowed; 5,000,000 parameters, the limit is 1,000; "
        "20,000,000 bytes, the limit is 4,000"
    )


def test_what_is_unknown_breaks_a_limit_on_it():
    unknown = ModelCard("pkg:unknown", "vision")

    assert list(violations(unknown, Limits(("MIT",), 10, 10, max_latency=5, language="de", safetensors=True))) == [
        "licence unknown is not allowed",
        "number of parameters unknown",
        "size unknown",
        "latency unknown",
        "languages unknown, not de",
        "format of the weights unknown",
    ]


def test_a_model_larger_than_the_memory_is_left_out():
    big = ModelCard("pkg:big", "vision", parameters=10**10)

    [reason] = violations(big, Limits(memory=8 * 10**9))

    assert "GB of memory; the device has 8.0 GB" in reason


def test_a_model_that_runs_may_still_be_too_large_to_be_fine_tuned():
    large = card("large", parameters=10**9, library="transformers", embedding_dimension=1024, input={"kind": "text"})
    memory = 12 * 10**9

    assert list(violations(large, Limits(memory=memory))) == []
    [reason] = violations(large, Limits(memory=memory, strategy="full"))
    assert "for the strategy full" in reason


@pytest.mark.parametrize(
    ("license", "policy", "allowed"),
    [
        ("Apache-2.0", "apache-2.0", True),
        ("BSD-3-Clause", "permissive", True),
        ("CC0-1.0", "permissive", True),
        ("BSD-3-Clause", "bsd-*", True),
        ("GPL-3.0-only", "permissive", False),
        ("CC-BY-NC-4.0", "permissive", False),
        ("CC-BY-NC-SA-4.0", "non-commercial", True),
        ("other", "permissive", False),
        (None, "permissive", False),
    ],
)
def test_licences_are_allowed_by_name_pattern_and_family(license: str | None, policy: str, allowed: bool):
    found = list(violations(card("model", license=license), Limits(licenses=(policy,))))

    assert (found == []) is allowed


@pytest.mark.parametrize("license", ["CC-BY-NC-4.0", None])
def test_a_denied_licence_is_left_out_and_so_is_an_unknown_one(license: str | None):
    assert len(list(violations(card("model", license=license), Limits(denied=("non-commercial",))))) == 1
    assert list(violations(card("model"), Limits(denied=("non-commercial",)))) == []


def test_a_language_is_found_with_and_without_its_region():
    spoken = card("spoken", languages=("en", "zh-Hant"))

    assert list(violations(spoken, Limits(language="zh"))) == []
    assert list(violations(spoken, Limits(language="de"))) == ["knows en, zh-Hant, not de"]


def test_gated_models_and_other_formats_are_left_out_only_when_asked():
    gated = card("gated", gated=True, files=(ModelFile("model.bin"),))

    assert list(violations(gated, Limits())) == []
    assert list(violations(gated, Limits(gated=False, safetensors=True))) == [
        "is gated: its terms must be accepted first",
        "weights in model.bin, not in safetensors",
    ]
    assert list(violations(card("safe", files=(ModelFile("model.safetensors"),)), Limits(safetensors=True))) == []


def test_the_reported_latency_of_a_known_architecture_counts_by_device():
    from zoo.selection.request.memory import Workload

    resnet = card("resnet", loader={"architecture": "resnet50.a1_in1k"}, input={"kind": "image", "size": 224})

    [reason] = violations(resnet, Limits(max_latency=10))
    assert reason.startswith("14.9 ms per sample reported (Intel i9-10940X")
    assert list(violations(resnet, Limits(max_latency=10, workload=Workload("cuda")))) == []


def test_when_nothing_is_left_one_limit_is_named_with_what_it_would_admit():
    cards = [card("one", bytes=50), card("two", bytes=70), card("three", license="GPL-3.0-only", bytes=5)]

    with pytest.raises(InvalidInput) as caught:
        apply(cards, Limits(licenses=("permissive",), max_bytes=10))

    assert caught.value.message == "No candidate is within the limits: all 3 considered break at least one of them."
    assert caught.value.hint == (
        "Relax one: --max-size 50 would admit pkg:one, and a larger value 1 more; "
        "--license GPL-3.0-only would admit pkg:three."
    )


def test_when_no_single_limit_is_enough_the_nearest_model_is_named():
    with pytest.raises(InvalidInput) as caught:
        apply([card("one", license="GPL-3.0-only")], Limits(licenses=("MIT",), max_bytes=10))

    assert caught.value.hint == (
        "No single limit is enough; the nearest is pkg:one: "
        "licence GPL-3.0-only is not allowed; 4,000 bytes, the limit is 10."
    )


@given(st.lists(st.integers(11, 100), min_size=1, max_size=8))
def test_the_size_that_is_proposed_admits_a_model(sizes: list[int]):
    cards = [card(f"m{n}", bytes=size) for n, size in enumerate(sizes)]

    with pytest.raises(InvalidInput) as caught:
        apply(cards, Limits(max_bytes=10))

    proposed = int(caught.value.hint.partition("--max-size ")[2].partition(" ")[0])
    kept, _ = apply(cards, Limits(max_bytes=proposed))
    assert kept


@given(st.integers(0, 10**13))
def test_a_proposed_amount_is_what_the_options_take_and_never_too_small(value: int):
    proposed = AMOUNT.convert(amount(value), None, None)

    assert value <= proposed <= value * 1.01 + 1


def test_a_flag_is_relaxed_by_leaving_it_out():
    pickled = card("pickled", files=(ModelFile("model.bin"),))

    with pytest.raises(InvalidInput, match="Relax one: without --safetensors-only would admit pkg:pickled"):
        apply([pickled], Limits(safetensors=True))


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 100))
def test_every_card_is_either_kept_or_excluded(sizes: list[int], limit: int):
    cards = [ModelCard(f"pkg:m{n}", "vision", parameters=size) for n, size in enumerate(sizes)]
    within = [card.id for card in cards if card.parameters <= limit]
    if cards and not within:
        with pytest.raises(InvalidInput):
            apply(cards, Limits(max_parameters=limit))
        return

    kept, excluded = apply(cards, Limits(max_parameters=limit))

    assert [card.id for card in kept] == within
    assert len(kept) + len(excluded) == len(cards)


def test_measured_latency_leaves_out_the_slow_ones_and_closes_the_ranks():
    candidates = [Candidate(1, "pkg:slow", 0.9, latency=20.0), Candidate(2, "pkg:fast", 0.8, latency=2.0)]

    kept, [excluded] = fast_enough(candidates, 5)

    assert [(c.rank, c.id) for c in kept] == [(1, "pkg:fast")]
    assert excluded.reason == "20 ms per sample measured, the limit is 5"
    with pytest.raises(InvalidInput, match="fastest is pkg:fast with 2 ms"):
        fast_enough(candidates, 1)
