"""Metrics of texts, for recordings or other texts: word and character error rates, BLEU and chrF."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Protocol, runtime_checkable

from zoo.contract.metric import Metric
from zoo.errors import DataError, needs_extra

TRANSLATION = "translation"
_PUNCTUATION = re.compile(r"[^\w\s']")


@runtime_checkable
class Transcribed(Protocol):
    """A target whose answers contain a text, such as synthesised speech; error rates compare the texts."""

    @property
    def text(self) -> str:
        """The text that an answer should contain."""
        ...

    def heard(self, answer: Any) -> str:
        """The text that an answer contains; raises ``DataError`` if it cannot be determined."""
        ...


def edit_distance(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Minimum number of insertions, deletions and substitutions that turn one sequence into the other (Levenshtein)."""
    before = list(range(len(second) + 1))
    for row, item in enumerate(first, start=1):
        current = [row]
        for column, other in enumerate(second, start=1):
            current.append(min(before[column] + 1, current[-1] + 1, before[column - 1] + (item != other)))
        before = current
    return before[-1]


def spoken(text: str) -> str:
    """A text normalised for comparing transcripts: lower case, without punctuation, single spaces."""
    return " ".join(_PUNCTUATION.sub(" ", unicodedata.normalize("NFKC", text).lower()).split())


def word_error_rate(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Word edits divided by the number of reference words; 0 and up.

    The words of synthesised speech are those of its transcript (``Transcribed``).
    """
    return _error_rate("word_error_rate", targets, predictions, str.split)


def character_error_rate(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Character edits divided by the number of reference characters; 0 and up."""
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
        "Word edits per reference word, without case and punctuation; 0 and up.",
        bounds=(0, inf),
    ),
    Metric(
        "character_error_rate",
        character_error_rate,
        False,
        "Character edits per reference character, without case and punctuation; 0 and up.",
        bounds=(0, inf),
    ),
    Metric("bleu", bleu, True, "Corpus BLEU by sacreBLEU; 0 to 100.", bounds=(0, 100), recomputed=20),
    Metric("chrf", chrf, True, "Corpus chrF2 by sacreBLEU; 0 to 100.", bounds=(0, 100), recomputed=20),
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
        raise DataError(f"'{name}' cannot be computed: none of the texts contains a word.")
    return edits / length


def checked(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Both as lists; raises ``DataError`` if they are not equally many texts."""
    known, found = list(targets), list(predictions)
    if not known or len(known) != len(found) or not all(isinstance(text, str) for text in (*known, *found)):
        raise DataError(f"'{name}' takes equally many targets and predictions, at least one, and all must be texts.")
    return known, found


def _sacrebleu() -> Any:
    with needs_extra("language", "evaluate translations"):
        import sacrebleu
    return sacrebleu
