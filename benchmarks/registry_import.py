"""Imports a synthetic Hub into a registry and reports time and memory; run as a process by ``benchmarks/registry.py``.

    python benchmarks/registry_import.py PATH MODELS

There are three scores for every two models, on two fifths of them. Generating the data is timed separately; building
``ModelCard`` and ``BenchmarkScore`` objects counts as part of the import.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from synthetic_hub import Hub

from zoo.entities import BenchmarkScore, ModelCard
from zoo.registry import Registry, creating


class Ids(Sequence[str]):
    """Concatenated ids, in a third of the memory of a list, which would count as memory of the import."""

    def __init__(self) -> None:
        self._text, self._ends = bytearray(), array("Q", [0])

    def append(self, name: str) -> None:
        """Add an id."""
        self._text += name.encode()
        self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: Any) -> Any:
        place = range(len(self))[place]
        return self._text[self._ends[place] : self._ends[place + 1]].decode()


class Stream:
    """Cards, then scores; ``seconds`` and ``processor`` are the time to generate them."""

    def __init__(self, models: int) -> None:
        self.hub = Hub(models)
        self.models = models
        self.seconds = self.processor = 0.0

    def __iter__(self) -> Iterator[ModelCard | BenchmarkScore]:
        ids = Ids()
        for number, fields in enumerate(self._timed(self.hub.cards())):
            if number % 5 < 2:
                ids.append(fields["id"])
            yield ModelCard(**fields)
        for score in self._timed(self.hub.scores(ids, self.models * 3 // 2)):
            yield BenchmarkScore(**score)

    def _timed(self, made: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        while True:
            started, processor = time.perf_counter(), time.process_time()
            fields = next(made, None)
            self.seconds += time.perf_counter() - started
            self.processor += time.process_time() - processor
            if fields is None:
                return
            yield fields


def peak() -> int:
    """Peak memory of this process, in bytes.

    On Linux a process inherits the maximum of getrusage from its parent; that of /proc starts at zero.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    path, models = Path(sys.argv[1]), int(sys.argv[2])
    creating.create(path, empty=True)
    stream = Stream(models)
    started, processor = time.perf_counter(), time.process_time()
    counts = Registry(path).add(stream)
    document = {
        **counts,
        "seconds": time.perf_counter() - started - stream.seconds,
        "processor_seconds": time.process_time() - processor - stream.processor,
        "seconds_making_up": stream.seconds,
        "peak_bytes": peak(),
        "bytes": path.stat().st_size,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
