"""Without measuring, the whole registry is ranked, and only the first cards are read."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.entities import ModelCard
from zoo.errors import InvalidInput
from zoo.registry import open_registry
from zoo.selection.prior.names import sums
from zoo.selection.prior.shipped import Facts, content, expect
from zoo.selection.rank.full_registry import ENOUGH

TASK = "image-classification"


def put(*cards: ModelCard) -> None:
    open_registry().add(cards)


def card(name: str, **fields: object) -> ModelCard:
    return ModelCard(f"hf:me/{name}", "vision", (TASK,), **fields)  # type: ignore[arg-type]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return zoo.read("sklearn:digits:100")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), max_size=20))
def test_sums_over_the_parts_of_names_are_those_of_taking_them_apart(names: list[str]) -> None:
    weights = {"vit": 1.0, "224": -0.5, "a": 0.25, "0": 2.0, "architecture=x": 9.0}
    # ``K`` and ``İ`` become ASCII letters in lower case, one after the other: both sides lower the name first.
    wanted = [sum(weights.get(part, 0.0) for part in re.findall("[a-z]+|[0-9]+", name.lower())) for name in names]
    np.testing.assert_allclose(sums(names, weights), wanted)


def test_the_best_of_the_registry_come_first_as_when_they_are_named(photos) -> None:
    whole = zoo.recommend(photos, task=TASK, measure=False)
    named = zoo.recommend(photos, task=TASK, measure=False, candidates=",".join(c.id for c in whole.candidates[:20]))

    assert whole.ranked_by == "prior"
    assert len(whole.candidates) == ENOUGH
    assert [c.id for c in named.candidates] == [c.id for c in whole.candidates[:20]]
    assert [c.score for c in named.candidates] == [c.score for c in whole.candidates[:20]]


def test_limits_hold_over_the_whole_registry(photos) -> None:
    found = zoo.recommend(photos, task=TASK, measure=False, max_parameters=6_000_000, license=["apache-2.0"])
    assert all(c.parameters <= 6_000_000 and c.license == "Apache-2.0" for c in found.candidates)
    assert all("licen" in excluded.reason or "parameters" in excluded.reason for excluded in found.excluded)


def test_limits_that_leave_nothing_say_which_one_to_relax(photos) -> None:
    with pytest.raises(InvalidInput, match="No candidate is within the limits") as raised:
        zoo.recommend(photos, task=TASK, measure=False, max_parameters=10)
    assert "--max-parameters" in str(raised.value.hint)


def test_larger_ones_of_what_does_not_fit_are_not_read(photos) -> None:
    put(*(card(f"convnext-xxl-{i}", architecture="Giant", parameters=10**9 + i, license="MIT") for i in range(400)))
    found = zoo.recommend(photos, task=TASK, measure=False, max_memory=4_100_000_000)
    assert not any(c.id.startswith("hf:me/") for c in found.candidates)


def test_a_line_break_in_a_card_mixes_nothing_up(photos) -> None:
    put(card("vit-base", architecture="Two\nlines", parameters=5))
    ids, architectures = open_registry().columns(("id", "architecture"), domain="vision", task=TASK)
    assert len(ids) == len(architectures)
    assert architectures[ids.index("hf:me/vit-base")] == "Two\nlines"


def test_columns_and_cards_called_are_what_the_cards_say(photos) -> None:
    registry = open_registry()
    ids, parameters = registry.columns(("id", "parameters"), domain="vision", task=TASK, at_most={"parameters": 10**7})
    called = registry.cards_called([*ids[:5], "hf:no/such"])
    assert [c.id for c in called] == ids[:5]
    assert [str(c.parameters or "") for c in called] == parameters[:5]
    assert all(not text or int(text) <= 10**7 for text in parameters)
    with pytest.raises(InvalidInput, match="no column 'colour'"):
        registry.columns(("id", "colour"), domain="vision")


def test_facts_are_enough_to_know_what_to_expect() -> None:
    cards = [
        card("vit-large-384", architecture="ViT", pretraining=("imagenet-22k",)),
        ModelCard(next(iter(content()["tasks"][TASK]["known"])), "vision", (TASK,)),
    ]
    found = expect(cards, TASK)
    assert found is not None
    assert found.origin == ("alike", "results")
    assert Facts.of(cards).pretraining[0] == ("imagenet-22k",)
