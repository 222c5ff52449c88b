"""Rows that wait to be written in the order of their table: sorted runs in a temporary file, merged in one go.

A table whose rows lie in the order of their keys is read and written through once for each chunk that comes between its
rows; merged, it is written once.
"""

from __future__ import annotations

import bisect
import marshal
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

_BLOCK_BYTES = 200_000


class SortedRuns:
    """Runs of rows, each of which is sorted by its first values; ``merged`` gives them back and forgets them."""

    def __init__(self) -> None:
        self._runs: list[list[tuple[int, int]]] = []
        self._file: IO[bytes] | None = None

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, rows: list[Any]) -> None:
        """Keep a run: tuples of text, numbers and bytes, sorted.

        Raises:
            OSError: the disk of temporary files is full.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="zoo-")  # noqa: SIM115
        blocks: list[tuple[int, int]] = []
        block: list[Any] = []
        room = _BLOCK_BYTES
        for row in rows:
            block.append(row)
            room -= len(row[-1]) + 80
            if room < 0:
                blocks.append(self._stored(block))
                block, room = [], _BLOCK_BYTES
        if block:
            blocks.append(self._stored(block))
        self._runs.append(blocks)

    def _stored(self, block: list[Any]) -> tuple[int, int]:
        assert self._file is not None
        start = self._file.seek(0, 2)
        return start, self._file.write(marshal.dumps(block))

    def merged(self) -> Iterator[Any]:
        """All rows, sorted: what each run has up to the first end of a block is sorted together, over and over."""
        runs = [_Run(self._read(blocks)) for blocks in self._runs if blocks]
        while runs:
            bound = min(run.rows[-1] for run in runs)
            yield from sorted(chain.from_iterable([run.up_to(bound) for run in runs]))
            runs = [run for run in runs if run.rows]
        self._runs.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, blocks: list[tuple[int, int]]) -> Iterator[list[Any]]:
        assert self._file is not None
        for start, length in blocks:
            self._file.seek(start)
            yield marshal.loads(self._file.read(length))


class _Run:
    """What is left of a run: ``rows`` are those of its block, none at its end."""

    def __init__(self, blocks: Iterator[list[Any]]) -> None:
        self._blocks = blocks
        self.rows = next(blocks, [])

    def up_to(self, bound: Any) -> list[Any]:
        """The rows up to a bound, which are taken out; no more than the block has."""
        end = bisect.bisect_right(self.rows, bound)
        taken, self.rows = self.rows[:end], self.rows[end:]
        if not self.rows:
            self.rows = next(self._blocks, [])
        return taken
