"""An external merge sort: sorted runs of rows in a temporary file, merged at the end.

A table without rowid stores its rows in key order, so inserting chunk by chunk rewrites it once per chunk; inserting
the merged runs writes it once.
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
    """Sorted runs of rows; ``merged`` returns all rows in order and deletes them."""

    def __init__(self) -> None:
        self._runs: list[list[tuple[int, int]]] = []
        self._file: IO[bytes] | None = None

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, rows: list[Any]) -> None:
        """Store a run: sorted tuples of text, numbers and bytes.

        Raises:
            OSError: the disk for temporary files is full.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="zoo-")  # noqa: SIM115
        blocks: list[tuple[int, int]] = []
        block: list[Any] = []
        left = _BLOCK_BYTES
        for row in rows:
            block.append(row)
            left -= len(row[-1]) + 80
            if left < 0:
                blocks.append(self._stored(block))
                block, left = [], _BLOCK_BYTES
        if block:
            blocks.append(self._stored(block))
        self._runs.append(blocks)

    def _stored(self, block: list[Any]) -> tuple[int, int]:
        assert self._file is not None
        start = self._file.seek(0, 2)
        return start, self._file.write(marshal.dumps(block))

    def merged(self) -> Iterator[Any]:
        """All rows in order; repeatedly sorts the rows of all runs up to the smallest last row of their blocks."""
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
    """The rest of a run: ``rows`` are those of the current block, empty at the end."""

    def __init__(self, blocks: Iterator[list[Any]]) -> None:
        self._blocks = blocks
        self.rows = next(blocks, [])

    def up_to(self, bound: Any) -> list[Any]:
        """Remove and return the rows of the current block up to a bound."""
        end = bisect.bisect_right(self.rows, bound)
        taken, self.rows = self.rows[:end], self.rows[end:]
        if not self.rows:
            self.rows = next(self._blocks, [])
        return taken
