"""Reads sets of models from the table ``sets``: with a word, a value, a benchmark, or a number in a range.

Sets are cached until the registry changes, up to ``MOST_BYTES``.
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
"""Kinds of sets that facets count; filters use ``tag`` as well."""

KNOWN = "known"
"""Value of the set of models for which a number is known; its other sets are binary digits."""

MOST_BYTES = 128_000_000
_CLOSE = 200


def digits(number: str) -> str:
    """The kind of the sets that hold the binary digits of a number."""
    return f"#{number}"


def digit(place: int) -> str:
    """Value of the set of models whose binary digit of a number at this place is 1."""
    return f"{place:02}"


class Benchmark(NamedTuple):
    """One row of the table ``benchmarks``; ``dataset`` in its original case."""

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
        """Use this connection from now on, and drop cached sets that are out of date."""
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

    def with_prefix(self, word: str) -> int:
        """The models with a word that starts with this prefix."""
        if len(word) <= LONGEST_PREFIX:
            return self.one(PREFIX, word)
        return self._read(WORD, f"{word}*", "value >= ? AND value < ?", (word, word + "\U0010ffff"))

    def values(self, kind: str) -> dict[str, int]:
        """The values of a kind, with the number of models that have each."""
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

    def ignoring_case(self, kind: str, value: str) -> int:
        """The models that have a value, in any case."""
        members = 0
        for known in self.values(kind):
            if known.casefold() == value.casefold():
                members |= self.one(kind, known)
        return members

    def known(self, number: str) -> int:
        """The models for which a number is known."""
        return self.one(digits(number), KNOWN)

    def compared(self, number: str, value: int, within: int) -> tuple[int, int]:
        """The models of ``within`` whose number is less than ``value``, and those with an equal one.

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
        """The models of ``within`` whose number is known and between ``low`` and ``high``, both inclusive."""
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
        """Keys that include the first ``want`` models of ``within`` by a number, then by key; unknown values come last.

        Args:
            after: (value, key) of the model after which to start.
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
        """Scan binary digits from the highest on: if enough models have a 1, drop the others; else include those."""
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
