"""An index, in memory, of the files that hold a layer's cached rows; files come and go."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.features.cache.files import SUFFIX, RowsFile, open_rows
from zoo.features.item_digests import BYTES

if TYPE_CHECKING:
    import numpy as np

TOUCH_SECONDS = 60.0
"""Precision of a file's recorded time of last use."""


class LayerIndex:
    """The digests in all files of one layer, sorted; new files are read when they appear.

    Attributes:
        files: the files by number.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._folder = folder
        self._by_name: dict[str, RowsFile] = {}
        self._checked: dict[str, tuple[int, int, int]] = {}
        self.files: list[RowsFile] = []
        self._sorted = np.empty(0, dtype=np.uint64)
        self._order = np.empty(0, dtype=np.int64)
        self._starts = np.zeros(1, dtype=np.int64)

    def refresh(self) -> None:
        """Read files that appeared, and forget those that are gone."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder) if entry.name.endswith(SUFFIX))
        except OSError:
            names = []
        if names == [file.path.name for file in self.files]:
            return
        known = {name: self._by_name[name] for name in names if name in self._by_name}
        for name in names:
            if name not in known:
                with contextlib.suppress(OSError):  # gone since it was listed
                    opened = open_rows(self._folder / name)
                    if opened is None:
                        delete(self._folder / name)
                    else:
                        known[name] = opened
        self._by_name = known
        self.files = [known[name] for name in names if name in known]
        self._sort()

    def locate(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each digest the number of a file that has it, or -1, and the row in it."""
        import numpy as np

        place, row = np.full(len(digests), -1, dtype=np.int64), np.zeros(len(digests), dtype=np.int64)
        if not len(self._sorted) or not len(digests):
            return place, row
        at = np.minimum(np.searchsorted(self._sorted, _first_half(digests)), len(self._sorted) - 1)
        candidate = self._order[at]
        file = np.searchsorted(self._starts, candidate, side="right") - 1
        for number in np.unique(file):
            rows = np.flatnonzero(file == number)
            inside = candidate[rows] - self._starts[number]
            # Half a digest finds the position; the full one is compared.
            same = self.files[number].digests[inside] == digests[rows]
            place[rows[same]], row[rows[same]] = number, inside[same]
        return place, row

    def use(self, file: RowsFile) -> bool:
        """Record the use of a file; False if it does not match its checksum, and is deleted.

        A file is read again only when it is not the one that was checked before.
        """
        name = file.path.name
        try:
            if self._checked.get(name) != _signature(file.path):
                if not file.is_whole():
                    delete(file.path)
                    return False
                self._checked[name] = _signature(file.path)
            # Access times are switched off on many machines, so the time of the last change replaces them.
            if time.time() - file.path.stat().st_mtime > TOUCH_SECONDS:
                os.utime(file.path)
                self._checked[name] = _signature(file.path)
        except FileNotFoundError:
            return False
        except OSError:
            return name in self._checked
        return True

    def _sort(self) -> None:
        import numpy as np

        halves = [_first_half(file.digests) for file in self.files]
        together = np.concatenate(halves) if halves else np.empty(0, dtype=np.uint64)
        self._order = np.argsort(together, kind="stable")
        self._sorted = together[self._order]
        self._starts = np.cumsum([0, *map(len, halves)])


@functools.lru_cache(maxsize=256)
def layer_index(folder: Path) -> LayerIndex:
    """The index of a layer's folder, one per process."""
    return LayerIndex(folder)


def delete(path: Path) -> None:
    """Delete an unusable file; if that fails, it is found unusable again next time."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _signature(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _first_half(digests: np.ndarray) -> np.ndarray:
    return digests.view("<u8").reshape(-1, BYTES // 8)[:, 0]
