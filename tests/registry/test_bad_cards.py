"""Invalid cards: too large, broken, or negative; they are refused with a message that says why."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from zoo import exchange
from zoo.entities import ModelCard
from zoo.errors import DataError, InvalidInput
from zoo.registry import Registry, SearchQuery
from zoo.registry.writing.checking import check
from zoo.registry.writing.validation import LONGEST_TEXT, MOST_VALUES, fitted

GOOD = ModelCard("hf:a/good", "vision")
BAD = {
    "description of 10,000,000 letters": ModelCard("hf:a/bad", "vision", description="x" * 10_000_000),
    "5,000 tags": ModelCard("hf:a/bad", "vision", tags=tuple(f"t{n}" for n in range(5000))),
    "more than 500 letters": ModelCard("hf:a/bad", "vision", tags=("x" * 501,)),
    "'description' is": ModelCard("hf:a/bad", "vision", description="a\x00b"),
    "'tags' is": ModelCard("hf:a/bad", "vision", tags=("a\x00b",)),
    "'license' is": ModelCard("hf:a/bad", "vision", license="\ud800"),
    "'parameters' is": ModelCard("hf:a/bad", "vision", parameters=2**63),
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_card_and_nothing_is_written(any_registry: Registry, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        any_registry.add([GOOD, BAD[text]])
    assert any_registry.statistics()["models"] == 0
    assert check(any_registry.path) == []


@pytest.mark.parametrize("text", [text for text in BAD if "parameters" not in text])
def test_a_bad_card_can_be_made_to_fit(registry: Registry, text: str) -> None:
    card = fitted(BAD[text])
    registry.add([GOOD, card])

    assert registry.card("hf:a/bad") == card
    assert len(card.description or "") <= LONGEST_TEXT
    assert len(card.tags) <= MOST_VALUES
    assert registry.search(SearchQuery("bad")).total == 1


def test_a_negative_size_is_refused_with_its_place(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "cards.jsonl"
    path.write_text(
        "\n".join(json.dumps({"kind": "model", "id": "hf:a/b", "domain": "vision", "bytes": n}) for n in (1, -1))
    )

    with pytest.raises(DataError, match=r"line 2.*bytes = -1"):
        exchange.import_file(registry, str(path))
    assert registry.statistics()["models"] == 0


def test_an_unknown_licence_is_kept_and_reported(registry: Registry) -> None:
    registry.add(
        [ModelCard("hf:a/b", "vision", license="Homemade-1.0"), ModelCard("hf:a/c", "vision", license="other")]
    )

    assert registry.search(SearchQuery(license="homemade-1.0")).total == 1
    assert check(registry.path) == [
        "1 models have the licence 'Homemade-1.0', which is neither an SPDX identifier nor 'other'."
    ]


def test_words_of_a_long_description_are_found_up_to_a_limit(registry: Registry) -> None:
    registry.add([ModelCard("hf:a/b", "vision", description="first " + "filler " * 5000 + "last")])

    assert registry.search(SearchQuery("first", exact=True)).total == 1
    assert registry.search(SearchQuery("last", exact=True)).total == 0
    assert os.path.getsize(registry.path) < 2_000_000
