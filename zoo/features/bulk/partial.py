"""The partial file of a long prediction: blocks of finished rows, which survive a crash of the process."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.atomic import replacing
from zoo.errors import storage_errors
from zoo.untrusted import parse_json

FORMAT = "zoo-predictions-2"


@dataclass(frozen=True)
class Partial:
    """A file next to the target: a line that says what is predicted, and a line of JSON for each finished block.

    Attributes:
        path: the file; hidden.
        key: what the predictions depend on; a file with another key is of no use and replaced.
    """

    path: Path
    key: Mapping[str, Any]

    @classmethod
    def of(cls, target: Path, key: Mapping[str, Any]) -> Partial:
        """The partial file of a target."""
        return cls(target.with_name(f".{target.name}.partial"), key)

    def resume(self) -> int:
        """The number of finished rows; prepares the file for the next block.

        A truncated last block, as after a crash, is removed.

        Raises:
            StorageError: the file cannot be written.
        """
        header = json.dumps({"format": FORMAT, **self.key}, sort_keys=True)
        rows, good = 0, 0
        with storage_errors(self.path), contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                if number == 0:
                    if line.decode("utf-8", "replace").rstrip("\n") != header:
                        break
                else:
                    block = _parsed(line)
                    if block is None:
                        break
                    rows += len(block)
                good += len(line)
        with storage_errors(self.path):
            if good:
                with self.path.open("r+b") as file:
                    file.truncate(good)
            else:
                self.path.write_text(header + "\n", encoding="utf-8")
        return rows

    def replace(self, changed: Mapping[int, Sequence[Any]]) -> None:
        """Replace finished rows, by their numbers from 0 on; raises ``StorageError``."""
        number = 0
        with replacing(self.path) as place, place.open("wb") as new, self.path.open("rb") as old:
            new.write(next(old))
            for line in old:
                block = _parsed(line) or []
                new.write(_line([changed.get(number + at, row) for at, row in enumerate(block)]))
                number += len(block)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append a block of rows, and wait until it is on the disk; raises ``StorageError``."""
        with storage_errors(self.path), self.path.open("ab") as file:
            file.write(_line(rows))
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> Iterator[list[Any]]:
        """All finished rows."""
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                yield from _parsed(line) or ()

    def remove(self) -> None:
        """Delete the file."""
        with storage_errors(self.path):
            self.path.unlink(missing_ok=True)


def _line(rows: Sequence[Sequence[Any]]) -> bytes:
    return json.dumps(rows, ensure_ascii=True).encode() + b"\n"


def _parsed(line: bytes) -> list[list[Any]] | None:
    try:
        found = parse_json(line, finite=False)
    except ValueError:
        return None
    return found if isinstance(found, list) else None
