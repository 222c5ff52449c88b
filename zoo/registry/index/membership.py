"""Updates the table ``sets`` when cards and scores change: collects changes and writes them chunk by chunk."""

from __future__ import annotations

import bisect
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from zoo.entities import ModelCard
from zoo.registry.index import bits
from zoo.registry.index.numbers import NUMBERS, numbers_of
from zoo.registry.index.postings import Columns, Place, Postings, Row
from zoo.registry.index.sets import ALL, BENCHMARK, KNOWN, PREFIX, WORD, digit, digits
from zoo.registry.index.sorted_runs import SortedRuns
from zoo.registry.index.words import prefixes, words_of

if TYPE_CHECKING:
    import numpy as np

Run = Callable[[str, Iterable[Sequence[Any]]], Any]
Ask = Callable[[str, Sequence[Any]], Iterable[Any]]

MOST_CHANGES = 1_000_000
"""Maximum number of pending changes of cards."""

MOST_SCORES = 1_000_000
"""Maximum number of pending scores."""

_INSERT = "INSERT INTO sets (kind, value, chunk, models, members) VALUES (?, ?, ?, ?, ?)"
_UPSERT = (
    f"{_INSERT} ON CONFLICT (kind, value, chunk) DO UPDATE SET models = excluded.models, members = excluded.members"
)


def places_of(card: ModelCard) -> set[Place]:
    """The sets that contain a card, without those of its words and numbers."""
    found = {(ALL, ""), ("domain", card.domain), ("source", card.source), ("gated", "yes" if card.gated else "no")}
    if card.license is not None:
        found.add(("license", card.license))
    if card.library is not None:
        found.add(("library", card.library))
    for kind, values in (("task", card.tasks), ("tag", card.tags), ("language", card.languages)):
        for value in values:
            found.add((kind, value))
    return found


class _Changes:
    """Pending changes of one chunk.

    Attributes:
        members: whether each model is in the set afterwards, by set and offset.
        numbers: numbers by offset.
    """

    def __init__(self) -> None:
        self.members: defaultdict[Place, dict[int, bool]] = defaultdict(dict)
        self.numbers: dict[int, tuple[int | None, ...]] = {}


class Membership:
    """Collects changes; ``write`` stores them in the table.

    New cards have ascending keys. Those of one chunk are collected as ``Postings``; when the next chunk starts, its
    rows become a sorted run, and all runs are written together. Other changes are applied after that.
    """

    def __init__(self, run: Run, ask: Ask) -> None:
        self._run, self._ask = run, ask
        self._current: Postings | None = None
        self._runs = SortedRuns()
        self._changes: defaultdict[int, _Changes] = defaultdict(_Changes)
        self._pending = 0
        self._scored = array("Q")
        row = next(iter(ask("SELECT max(chunk) FROM sets WHERE kind = ? AND value = ?", (ALL, ""))), None)
        self._written = -1 if row is None or row[0] is None else int(row[0])

    def add_new(self, keys: Sequence[int], columns: Columns) -> None:
        """Record new models with ascending keys; their cards as columns, see ``Postings.add``."""
        start = 0
        while start < len(keys):
            number = keys[start] >> 16
            end = bisect.bisect_left(keys, (number + 1) << 16, start)
            if self._current is None or self._current.number != number:
                self._close()
                self._current = Postings(number)
            part = columns if end - start == len(keys) else {name: c[start:end] for name, c in columns.items()}
            self._current.add([key & 0xFFFF for key in keys[start:end]], part)
            start = end

    def change(self, key: int, old: ModelCard, new: ModelCard | None) -> None:
        """Record that the card of a model changes, or is deleted (``new`` is None)."""
        chunk, offset = self._changes[key >> 16], key & 0xFFFF
        before, after = _everything(old), _everything(new)
        for place in before ^ after:
            chunk.members[place][offset] = place in after
        self._pending += len(before ^ after) + 1
        numbers = (None,) * len(NUMBERS) if new is None else numbers_of(new)
        if offset in chunk.numbers or numbers != numbers_of(old):
            chunk.numbers[offset] = numbers
        if self._pending > MOST_CHANGES:
            self._apply()

    def scored(self, pairs: Sequence[tuple[int, int]], there: bool = True) -> None:
        """Record that models have, or no longer have, scores: pairs of the keys of a model and a benchmark."""
        if there and not self._pending:
            self._scored.extend([benchmark << 32 | key for key, benchmark in pairs])
        else:
            for key, benchmark in pairs:
                self._changes[key >> 16].members[BENCHMARK, str(benchmark)][key & 0xFFFF] = there
            self._pending += len(pairs)
        if len(self._scored) > MOST_SCORES or self._pending > MOST_CHANGES:
            self._apply()

    def write(self) -> None:
        """Write all pending changes."""
        self._close()
        self._apply()

    def _apply(self) -> None:
        scored = self._scores()
        touched = {*self._changes, *scored}
        if self._current is not None and self._current.number in touched:
            self._close()
        if self._runs:
            self._run(_INSERT, self._runs.merged())  # their chunks have no rows yet
        for number in sorted(touched):
            changes = self._changes[number]
            members = _merged(scored.get(number, {}), changes.members)
            self._store(number, chain(self._changed(number, members), self._digits(number, changes)))
        self._changes.clear()
        self._pending = 0

    def _close(self) -> None:
        """Finish the current chunk: its rows become a run, or are merged with the stored ones."""
        current, self._current = self._current, None
        if current is None:
            return
        if current.number > self._written:
            self._runs.add(current.rows())
        else:
            if self._runs:
                self._run(_INSERT, self._runs.merged())  # their chunks have no rows yet
            self._run(_UPSERT, [self._united(row) for row in current.rows()])
        self._written = max(self._written, current.number)

    def _united(self, row: Row) -> Row:
        kind, value, number, count, members = row
        stored = self._stored(number, (kind, value))
        if stored is None:
            return row
        both = bits.united(((0, stored), (0, members)))
        count = both.bit_count()
        return (kind, value, number, count, bits.packed_bits(both.to_bytes(bits.CHUNK_BYTES, "little")))

    def _scores(self) -> dict[int, dict[Place, np.ndarray]]:
        """Remove and return the pending scores: offsets of the models, by chunk and benchmark."""
        import numpy as np

        if not self._scored:
            return {}
        pairs, self._scored = np.unique(np.frombuffer(self._scored, np.uint64)), array("Q")
        offsets = (pairs & 0xFFFF).astype(np.uint16)
        groups = pairs
        groups >>= np.uint64(16)
        found: dict[int, dict[Place, np.ndarray]] = {}
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        for group, start, end in zip(
            groups[starts].tolist(), starts.tolist(), [*starts[1:].tolist(), len(pairs)], strict=True
        ):
            found.setdefault(group & 0xFFFF, {})[BENCHMARK, str(group >> 16)] = offsets[start:end]
        return found

    def _store(self, number: int, found: Iterable[tuple[Place, bytes | None, int]]) -> None:
        rows, empty = [], []
        for (kind, value), members, count in found:
            if members is None:
                empty.append((kind, value, number))
            else:
                rows.append((kind, value, number, count, members))
        if rows:
            self._run(_UPSERT, rows)
        if empty:
            self._run("DELETE FROM sets WHERE kind = ? AND value = ? AND chunk = ?", empty)

    def _changed(self, number: int, changes: dict[Place, dict[int, bool]]) -> Iterator[tuple[Place, bytes | None, int]]:
        for place in sorted(changes):
            stored = self._stored(number, place)
            offsets = set(bits.offsets(stored)) if stored else set()
            for offset, there in changes[place].items():
                (offsets.add if there else offsets.discard)(offset)
            yield place, bits.packed_offsets(sorted(offsets)) if offsets else None, len(offsets)

    def _digits(self, number: int, changes: _Changes) -> Iterator[tuple[Place, bytes | None, int]]:
        import numpy as np

        if not changes.numbers:
            return
        offsets = np.fromiter(changes.numbers, np.int64, len(changes.numbers))
        for column, name in enumerate(NUMBERS):
            values = [numbers[column] for numbers in changes.numbers.values()]
            known = np.array([value is not None for value in values])
            given = np.array([value or 0 for value in values], np.int64)
            kind = digits(name)
            yield (kind, KNOWN), *self._digit(number, (kind, KNOWN), offsets, known)
            question = "SELECT value FROM sets WHERE kind = ? AND chunk = ? AND value <> ?"
            last = max((int(row[0]) for row in self._ask(question, (kind, number, KNOWN))), default=-1)
            for place in range(max(int(given.max()).bit_length(), last + 1)):
                ones = (given >> place & 1).astype(bool)
                yield (kind, digit(place)), *self._digit(number, (kind, digit(place)), offsets, ones)

    def _digit(self, number: int, place: Place, offsets: np.ndarray, ones: np.ndarray) -> tuple[bytes | None, int]:
        import numpy as np

        stored = self._stored(number, place)
        packed = np.frombuffer(bits.unpacked(stored) if stored else bytes(bits.CHUNK_BYTES), np.uint8)
        members = np.unpackbits(packed, bitorder="little")
        members[offsets] = ones
        count = int(members.sum())
        return (bits.packed_bits(np.packbits(members, bitorder="little").tobytes()) if count else None), count

    def _stored(self, number: int, place: Place) -> bytes | None:
        question = "SELECT members FROM sets WHERE kind = ? AND value = ? AND chunk = ?"
        row = next(iter(self._ask(question, (*place, number))), None)
        return None if row is None else bytes(row[0])


def _merged(added: dict[Place, np.ndarray], changes: dict[Place, dict[int, bool]]) -> dict[Place, dict[int, bool]]:
    """Added members, then the changes."""
    found: dict[Place, dict[int, bool]] = {
        place: dict.fromkeys(offsets.tolist(), True) for place, offsets in added.items()
    }
    for place, offsets in changes.items():
        found.setdefault(place, {}).update(offsets)
    return found


def _everything(card: ModelCard | None) -> set[Place]:
    if card is None:
        return set()
    found = places_of(card)
    for word in words_of(card):
        found.add((WORD, word))
        for prefix in prefixes(word):
            found.add((PREFIX, prefix))
    return found
