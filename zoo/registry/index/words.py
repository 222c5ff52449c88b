"""Tokenizes cards and queries into words, the same way for every database."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zoo.entities import ModelCard

_WORD = re.compile(r"[^\W_]+")
_WORD_OR_BREAK = re.compile(r"[^\W_]+|\x00")
_QUOTED = re.compile(r'"([^"]*)"')

BREAK = "\x00"
"""Separates the words of consecutive texts; no card contains it."""

LONGEST_WORD = 40
"""Maximum letters per word; the rest is ignored."""

LONGEST_PREFIX = 3
"""Prefixes up to this length have sets of their own; longer ones are unions of a few words."""

MOST_WORDS = 400
"""Maximum words of a description that are searched."""


def words(text: str) -> list[str]:
    """The words of a text, in order: runs of letters and digits, in lower case and without accents."""
    found = _WORD.findall(text.lower() if text.isascii() else _folded(text))
    if len(text) > LONGEST_WORD and max(map(len, found), default=0) > LONGEST_WORD:
        return [word[:LONGEST_WORD] for word in found]
    return found


def separated(texts: Sequence[str]) -> list[str]:
    """The words of several texts, with a ``BREAK`` after each text."""
    found = _WORD_OR_BREAK.findall("".join(f"{_folded(text)}{BREAK}" for text in texts))
    return [word[:LONGEST_WORD] for word in found] if max(map(len, found), default=0) > LONGEST_WORD else found


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def words_of(card: ModelCard) -> set[str]:
    """All words by which a card is found."""
    text = " ".join((card.id, card.architecture or "", *card.tasks, *card.tags))
    found = set(words(text))
    if card.description:
        found.update(description_words(card.description))
    return found


def description_words(description: str) -> list[str]:
    """The words of a description that are searched."""
    return words(description[: MOST_WORDS * 16])[:MOST_WORDS]


def prefixes(word: str) -> Iterator[str]:
    """The prefixes of a word that have sets of their own."""
    for length in range(1, min(LONGEST_PREFIX, len(word)) + 1):
        yield word[:length]


@dataclass(frozen=True)
class Wanted:
    """The parsed words of a query.

    Attributes:
        prefixes: each must be the prefix of a word of the card.
        phrases: each must occur in one field of the card, word by word.
    """

    prefixes: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, text: str) -> Wanted:
        """Parse a query; text in double quotes is a phrase."""
        quoted = [tuple(words(phrase)) for phrase in _QUOTED.findall(text)]
        rest = words(_QUOTED.sub(" ", text))
        phrases = [phrase for phrase in quoted if len(phrase) > 1]
        return cls(tuple(dict.fromkeys(rest + [p[0] for p in quoted if len(p) == 1])), tuple(dict.fromkeys(phrases)))

    def __bool__(self) -> bool:
        return bool(self.prefixes or self.phrases)

    def phrases_in(self, fields: Sequence[str]) -> bool:
        """Whether each phrase occurs in one of these texts, word by word."""
        folded = [_folded(field) for field in fields]
        return all(any(_pattern(phrase).search(field) for field in folded) for phrase in self.phrases)


@functools.lru_cache(maxsize=64)
def _pattern(phrase: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that finds a phrase in folded text."""
    return re.compile(r"(?<![^\W_])" + r"[\W_]+".join(phrase) + r"(?![^\W_])")
