"""Keeps the table ``sets`` in step with cards and scores: changes are gathered and written chunk by chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.entities import ModelCard
from zoo.registry import bits
from zoo.registry.numbers import NUMBERS, numbers_of
from zoo.registry.sets import ALL, BENCHMARK, KNOWN, PREFIX, WORD, digit, digits
from zoo.registry.words import prefixes, words_of

if TYPE_CHECKING:
    import numpy as np

Run = Callable[[str, Sequence[Sequence[Any]]], None]
Ask = Callable[[str, Sequence[Any]], Iterable[Any]]
Place = tuple[str, str]

MOST_PENDING = 2_000_000
"""Memberships that wait to be written at most, but for those of the chunk that is being filled."""

MOST_IN_CHUNK = 12_000_000

_DIGITS = 63
_BATCH = 5000
_UPSERT = (
    "INSERT INTO sets (kind, value, chunk, models, members) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (kind, value, chunk) DO UPDATE SET models = excluded.models, members = excluded.members"
)


def places_of(card: ModelCard) -> set[Place]:
    """The sets that a card is in, those of its words and numbers left out."""
    found = {(ALL, ""), ("domain", card.domain), ("source", card.source), ("gated", "yes" if card.gated else "no")}
    if card.license is not None:
        found.add(("license", card.license))
    if card.library is not None:
        found.add(("library", card.library))
    for kind, values in (("task", card.tasks), ("tag", card.tags), ("language", card.languages)):
        for value in values:
            found.add((kind, value))
    return found


class _Chunk:
    """What changes in one chunk.

    Attributes:
        come, go: offsets by set.
        words: offsets of new cards by word; the sets of beginnings of words follow from them in the end.
        numbers: numbers by offset.
    """

    def __init__(self) -> None:
        self.come: defaultdict[Place, list[int]] = defaultdict(list)
        self.go: defaultdict[Place, list[int]] = defaultdict(list)
        self.words: defaultdict[str, list[int]] = defaultdict(list)
        self.numbers: dict[int, tuple[int | None, ...]] = {}


class Membership:
    """Gathers changes; ``write`` puts them into the table."""

    def __init__(self, run: Run, ask: Ask) -> None:
        self._run, self._ask = run, ask
        self._chunks: defaultdict[int, _Chunk] = defaultdict(_Chunk)
        self._pending = 0
        self._new: set[int] = set()
        row = next(iter(ask("SELECT max(chunk) FROM sets WHERE kind = ? AND value = ?", (ALL, ""))), None)
        self._written = -1 if row is None or row[0] is None else int(row[0])

    def change(self, key: int, old: ModelCard | None, new: ModelCard | None) -> None:
        """Note that the card of a model changes, comes (``old`` is None) or goes (``new`` is None)."""
        chunk, offset = self._chunks[key >> 16], key & 0xFFFF
        if old is None and new is not None:
            places, said = places_of(new), words_of(new)
            for place in places:
                chunk.come[place].append(offset)
            for word in said:
                chunk.words[word].append(offset)
            self._pending += len(places) + len(said)
        else:
            before, after = _everything(old), _everything(new)
            for place in after - before:
                chunk.come[place].append(offset)
            for place in before - after:
                chunk.go[place].append(offset)
            self._pending += len(after) + len(before)
        numbers = (None,) * len(NUMBERS) if new is None else numbers_of(new)
        if old is None or numbers != numbers_of(old):
            chunk.numbers[offset] = numbers
        self._write_when_many(key >> 16)

    def score(self, key: int, benchmark: int, there: bool = True) -> None:
        """Note that a model has, or no longer has, a score on a benchmark."""
        chunk = self._chunks[key >> 16]
        (chunk.come if there else chunk.go)[BENCHMARK, str(benchmark)].append(key & 0xFFFF)
        self._pending += 1
        self._write_when_many(key >> 16)

    def _write_when_many(self, current: int) -> None:
        if self._pending < MOST_PENDING:
            return
        # A chunk that is being filled for the first time waits until it is full, or it would be read and written again.
        if len(self._chunks) > 1:
            waiting = self._chunks.pop(current)
            self.write()
            self._chunks[current] = waiting
        elif self._pending > MOST_IN_CHUNK or current <= self._written:
            self.write()

    def write(self) -> None:
        """Write what has been gathered."""
        for number in sorted(self._chunks):
            chunk = self._chunks[number]
            there = number <= self._written
            self._store(number, self._words(number, chunk, there))
            if chunk.numbers:
                self._store(number, self._digits(number, chunk, there))
            self._written = max(self._written, number)
        self._chunks.clear()
        self._pending = 0

    def _store(self, number: int, found: Iterable[tuple[Place, bytes | None, int]]) -> None:
        rows, empty = [], []
        for (kind, value), members, count in found:
            if members is None:
                empty.append((kind, value, number))
            else:
                rows.append((kind, value, number, count, members))
            if len(rows) >= _BATCH:
                self._run(_UPSERT, rows)
                rows = []
        if rows:
            self._run(_UPSERT, rows)
        if empty:
            self._run("DELETE FROM sets WHERE kind = ? AND value = ? AND chunk = ?", empty)

    def _words(self, number: int, chunk: _Chunk, there: bool) -> Iterator[tuple[Place, bytes | None, int]]:
        come = dict(_with_prefixes(chunk.words))
        for place, found in chunk.come.items():
            others = bits.offsets(come[place]) if place in come else ()
            come[place] = bits.packed_offsets(sorted({*found, *others}))
        if not there and not chunk.go:
            for place in sorted(come):
                yield place, come[place], bits.count(come[place])
            return
        for place in sorted({*come, *chunk.go}):
            stored = self._stored(number, place) if there else None
            offsets = set(bits.offsets(stored)) if stored else set()
            offsets.difference_update(chunk.go.get(place, ()))
            if place in come:
                offsets.update(bits.offsets(come[place]))
            yield place, bits.packed_offsets(sorted(offsets)) if offsets else None, len(offsets)

    def _digits(self, number: int, chunk: _Chunk, there: bool) -> Iterator[tuple[Place, bytes | None, int]]:
        import numpy as np

        offsets = np.fromiter(chunk.numbers, np.int64, len(chunk.numbers))
        for column, name in enumerate(NUMBERS):
            values = [numbers[column] for numbers in chunk.numbers.values()]
            known = np.array([value is not None for value in values])
            given = np.array([value or 0 for value in values], np.int64)
            kind = digits(name)
            yield (kind, KNOWN), *self._digit(number, (kind, KNOWN), offsets, known, there)
            last = max((int(row[0]) for row in self._last(kind, number, there)), default=-1)
            for place in range(max(int(given.max()).bit_length(), last + 1)):
                ones = (given >> place & 1).astype(bool)
                yield (kind, digit(place)), *self._digit(number, (kind, digit(place)), offsets, ones, there)

    def _last(self, kind: str, number: int, there: bool) -> Iterable[Any]:
        if not there:
            return ()
        question = "SELECT value FROM sets WHERE kind = ? AND chunk = ? AND value <> ?"
        return self._ask(question, (kind, number, KNOWN))

    def _digit(
        self, number: int, place: Place, offsets: np.ndarray, ones: np.ndarray, there: bool
    ) -> tuple[bytes | None, int]:
        import numpy as np

        stored = self._stored(number, place) if there else None
        packed = np.frombuffer(bits.unpacked(stored) if stored else bytes(bits.CHUNK_BYTES), np.uint8)
        members = np.unpackbits(packed, bitorder="little")
        members[offsets] = ones
        return _packed(np.packbits(members, bitorder="little").tobytes())

    def _stored(self, number: int, place: Place) -> bytes | None:
        question = "SELECT members FROM sets WHERE kind = ? AND value = ? AND chunk = ?"
        row = next(iter(self._ask(question, (*place, number))), None)
        return None if row is None else bytes(row[0])


def _packed(members: bytes) -> tuple[bytes | None, int]:
    count = int.from_bytes(members, "little").bit_count()
    return (bits.packed_bits(members) if count else None), count


def _with_prefixes(said: dict[str, list[int]]) -> Iterator[tuple[Place, bytes]]:
    """The packed sets of words, whose offsets rise, and those of their beginnings, put together on the way."""
    open_sets: dict[int, tuple[str, bytearray]] = {}
    for word in sorted(said):
        packed = bits.packed_offsets(said[word])
        yield (WORD, word), packed
        for prefix in prefixes(word):
            begun, members = open_sets.get(len(prefix), ("", bytearray()))
            if begun != prefix:
                if begun:
                    yield (PREFIX, begun), bits.packed_bits(bytes(members))
                members = bytearray(bits.CHUNK_BYTES)
                open_sets[len(prefix)] = (prefix, members)
            bits.unpack_into(members, 0, packed)
    for begun, members in open_sets.values():
        yield (PREFIX, begun), bits.packed_bits(bytes(members))


def _everything(card: ModelCard | None) -> set[Place]:
    if card is None:
        return set()
    found = places_of(card)
    for word in words_of(card):
        found.add((WORD, word))
        for prefix in prefixes(word):
            found.add((PREFIX, prefix))
    return found
