"""The sets that new cards come into, gathered for one chunk of keys: values and words become numbers in arrays.

Cards come as columns, so that looking thousands of values up is one call. What shares a value, such as a tag, is taken
apart once a chunk. Which model has which word is then sorted once, by numpy, and cut into one set a word.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from zoo.registry.index import bits
from zoo.registry.index.numbers import NUMBERS, day
from zoo.registry.index.sets import ALL, KNOWN, PREFIX, WORD, digit, digits
from zoo.registry.index.words import BREAK, LONGEST_PREFIX, described, one_by_one

if TYPE_CHECKING:
    import numpy as np

Place = tuple[str, str]
Columns = Mapping[str, Sequence[Any]]
Row = tuple[str, str, int, int, bytes]
"""A row of ``sets``: kind, value, chunk, models, members."""

_UNKNOWN = -1
_FEW, _MANY = 64, 100_000
"""Terms at most, and pairs at least, for a table of a byte for each pair that could be."""

_SINGLE = ("domain", "source", "license", "library", "gated", "architecture")
_SEVERAL = {"task": "tasks", "tag": "tags", "language": "languages"}
_WITH_WORDS = ("architecture", "task", "tag")
_WITHOUT_SET = frozenset({"architecture"})
_GATED = {True: "yes", False: "no"}


def _numbering() -> defaultdict[Any, int]:
    """A dictionary that gives what it is asked for the next number, when it does not have one."""
    return defaultdict(count().__next__)


class Postings:
    """New cards of one chunk.

    Attributes:
        number: which chunk.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._words = _numbering()
        self._break = self._words[BREAK]
        self._values = {kind: _numbering() for kind in (*_SINGLE, *_SEVERAL)}
        self._given = {kind: array("I") for kind in self._values}
        self._lengths = {kind: array("I") for kind in _SEVERAL}
        self._said, self._described, self._descriptions = array("I"), array("I"), array("H")
        self._offsets = array("H")
        self._numbers = {name: array("q") for name in NUMBERS}

    def add(self, offsets: Sequence[int], columns: Columns) -> None:
        """Note cards that nothing is known of yet, by their places in the chunk.

        Args:
            columns: what the cards have in the fields of ``ModelCard``, and ``source`` and ``memory``.
        """
        self._offsets.extend(offsets)
        for kind in _SINGLE:
            self._given[kind].extend(map(self._values[kind].__getitem__, columns[kind]))
        for kind, field in _SEVERAL.items():
            self._lengths[kind].extend(map(len, columns[field]))
            self._given[kind].extend(map(self._values[kind].__getitem__, chain.from_iterable(columns[field])))
        self._said.extend(map(self._words.__getitem__, one_by_one(columns["id"])))
        for offset, description in zip(offsets, columns["description"], strict=True):
            if description:
                self._descriptions.append(offset)
                self._described.extend(map(self._words.__getitem__, described(description)))
                self._described.append(self._break)
        for name, numbers in self._numbers.items():
            given: Iterable[Any] = map(day, columns[name]) if name == "released" else columns[name]
            numbers.extend([_UNKNOWN if value is None else value for value in given])

    def rows(self) -> list[Row]:
        """The rows of ``sets`` for these cards, sorted; nothing of what the registry has already is in them."""
        import numpy as np

        cards = np.array(self._offsets, np.uint16)
        found: list[Row] = [(ALL, "", self.number, len(cards), bits.packed_array(np.sort(cards)))]
        said = [self._texts(self._said, cards), self._texts(self._described, np.array(self._descriptions, np.uint16))]
        for kind, values in self._values.items():
            given = _array(self._given[kind])
            owners = cards if kind in _SINGLE else np.repeat(cards, _array(self._lengths[kind]))
            known = [*values]
            if kind not in _WITHOUT_SET:
                names = [_GATED[value] for value in known] if kind == "gated" else known
                found += self._grouped(kind, names, _pairs(given, owners))
            if kind in _WITH_WORDS:
                said.append(self._words_of(known, given, owners))
        found += self._worded(said)
        found += self._digits(cards)
        found.sort()
        return found

    def _texts(self, said: array[int], owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The words of texts that follow each other, and whose each is."""
        import numpy as np

        words = _array(said)
        breaks = words == self._break
        return words[~breaks], owners[(np.cumsum(breaks) - breaks)[~breaks]]

    def _words_of(self, values: list[Any], given: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The words of values, once for each card that was given one, and the card."""
        import numpy as np

        texts = one_by_one([value or "" for value in values])
        words, value = self._texts(array("I", map(self._words.__getitem__, texts)), np.arange(len(values)))
        counts = np.bincount(value, minlength=len(values))
        begin = (np.cumsum(counts) - counts)[given]
        times = counts[given]
        # A value's words follow each other: how far each one is from where they begin.
        step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return words[np.repeat(begin, times) + step], np.repeat(owners, times)

    def _worded(self, said: list[tuple[np.ndarray, np.ndarray]]) -> list[Row]:
        """The rows of the words, and of the beginnings of words."""
        import numpy as np

        words = [*self._words]
        order = sorted(range(len(words)), key=words.__getitem__)
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        names = [words[place] for place in order]
        postings = _pairs(rank[np.concatenate([terms for terms, _ in said])], np.concatenate([of for _, of in said]))
        found = self._grouped(WORD, names, postings)
        if not found:
            return found
        terms, offsets = (postings >> 16).astype(np.uint32), (postings & 0xFFFF).astype(np.uint16)
        begun = np.array(names, f"U{LONGEST_PREFIX}")
        lengths = np.char.str_len(begun)
        for length in range(1, LONGEST_PREFIX + 1):
            # Words of the same beginning follow each other; the break is not among those of cards.
            long = np.flatnonzero(lengths >= length)
            beginnings = begun[long].astype(f"U{length}")
            new = _first(beginnings)
            numbers = np.zeros(len(names), np.uint32)
            numbers[long] = np.cumsum(new, dtype=np.uint32) - 1
            there = lengths[terms] >= length
            found += self._grouped(PREFIX, beginnings[new].tolist(), _pairs(numbers[terms[there]], offsets[there]))
        return found

    def _grouped(self, kind: str, names: list[str], postings: np.ndarray) -> list[Row]:
        """One row a term of sorted, distinct pairs of a term and an offset; not of those that are called None."""
        import numpy as np

        terms, offsets = postings >> 16, (postings & 0xFFFF).astype("<u2")
        starts = np.flatnonzero(_first(terms))
        ends = np.append(starts[1:], len(terms))[: len(starts)]
        listed, most, chunk = offsets.tobytes(), bits.LONGEST_LIST, self.number
        return [
            (
                kind,
                name,
                chunk,
                end - start,
                bits.LIST + listed[2 * start : 2 * end]
                if end - start <= most
                else bits.packed_array(offsets[start:end]),
            )
            for name, start, end in zip(
                map(names.__getitem__, terms[starts].tolist()), starts.tolist(), ends.tolist(), strict=True
            )
            if name is not None
        ]

    def _digits(self, cards: np.ndarray) -> list[Row]:
        import numpy as np

        found: list[Row] = []
        for name, column in self._numbers.items():
            numbers = np.array(column, np.int64)
            known = numbers != _UNKNOWN
            offsets, values = cards[known], numbers[known]
            sets = {KNOWN: offsets}
            for place in range(int(values.max(initial=0)).bit_length()):
                sets[digit(place)] = offsets[(values >> place & 1).astype(bool)]
            kind = digits(name)
            found += [
                (kind, value, self.number, len(ones), bits.packed_array(np.sort(ones)))
                for value, ones in sets.items()
                if len(ones)
            ]
        return found


def _array(numbers: array[int]) -> np.ndarray:
    import numpy as np

    return np.array(numbers, np.uint32)


def _pairs(terms: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Pairs of a term and an offset as one number each, sorted, each once.

    Numbers of 32 bits where that is enough, which sort in half the time; of few terms they are not sorted but ticked
    off in a table of all there could be.
    """
    import numpy as np

    most = int(terms.max(initial=0))
    pairs: Any = terms.astype(np.uint32 if most >> 16 == 0 else np.uint64)
    pairs <<= pairs.dtype.type(16)
    pairs |= offsets
    if most < _FEW and len(pairs) > _MANY:
        ticked = np.zeros((most + 1) << 16, bool)
        ticked[pairs] = True
        return np.flatnonzero(ticked)
    pairs.sort()
    distinct: np.ndarray = pairs[_first(pairs)]
    return distinct


def _first(values: np.ndarray) -> np.ndarray:
    """Whether a value differs from the one before it."""
    import numpy as np

    differs = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
