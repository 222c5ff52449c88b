"""Questions about a text: read, shown, compared, and the same as ever for what was kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from zoo.data import identities
from zoo.errors import DataError
from zoo.kinds.answers import Answer
from zoo.kinds.known import kind_of
from zoo_language.answers.questions import Question, parse

ITEM = parse("Who lives here? The king lives here & there.")


def test_an_answer_is_marked_in_its_text() -> None:
    asked, answers = kind_of("question"), kind_of("answers")
    [section] = answers.sections(["input"], [ITEM], [Answer("The king", 0.7, 0, 8)], asked)
    assert section.count("<mark>The king</mark> lives here &amp; there.") == 1
    assert "<h3>Who lives here?</h3>" in section
    assert "score 0.700" in section


def test_an_answer_that_is_not_where_it_says_is_shown_above_the_text() -> None:
    shown = kind_of("answers").html(ITEM, Answer("The queen", None, 0, 9))
    assert "<mark>" not in shown
    assert '<p class="lead">The queen</p>' in shown
    assert "No answer." in kind_of("answers").html(ITEM, Answer("", 0.0, 0, 0))


def test_answers_in_json_have_what_is_known_of_them() -> None:
    kind = kind_of("answers")
    found = {"answer": "king", "score": 0.5, "start": 4, "end": 8}
    assert kind.to_json(Answer("king", 0.5, 4, 8)) == found
    assert list(kind.to_json(Answer("king", 0.5, 4, 8))) == list(found)
    assert kind.to_json(Answer("red")) == {"answer": "red"}
    assert kind.summary(Answer("king", 0.5, 4, 8)) == [("king", "0.500")]


def test_the_baseline_of_a_text_is_its_first_words() -> None:
    known = [("the old king",), ("a queen of the sea", "she"), ("it",)]
    assert kind_of("answers").baseline([ITEM], known, "question-answering") == [("The king lives",)]


def test_questions_are_typed_with_their_text() -> None:
    typed = kind_of("question").read_typed(["Who? The king.", "no question"], {}, None)  # type: ignore[arg-type]
    assert list(typed.items) == [Question("Who?", "The king.")]
    assert [problem.item for problem in typed.problems] == ["no question"]
    with pytest.raises(DataError, match="'no question' is not a question followed by a text"):
        kind_of("question").read_typed(["no question"], {}, None)  # type: ignore[arg-type]


def test_a_data_set_of_questions_keeps_its_fingerprint(tmp_path: Path) -> None:
    """As version 0.1.0 computed it."""
    rows = [
        {"question": "Who paints? ", "context": "His sister paints.", "answer": "sister"},
        {"question": "Where?", "context": "In Havana, by the sea.", "answer": ["Havana", "by the sea"]},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = zoo.read(str(tmp_path / "q.jsonl"), task="question-answering")
    assert (found.input_kind, found.target_kind, len(found)) == ("question", "answers", 2)
    assert found.fingerprint == "2f2192820db7177efec2f1d2b04eaf2c76e2f676a9928fd229b772789b7ed455"
    first, second = (found[:16].hex() for found in map(bytes, identities(found)))
    assert (first, second) == ("8ff494bf0f934671b3cd72b76fba61ca", "7255b1a6a5d0b276708f9c7aac1e1556")
