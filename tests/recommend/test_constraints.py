"""Limits: what they leave out, and in which words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zoo.entities import ModelCard
from zoo.recommend.constraints import RUNTIME_BYTES, Limits, apply, memory_to_run, violations

CARD = ModelCard("pkg:model", "vision", parameters=5_000_000, bytes=20_000_000, license="Apache-2.0")


def test_no_limits_keep_everything():
    assert apply([CARD], Limits()) == ([CARD], [])


def test_all_broken_limits_are_told_together():
    _, [excluded] = apply([CARD], Limits(licenses=("MIT",), max_parameters=1_000, max_bytes=2_000))

    assert excluded.reason == (
        "licence Apache-2.0 is not allowed; 5,000,000 parameters, allowed are 1,000; "
        "20,000,000 bytes, allowed are 2,000"
    )


def test_what_is_unknown_breaks_a_limit_on_it():
    unknown = ModelCard("pkg:unknown", "vision")

    assert list(violations(unknown, Limits(("MIT",), 10, 10))) == [
        "licence unknown is not allowed",
        "number of parameters unknown",
        "size unknown",
    ]


def test_a_model_larger_than_the_memory_is_left_out():
    big = ModelCard("pkg:big", "vision", parameters=10**10)

    [reason] = violations(big, Limits(memory=8 * 10**9))

    assert reason == "needs about 60.4 GB of memory, the device has 8.0 GB"


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_more_parameters_never_need_less_memory(one, other):
    small, large = sorted([one, other])
    needed = [memory_to_run(ModelCard("pkg:m", "vision", parameters=size)) for size in (small, large)]

    assert RUNTIME_BYTES <= needed[0] <= needed[1]


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 100))
def test_every_card_is_either_kept_or_excluded(sizes, limit):
    cards = [ModelCard(f"pkg:m{n}", "vision", parameters=size) for n, size in enumerate(sizes)]

    kept, excluded = apply(cards, Limits(max_parameters=limit))

    assert [card.id for card in kept] == [card.id for card in cards if card.parameters <= limit]
    assert len(kept) + len(excluded) == len(cards)
