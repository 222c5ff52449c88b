"""Meters the compute of a block: the first batch of each stage is counted, and the others by their size.

Counting changes no result: the batch is the real one, and each of its operations runs once, in the same order and with
the same random numbers. It costs a few microseconds for each operation of that batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from zoo.compute.energy import Energy

METHOD = "one counted batch"
"""How operations are estimated, as the record says it."""


@dataclass
class Stage:
    """Passes of one kind.

    Attributes:
        flop: floating-point operations; a multiplication and an addition are two.
        batches: number of passes.
        known: whether the counted batch had operations, and none that cannot be counted.
        per_size: operations per unit of the size of a batch, from the counted one; None before it.
    """

    flop: float = 0.0
    batches: int = 0
    known: bool = True
    per_size: float | None = None


class Meter:
    """What ran inside a ``metering`` block; see ``counted``.

    Attributes:
        stages: by name: ``features`` and ``evaluation`` (forward passes), ``training`` (forward and backward), and
            ``answers`` (predictions on the model's own task).
        cached: samples whose features needed no forward pass.
    """

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.cached = 0
        self._energy: Energy | None = Energy()

    def stage(self, name: str) -> Stage:
        """The passes with this name."""
        return self.stages.setdefault(name, Stage())

    def add(self, other: Meter) -> None:
        """Add the passes of a meter that ran inside this one."""
        self.cached += other.cached
        if other._energy is None:
            self._energy = None
        for name, stage in other.stages.items():
            self._add(name, stage.flop, stage.batches, stage.known)

    def state(self) -> dict[str, Any]:
        """What ran so far, as plain values for ``restore``."""
        stages = {name: [one.flop, one.batches, one.known] for name, one in self.stages.items()}
        return {"stages": stages, "cached": self.cached}

    def restore(self, state: Mapping[str, Any] | None, *, first: bool = True) -> None:
        """Add what ran in an earlier process, from its ``state``; without one, the sum is not known.

        The energy is not known either, as that process did not record it.

        Args:
            first: whether this process is the first of a training, whose state it is; others take what they share.
        """
        self._energy = None
        if state is None:
            self.stage("training").known = False
            return
        if first:
            self.cached += int(state["cached"])
        for name, (flop, batches, known) in state["stages"].items():
            if first or name in {"training", "evaluation"}:
                self._add(str(name), float(flop), int(batches), bool(known))

    def pool(self, total: Callable[[float], float]) -> None:
        """Sum over the processes of a training; every one of them calls this.

        Args:
            total: the sum of a number over the processes.
        """
        for name in ("features", "training", "evaluation", "answers"):
            one = self.stages.get(name, Stage())
            flop, batches, unknown = total(one.flop), total(float(one.batches)), total(float(not one.known))
            if batches:
                self.stages[name] = Stage(flop, int(batches), not unknown, one.per_size)

    def record(self, device: str = "cpu") -> dict[str, Any]:
        """The compute so far as plain values.

        Returns:
            ``flop`` (None if it is not known) and ``stages`` with the operations of each, ``method``; ``cached`` if
            there were such samples; ``joules`` if the energy was measured.
        """
        stages = {name: round(one.flop) if one.known else None for name, one in sorted(self.stages.items())}
        known = None not in stages.values() and bool(stages or self.cached)
        found: dict[str, Any] = {
            "flop": sum(flop or 0 for flop in stages.values()) if known else None,
            "stages": stages,
            "method": METHOD,
        }
        if self.cached:
            found["cached"] = self.cached
        # The counters are those of the processors; a GPU's energy would be missing.
        joules = self._energy.joules() if self._energy is not None and device.startswith("cpu") else None
        if joules is not None:
            found["joules"] = round(joules, 3)
        return found

    def _add(self, name: str, flop: float, batches: int, known: bool) -> None:
        mine = self.stage(name)
        mine.flop, mine.batches, mine.known = mine.flop + flop, mine.batches + batches, mine.known and known


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


def current() -> Meter | None:
    """The meter of the innermost ``metering`` block; None outside of one."""
    return _current.get()


@contextmanager
def metering() -> Iterator[Meter]:
    """Meter the passes inside the block, also for the block around it, and after an error too."""
    outer, meter = _current.get(), Meter()
    mark = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(mark)
        if outer is not None:
            outer.add(meter)


@contextmanager
def counted(name: str, batch: Any, samples: int) -> Iterator[None]:
    """A block with one pass of the stage ``name``; it does nothing outside of ``metering``.

    The first pass that ends without an error is counted operation by operation. Later ones add as many operations per
    element of the tensors in their batch, or per sample if it has none that are known.
    """
    meter = _current.get()
    if meter is None:
        yield
        return
    stage, size = meter.stage(name), elements(batch) or samples
    if stage.per_size is not None or "torch" not in sys.modules:
        yield
        stage.known = stage.known and stage.per_size is not None
        stage.flop += (stage.per_size or 0.0) * size
    else:
        from zoo.compute.counting import Operations

        with Operations() as found:
            yield
        stage.known = stage.known and found.known
        stage.per_size = found.flop / max(1, size)
        stage.flop += found.flop
    stage.batches += 1


def elements(batch: Any) -> int:
    """Number of elements of all tensors and arrays in a batch."""
    if isinstance(batch, Mapping):
        return sum(map(elements, batch.values()))
    if isinstance(batch, (list, tuple)):
        return sum(map(elements, batch))
    if hasattr(batch, "numel") and callable(batch.numel):
        return int(batch.numel())
    size = getattr(batch, "size", 0) if hasattr(batch, "dtype") else 0
    return size if isinstance(size, int) else 0
