"""Texts as targets, of recordings or of other texts: word and character error rates, BLEU and chrF."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from zoo.contract.metric import Metric
from zoo.errors import DataError, needs_extra

TRANSLATION = "translation"
_PUNCTUATION = re.compile(r"[^\w\s']")


@runtime_checkable
class Transcribed(Protocol):
    """A target whose answers are not text but say one, such as synthesised speech; error rates compare the texts."""

    @property
    def text(self) -> str:
        """What an answer should say."""
        ...

    def heard(self, answer: Any) -> str:
        """What an answer says; raises ``DataError`` where that cannot be found out."""
        ...


def edit_distance(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Least number of insertions, deletions and substitutions that turn one sequence into the other (Levenshtein)."""
    before = list(range(len(second) + 1))
    for row, item in enumerate(first, start=1):
        current = [row]
        for column, other in enumerate(second, start=1):
            current.append(min(before[column] + 1, current[-1] + 1, before[column - 1] + (item != other)))
        before = current
    return before[-1]


def spoken(text: str) -> str:
    """A text as it is heard: lower case, without punctuation, single spaces; what transcripts are compared by."""
    return " ".join(_PUNCTUATION.sub(" ", unicodedata.normalize("NFKC", text).lower()).split())


def word_error_rate(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Edits between the words, divided by the number of words that were said; 0 and up.

    The words of synthesised speech are those of its transcript (``Transcribed``).
    """
    return _error_rate("word_error_rate", targets, predictions, str.split)


def character_error_rate(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """The same of the characters; 0 and up."""
    return _error_rate("character_error_rate", targets, predictions, list)


def bleu(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Corpus BLEU from 0 to 100 by sacreBLEU's defaults (Post, "A call for clarity in reporting BLEU scores", 2018)."""
    known, found = checked("bleu", targets, predictions)
    return float(_sacrebleu().corpus_bleu(found, [known]).score)


def chrf(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Corpus chrF2 from 0 to 100 by sacreBLEU's defaults (Popović, "chrF", 2015)."""
    known, found = checked("chrf", targets, predictions)
    return float(_sacrebleu().corpus_chrf(found, [known]).score)


METRICS = (
    Metric(
        "word_error_rate",
        word_error_rate,
        False,
        "Word edits over the words that were said, without case and punctuation; 0 and up.",
    ),
    Metric(
        "character_error_rate",
        character_error_rate,
        False,
        "Character edits over the characters that were said, without case and punctuation; 0 and up.",
    ),
    Metric("bleu", bleu, True, "Corpus BLEU by sacreBLEU; 0 to 100."),
    Metric("chrf", chrf, True, "Corpus chrF2 by sacreBLEU; 0 to 100."),
)


def _error_rate(
    name: str, targets: Sequence[Any], predictions: Sequence[Any], units: Callable[[str], Sequence[str]]
) -> float:
    if len(targets) and all(isinstance(target, Transcribed) for target in targets):
        predictions = [target.heard(found) for target, found in zip(targets, predictions, strict=True)]
        targets = [target.text for target in targets]
    known, found = checked(name, targets, predictions)
    edits = length = 0
    for said, heard in zip(known, found, strict=True):
        expected = units(spoken(said))
        edits += edit_distance(expected, units(spoken(heard)))
        length += len(expected)
    if not length:
        raise DataError(f"'{name}' cannot be computed: none of the texts holds a word.")
    return edits / length


def checked(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Both as lists; raises ``DataError`` where they are not texts, or not equally many."""
    known, found = list(targets), list(predictions)
    if not known or len(known) != len(found) or not all(isinstance(text, str) for text in (*known, *found)):
        raise DataError(f"'{name}' compares as many texts as there are targets, at least one.")
    return known, found


def _sacrebleu() -> Any:
    with needs_extra("language", "evaluate translations"):
        import sacrebleu
    return sacrebleu
