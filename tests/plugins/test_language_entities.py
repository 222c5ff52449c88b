"""Named entities: read, compared, shown, and the same as ever for what was kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.errors import UnsupportedModel
from zoo.kinds.class_names import ClassNames
from zoo.kinds.classes import Labels
from zoo.kinds.known import kind_of
from zoo.kinds.metrics import metric
from zoo_language.entities.metrics import entities
from zoo_language.entities.spans import NamedEntities, NamedEntity, named_entities, tags_of

TAGS = st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"]), min_size=1, max_size=8)
TEXT = "Nils <Smith> lives in Havana & Rome"
FOUND = NamedEntities((NamedEntity("PER", "Nils <Smith>", 0, 12, 0.9), NamedEntity("LOC", "Havana", 22, 28, 0.8)))


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-P I-P O B-L", [("P", 0, 2), ("L", 3, 4)]),
        ("I-P I-P B-P", [("P", 0, 2), ("P", 2, 3)]),
        ("B-P I-L O", [("P", 0, 1), ("L", 1, 2)]),
        ("S-P B-L I-L E-L", [("P", 0, 1), ("L", 1, 4)]),
        ("O O", []),
    ],
)
def test_entities_are_those_of_conll(tags: str, found: list[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == found


@given(TAGS)
def test_entities_survive_the_way_to_characters_and_back(tags: list[str]) -> None:
    text = "  ".join(f"w{number}" for number in range(len(tags)))
    again = tags_of(text, named_entities(text, tags, [1.0] * len(tags)))
    assert entities(again) == entities(tags)
    assert metric("entity_f1").compute([tuple(tags)], [again]) == 1.0


def test_an_entity_is_right_only_as_a_whole() -> None:
    known = [("B-P", "I-P", "O", "B-L")]
    assert metric("entity_f1").compute(known, [("B-P", "O", "O", "B-L")]) == 0.5
    assert metric("token_accuracy").compute(known, [("B-P", "O", "O", "B-L")]) == 0.75
    assert metric("entity_f1").compute(known, [("O",) * 4]) == 0.0


def test_entities_are_marked_where_they_are() -> None:
    shown = kind_of("spans").html(TEXT, FOUND)
    assert shown.count('<mark class="entity"') == 2
    assert "Nils &lt;Smith&gt;<small> PER</small></mark> lives in" in shown
    assert "0.900" in shown
    unscored = kind_of("spans").html(TEXT, NamedEntities((NamedEntity("LOC", "Havana", 22, 28),)))
    assert "Score" not in unscored
    assert "Nothing was found." in kind_of("spans").html(TEXT, NamedEntities(()))


def test_entities_in_json_and_in_tables() -> None:
    kind = kind_of("spans")
    first = {"label": "PER", "word": "Nils <Smith>", "start": 0, "end": 12, "score": 0.9}
    assert kind.to_json(FOUND)[0] == first
    assert list(kind.to_json(FOUND)[0]) == list(first)
    assert kind.to_json(NamedEntities((NamedEntity("LOC", "Oslo", 0, 4),))) == [
        {"label": "LOC", "word": "Oslo", "start": 0, "end": 4}
    ]
    assert kind.summary(FOUND) == [("Nils <Smith> (PER)", "0.900"), ("Havana (LOC)", "0.800")]


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_written_stays_text(text: str, label: str) -> None:
    shown = kind_of("spans").html(text, NamedEntities((NamedEntity(label, text, 0, len(text), 1.0),)))
    assert "<script" not in shown.lower()


def test_types_are_matched_by_name_with_those_of_the_data() -> None:
    names = ClassNames(kind_of("spans"), ("B-person", "I-person", "B-Loc", "O"))
    assert [one.label for one in names.matched(NamedEntities((NamedEntity("PERSON", "A", 0, 1),)))] == ["person"]
    assert [one.label for one in names.matched(NamedEntities((NamedEntity("DATE", "A", 0, 1),)))] == ["DATE"]


def test_other_answers_cannot_be_compared_with_tags() -> None:
    with pytest.raises(UnsupportedModel, match="does not predict entities"):
        kind_of("spans").comparable("a text", Labels.of(("cat",), (1.0,)))


def test_a_data_set_of_entities_keeps_its_fingerprint(tmp_path: Path) -> None:
    """As version 0.1.0 computed it."""
    (tmp_path / "t.conll").write_text("Nils B-PER\nlives O\n\nOslo B-LOC\n")
    found = zoo.read(str(tmp_path / "t.conll"))
    assert (found.input_kind, found.target_kind, found.classes) == ("text", "spans", ("B-LOC", "B-PER", "O"))
    assert found.fingerprint == "cc689cc9586c6fecaee359c64979e6913bf7571ea6e61589146c46511f8f40d4"
    rows = [{"tokens": ["Oslo", "sleeps"], "ner_tags": ["B-LOC", "O"]}, {"tokens": ["Nils"], "ner_tags": ["B-PER"]}]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = zoo.read(str(tmp_path / "t.jsonl"), task="token-classification")
    assert table.fingerprint == "ddce94bb7bdce068689bfdc482ad35cf7da44f591b390018265ba94aae60a9a7"
