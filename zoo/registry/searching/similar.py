"""Words that are nearly those that were typed."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.registry.index.sets import WORD, Sets
from zoo.registry.index.words import Wanted

_SHORTEST = 3


def instead(sets: Sets, wanted: Wanted) -> Wanted | None:
    """The words with those that no model has replaced by the nearest that one has; None where that cannot be done."""
    beginnings = [_mended(sets, word, sets.beginning(word)) for word in wanted.beginnings]
    phrases = [[_mended(sets, word, sets.one(WORD, word)) for word in phrase] for phrase in wanted.phrases]
    words = [*beginnings, *(word for phrase in phrases for word in phrase)]
    if any(word is None for word in words):
        return None
    mended = Wanted(
        tuple(word for word in beginnings if word),
        tuple(tuple(word for word in phrase if word) for phrase in phrases),
    )
    return None if mended == wanted else mended


def said(wanted: Wanted) -> str:
    """Words as they would be typed."""
    return " ".join([*wanted.beginnings, *(f'"{" ".join(phrase)}"' for phrase in wanted.phrases)])


def _mended(sets: Sets, word: str, members: int) -> str | None:
    return word if members else nearest(sets, word)


def nearest(sets: Sets, word: str) -> str | None:
    """The known word that the fewest typing errors lead to, of several the most frequent; None where none is near.

    One error is forgiven in words of three to five letters, two in longer ones. A word begins with two of the typed
    letters, in either order, or with one of the first two: more errors at the very beginning are rare.
    """
    if len(word) < _SHORTEST:
        return None
    most = 1 if len(word) < 6 else 2
    for beginnings in ((word[:2], word[1] + word[0]), (word[0], word[1])):
        best: tuple[int, int, str] | None = None
        for found, models in _words(sets, beginnings):
            if abs(len(found) - len(word)) <= most and (best is None or most >= best[0]):
                errors = distance(word, found, most)
                if errors <= most and (best is None or (errors, -models, found) < best):
                    best = (errors, -models, found)
        if best is not None:
            return best[2]
    return None


def _words(sets: Sets, beginnings: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for beginning in dict.fromkeys(beginnings):
        sql = "SELECT value, sum(models) FROM sets WHERE kind = ? AND value >= ? AND value < ? GROUP BY value"
        for row in sets.connection.execute(sql, (WORD, beginning, beginning + "\U0010ffff")):
            yield row[0], int(row[1])


def distance(a: str, b: str, most: int) -> int:
    """Letters to insert, delete, replace or swap with their neighbour to make ``b`` of ``a``; ``most`` + 1 if more.

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
