"""Finds words in text: in prose that is wrapped over lines, in identifiers, comments and strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP = r"""(?:[\s#"'_]|(?<=\s)[fr](?=["']))+"""
"""What may stand between two words: spaces, line ends with the marks of a comment or of a string, underscores."""


@dataclass(frozen=True)
class Word:
    """What must not be written.

    Attributes:
        expression: regular expression over lower-case text; a space matches any gap between two words, and the match
            begins and ends at the edges of words.
        instead: what to write.
        unless: regular expression; a match with it right around is let pass.
    """

    expression: str
    instead: str
    unless: str = ""


@dataclass(frozen=True)
class Match:
    """A word in a text; lines count from 1."""

    line: int
    text: str
    word: Word


class Finder:
    """Finds many words at once."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = [(word, _bounded(word.expression), re.compile(_spaced(word.unless))) for word in words]
        self._any = _bounded("|".join(word.expression for word in words))

    def __call__(self, text: str) -> Iterator[Match]:
        """The matches in the order of the text; ``CamelCase`` counts as two words."""
        lowered = _HUMP.sub("_", text).lower()
        for match in self._any.finditer(lowered):
            word, _, unless = next(entry for entry in self._words if entry[1].match(lowered, match.start()))
            around = lowered[max(0, match.start() - 16) : match.end() + 16]
            if not (word.unless and unless.search(around)):
                yield Match(lowered.count("\n", 0, match.start()) + 1, re.sub(_GAP, " ", match.group()), word)


def _bounded(expression: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{_spaced(expression)})(?![a-z])")


def _spaced(expression: str) -> str:
    return expression.replace(" ", _GAP)
