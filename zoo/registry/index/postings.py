"""Builds the sets of the new cards of one chunk of keys: values and words become numbers in arrays.

Cards are passed as columns, so that thousands of values are looked up in one call. A value that cards share, such as a
tag, is tokenized once per chunk. Pairs of word and model are sorted once, by numpy, and split into one set per word.
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
from zoo.registry.index.words import BREAK, LONGEST_PREFIX, description_words, separated

if TYPE_CHECKING:
    import numpy as np

Place = tuple[str, str]
Columns = Mapping[str, Sequence[Any]]
Row = tuple[str, str, int, int, bytes]
"""A row of ``sets``: kind, value, chunk, models, members."""

_UNKNOWN = -1
_FEW, _MANY = 64, 100_000
"""Maximum terms and minimum pairs for which all possible pairs are marked in a table, instead of sorted."""

_SINGLE = ("domain", "source", "license", "library", "gated", "architecture")
_SEVERAL = {"task": "tasks", "tag": "tags", "language": "languages"}
_WITH_WORDS = ("architecture", "task", "tag")
_WITHOUT_SET = frozenset({"architecture"})
_GATED = {True: "yes", False: "no"}


def _numbering() -> defaultdict[Any, int]:
    """A dictionary that assigns the next number to each new key."""
    return defaultdict(count().__next__)


class Postings:
    """New cards of one chunk.

    Attributes:
        number: number of the chunk.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._words = _numbering()
        self._break = self._words[BREAK]
        self._values = {kind: _numbering() for kind in (*_SINGLE, *_SEVERAL)}
        self._given = {kind: array("I") for kind in self._values}
        self._lengths = {kind: array("I") for kind in _SEVERAL}
        self._id_words, self._description_words, self._descriptions = array("I"), array("I"), array("H")
        self._offsets = array("H")
        self._numbers = {name: array("q") for name in NUMBERS}

    def add(self, offsets: Sequence[int], columns: Columns) -> None:
        """Add cards that the registry does not have yet, by their offsets in the chunk.

        Args:
            columns: the fields of ``ModelCard`` by name, and ``source`` and ``memory``.
        """
        self._offsets.extend(offsets)
        for kind in _SINGLE:
            self._given[kind].extend(map(self._values[kind].__getitem__, columns[kind]))
        for kind, field in _SEVERAL.items():
            self._lengths[kind].extend(map(len, columns[field]))
            self._given[kind].extend(map(self._values[kind].__getitem__, chain.from_iterable(columns[field])))
        self._id_words.extend(map(self._words.__getitem__, separated(columns["id"])))
        for offset, description in zip(offsets, columns["description"], strict=True):
            if description:
                self._descriptions.append(offset)
                self._description_words.extend(map(self._words.__getitem__, description_words(description)))
                self._description_words.append(self._break)
        for name, numbers in self._numbers.items():
            given: Iterable[Any] = map(day, columns[name]) if name == "released" else columns[name]
            numbers.extend([_UNKNOWN if value is None else value for value in given])

    def rows(self) -> list[Row]:
        """The sorted rows of ``sets`` for these cards only, without the cards that the registry has already."""
        import numpy as np

        cards = np.array(self._offsets, np.uint16)
        found: list[Row] = [(ALL, "", self.number, len(cards), bits.packed_array(np.sort(cards)))]
        texts = [
            self._texts(self._id_words, cards),
            self._texts(self._description_words, np.array(self._descriptions, np.uint16)),
        ]
        for kind, values in self._values.items():
            given = _array(self._given[kind])
            owners = cards if kind in _SINGLE else np.repeat(cards, _array(self._lengths[kind]))
            known = [*values]
            if kind not in _WITHOUT_SET:
                names = [_GATED[value] for value in known] if kind == "gated" else known
                found += self._grouped(kind, names, _pairs(given, owners))
            if kind in _WITH_WORDS:
                texts.append(self._words_of(known, given, owners))
        found += self._word_rows(texts)
        found += self._digits(cards)
        found.sort()
        return found

    def _texts(self, text_words: array[int], owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The words of consecutive texts, and the owner of each."""
        import numpy as np

        words = _array(text_words)
        breaks = words == self._break
        return words[~breaks], owners[(np.cumsum(breaks) - breaks)[~breaks]]

    def _words_of(self, values: list[Any], given: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The words of values, repeated for each card with the value, and the card."""
        import numpy as np

        texts = separated([value or "" for value in values])
        words, value = self._texts(array("I", map(self._words.__getitem__, texts)), np.arange(len(values)))
        counts = np.bincount(value, minlength=len(values))
        first = (np.cumsum(counts) - counts)[given]
        times = counts[given]
        # The words of a value are consecutive; this is the index of each word within its value.
        step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return words[np.repeat(first, times) + step], np.repeat(owners, times)

    def _word_rows(self, texts: list[tuple[np.ndarray, np.ndarray]]) -> list[Row]:
        """The rows of the words and of their prefixes."""
        import numpy as np

        words = [*self._words]
        order = sorted(range(len(words)), key=words.__getitem__)
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        names = [words[place] for place in order]
        postings = _pairs(rank[np.concatenate([terms for terms, _ in texts])], np.concatenate([of for _, of in texts]))
        found = self._grouped(WORD, names, postings)
        if not found:
            return found
        terms, offsets = (postings >> 16).astype(np.uint32), (postings & 0xFFFF).astype(np.uint16)
        word_starts = np.array(names, f"U{LONGEST_PREFIX}")
        lengths = np.char.str_len(word_starts)
        for length in range(1, LONGEST_PREFIX + 1):
            # Words with the same prefix are consecutive; the break belongs to no card.
            long = np.flatnonzero(lengths >= length)
            prefixes = word_starts[long].astype(f"U{length}")
            new = _run_starts(prefixes)
            numbers = np.zeros(len(names), np.uint32)
            numbers[long] = np.cumsum(new, dtype=np.uint32) - 1
            there = lengths[terms] >= length
            found += self._grouped(PREFIX, prefixes[new].tolist(), _pairs(numbers[terms[there]], offsets[there]))
        return found

    def _grouped(self, kind: str, names: list[str], postings: np.ndarray) -> list[Row]:
        """One row per term of sorted, distinct pairs of term and offset; terms without a name are skipped."""
        import numpy as np

        terms, offsets = postings >> 16, (postings & 0xFFFF).astype("<u2")
        starts = np.flatnonzero(_run_starts(terms))
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
    """Pairs of term and offset as one number each, sorted and distinct.

    Numbers have 32 bits if that suffices, which sorts in half the time; with few terms they are marked in a table of
    all possible pairs instead.
    """
    import numpy as np

    most = int(terms.max(initial=0))
    pairs: Any = terms.astype(np.uint32 if most >> 16 == 0 else np.uint64)
    pairs <<= pairs.dtype.type(16)
    pairs |= offsets
    if most < _FEW and len(pairs) > _MANY:
        marked = np.zeros((most + 1) << 16, bool)
        marked[pairs] = True
        return np.flatnonzero(marked)
    pairs.sort()
    distinct: np.ndarray = pairs[_run_starts(pairs)]
    return distinct


def _run_starts(values: np.ndarray) -> np.ndarray:
    """Whether a value differs from the one before it."""
    import numpy as np

    differs = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
