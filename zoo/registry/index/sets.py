"""Sets of models, read from the table ``sets``: those of a word, a filter's value, a benchmark, a range of a number.

What was read is kept while the registry does not change, up to some tens of megabytes.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from zoo.registry.index import bits
from zoo.registry.index.words import LONGEST_PREFIX

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

ALL, WORD, PREFIX, BENCHMARK = "all", "word", "prefix", "benchmark"
VALUES = ("domain", "task", "license", "library", "language", "source", "gated")
"""Kinds of sets that facets are counted over; ``tag`` is one more that can be filtered by."""

KNOWN = "known"
"""The value of a number's set of models for which it is known; the others are its binary digits."""

MOST_BYTES = 128_000_000
_CLOSE = 200


def digits(number: str) -> str:
    """The kind of the sets that hold the binary digits of a number."""
    return f"#{number}"


def digit(place: int) -> str:
    """The value of a number's set of models whose binary digit at a place is 1."""
    return f"{place:02}"


class Benchmark(NamedTuple):
    """One row of the table of benchmarks; ``dataset`` as it is written there."""

    key: int
    task: str
    dataset: str
    split: str
    metric: str
    higher_is_better: bool


class Sets:
    """The sets of one registry, for one thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._counts: dict[str, dict[str, int]] = {}
        self._benchmarks: dict[str, list[Benchmark]] = {}
        self._bytes = 0
        self._generation: str | None = None
        self.connection: Reader

    def use(self, connection: Reader) -> None:
        """Read from this connection from now on, and forget what is out of date."""
        self.connection = connection
        row = connection.execute("SELECT value FROM state WHERE name = 'generation'").fetchone()
        generation = "" if row is None else row[0]
        if generation != self._generation:
            self._kept.clear()
            self._counts.clear()
            self._benchmarks.clear()
            self._bytes = 0
            self._generation = generation

    def all(self) -> int:
        """All models."""
        return self.one(ALL, "")

    def one(self, kind: str, value: str) -> int:
        """The models that have a value."""
        return self._read(kind, value, "value = ?", (value,))

    def beginning(self, word: str) -> int:
        """The models with a word that begins so."""
        if len(word) <= LONGEST_PREFIX:
            return self.one(PREFIX, word)
        return self._read(WORD, f"{word}*", "value >= ? AND value < ?", (word, word + "\U0010ffff"))

    def values(self, kind: str) -> dict[str, int]:
        """Values of a kind with the number of models that have each."""
        if kind not in self._counts:
            rows = self.connection.execute("SELECT value, sum(models) FROM sets WHERE kind = ? GROUP BY value", (kind,))
            self._counts[kind] = {row[0]: int(row[1]) for row in rows}
        return self._counts[kind]

    def benchmarks(self) -> dict[str, list[Benchmark]]:
        """The benchmarks, by data set in lower case."""
        if not self._benchmarks:
            sql = "SELECT key, task, dataset, split, metric, higher_is_better FROM benchmarks ORDER BY key"
            for row in self.connection.execute(sql):
                one = Benchmark(row[0], row[1], row[2], row[3], row[4], bool(row[5]))
                self._benchmarks.setdefault(one.dataset.casefold(), []).append(one)
        return self._benchmarks

    def whatever_case(self, kind: str, value: str) -> int:
        """The models that have a value, written in capitals or not."""
        members = 0
        for known in self.values(kind):
            if known.casefold() == value.casefold():
                members |= self.one(kind, known)
        return members

    def known(self, number: str) -> int:
        """The models for which a number is known."""
        return self.one(digits(number), KNOWN)

    def compared(self, number: str, value: int, within: int) -> tuple[int, int]:
        """The models of ``within`` whose number is less than ``value``, and those where it is equal.

        O'Neil and Quass, "Improved query performance with variant indexes", SIGMOD 1997, algorithm 4.3.
        """
        less, equal = 0, within & self.known(number)
        slices = self._slices(number)
        if value < 0:
            return 0, 0
        if value >> len(slices):
            return equal, 0
        for place in reversed(range(len(slices))):
            ones = equal & slices[place]
            if value >> place & 1:
                less |= equal ^ ones
                equal = ones
            else:
                equal ^= ones
            if not equal:
                break
        return less, equal

    def ranged(self, number: str, low: int | None, high: int | None, within: int) -> int:
        """The models of ``within`` whose number is known and not less than ``low`` nor more than ``high``."""
        found = within & self.known(number)
        if high is not None:
            less, equal = self.compared(number, high, found)
            found = less | equal
        if low is not None:
            found ^= self.compared(number, low, found)[0]
        return found

    def first(
        self,
        number: str,
        within: int,
        want: int,
        *,
        descending: bool = True,
        after: tuple[int | None, int] | None = None,
    ) -> list[int]:
        """Keys among which are the first ``want`` of ``within`` by a number; then by key; unknown numbers come last.

        Args:
            after: (value, key) of the model behind which to begin.
        """
        known = within & self.known(number)
        unknown = within ^ known
        if after is not None and after[0] is None:
            return list(islice(bits.keys(_above(unknown, after[1])), want))
        if after is not None:
            less, equal = self.compared(number, after[0] or 0, known)
            known = (less if descending else known ^ less ^ equal) | _above(equal, after[1])
        found = self._extreme(number, known, want, descending=descending)
        return found if len(found) >= want else [*found, *islice(bits.keys(unknown), want - len(found))]

    def _extreme(self, number: str, rest: int, want: int, *, descending: bool) -> list[int]:
        """Binary digits from the highest on: where enough models have a 1 the others go, else those are in."""
        sure, count = 0, 0
        for ones in reversed(self._slices(number)):
            better = rest & ones
            if not descending:
                better ^= rest
            if not better or better == rest:
                continue
            there = better.bit_count()
            if count + there >= want:
                rest = better
                if count + there <= want + _CLOSE:
                    return list(bits.keys(sure | rest))
            else:
                sure |= better
                count += there
                rest ^= better
        return [*bits.keys(sure), *islice(bits.keys(rest), want - count)]

    def _slices(self, number: str) -> list[int]:
        kind = digits(number)
        last = max((int(value) for value in self.values(kind) if value != KNOWN), default=-1)
        return [self.one(kind, digit(place)) for place in range(last + 1)]

    def _read(self, kind: str, name: str, condition: str, parameters: tuple[str, ...]) -> int:
        key = (kind, name)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        rows = self.connection.execute(
            f"SELECT chunk, members FROM sets WHERE kind = ? AND {condition}", (kind, *parameters)
        )
        members = bits.united((row[0], bytes(row[1])) for row in rows)
        self._kept[key] = members
        self._bytes += _size(members)
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _size(dropped)
        return members


def _size(members: int) -> int:
    return members.bit_length() // 7 + 64


def _above(members: int, key: int) -> int:
    return members >> (key + 1) << (key + 1)
