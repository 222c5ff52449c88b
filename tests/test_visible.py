"""What a terminal would obey is seen, all else is as it was, and JSON parses to the same."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.visible import json_text, visible, visible_lines

EVERYTHING = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from(
        "a\x00\x07\x08\t\n\r\x1b[2J\x7f\x80\x85\x9b\x9f\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\ud800é"
    )
)
BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def obeyed(text: str) -> set[str]:
    """The characters that a terminal acts on, cannot show, or is reordered by; line ends are left to the caller."""
    return {
        c
        for c in text
        if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(c) in BIDIRECTIONAL
        or c in "\u200e\u200f\u061c"
    }


@given(EVERYTHING)
def test_no_control_character_is_left(text: str) -> None:
    assert obeyed(visible(text)) == set()
    assert obeyed(visible_lines(text)) <= {"\n"}


@given(EVERYTHING)
def test_shown_text_is_shown_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert visible_lines(visible_lines(text)) == visible_lines(text)


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_other_text_stays(text: str) -> None:
    assert visible(text) == text
    assert visible_lines(f"{text}\n{text}") == f"{text}\n{text}"


@pytest.mark.parametrize(
    "text",
    [
        "naïve café",
        "日本語のモデル",
        "שלום עולם مرحبا",
        "نمی\u200cخواهم",
        "👩\u200d🔬 👍🏽 🏴\U000e0067\U000e007f",
        "[red]x[/red]",
    ],
)
def test_letters_and_emoji_of_all_scripts_stay(text: str) -> None:
    assert visible(text) == text


def test_what_is_seen_names_the_character() -> None:
    assert visible("a\x1b[2J\x9b\u202eb\n\r\t\ud83d") == r"a\x1b[2J\x9b\u202eb\n\r\t\ud83d"
    assert visible_lines("a\r\n\tb\rc") == "a\n    b\nc"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(st.sampled_from('a\x1b\x9b\u202e\u2028\x7f\n"\\é')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_json_parses_to_the_same_and_holds_nothing_unseen(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json_text(value, indent=indent, ascii_only=ascii_only)
    assert json.loads(text) == value
    assert obeyed(text) <= {"\n"}
    assert text.isascii() or not ascii_only


def test_half_a_character_in_json_is_escaped() -> None:
    assert json_text(["x\ud800"]) == '["x\\ud800"]'


def test_json_has_no_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))
