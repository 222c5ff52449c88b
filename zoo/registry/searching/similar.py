"""Corrects misspelt words of a query."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.registry.index.sets import WORD, Sets
from zoo.registry.index.words import Wanted

_SHORTEST = 3


def corrected(sets: Sets, wanted: Wanted) -> Wanted | None:
    """The query with unknown words replaced by the most similar known ones; None if there are none."""
    prefixes = [_known_or_nearest(sets, word, sets.with_prefix(word)) for word in wanted.prefixes]
    phrases = [[_known_or_nearest(sets, word, sets.one(WORD, word)) for word in phrase] for phrase in wanted.phrases]
    words = [*prefixes, *(word for phrase in phrases for word in phrase)]
    if any(word is None for word in words):
        return None
    found = Wanted(
        tuple(word for word in prefixes if word),
        tuple(tuple(word for word in phrase if word) for phrase in phrases),
    )
    return None if found == wanted else found


def as_text(wanted: Wanted) -> str:
    """The query as a user would type it."""
    return " ".join([*wanted.prefixes, *(f'"{" ".join(phrase)}"' for phrase in wanted.phrases)])


def _known_or_nearest(sets: Sets, word: str, members: int) -> str | None:
    return word if members else nearest(sets, word)


def nearest(sets: Sets, word: str) -> str | None:
    """The known word with the fewest typing errors, the most frequent of several; None if none is similar.

    Words of three to five letters may have one error, longer ones two. A candidate starts with the first two letters
    of the word, in either order, or with one of them, because more errors at the start are rare.
    """
    if len(word) < _SHORTEST:
        return None
    most = 1 if len(word) < 6 else 2
    for prefixes in ((word[:2], word[1] + word[0]), (word[0], word[1])):
        best: tuple[int, int, str] | None = None
        for found, models in _words(sets, prefixes):
            if abs(len(found) - len(word)) <= most and (best is None or most >= best[0]):
                errors = distance(word, found, most)
                if errors <= most and (best is None or (errors, -models, found) < best):
                    best = (errors, -models, found)
        if best is not None:
            return best[2]
    return None


def _words(sets: Sets, prefixes: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for prefix in dict.fromkeys(prefixes):
        sql = "SELECT value, sum(models) FROM sets WHERE kind = ? AND value >= ? AND value < ? GROUP BY value"
        for row in sets.connection.execute(sql, (WORD, prefix, prefix + "\U0010ffff")):
            yield row[0], int(row[1])


def distance(a: str, b: str, most: int) -> int:
    """Number of insertions, deletions, substitutions and swaps that turn ``a`` into ``b``; ``most`` + 1 if more.

    Damerau, "A technique for computer detection and correction of spelling errors", CACM 7 (1964).
    """
    if a == b:
        return 0
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(last) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
