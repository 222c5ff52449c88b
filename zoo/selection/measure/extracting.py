"""Extraction in this process: models loaded when needed and kept while they fit, features turned to evidence."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from zoo.entities import Dataset, ModelCard
from zoo.errors import ZooError
from zoo.selection.measure.layer_statistics import Evidence, Targets

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features import Model
    from zoo.selection.measure.measuring import Request

SHARD = 1024
"""Most samples that are extracted as one piece; the same cuts everywhere, so that the same batches are formed."""

KEPT_PARAMETERS = 500_000_000
"""Loaded models are kept while they have so many parameters together, 2 GB in float32."""


class BudgetSpent(BaseException):
    """The time is up. Like Ctrl-C it is no error, and nothing that catches errors may swallow it."""


@dataclass(frozen=True)
class Work:
    """One shard of one model: which layers of which samples.

    Attributes:
        positions: of the samples in the whole data set, ascending.
    """

    card: ModelCard
    layers: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Done:
    """What came of a piece of work: evidence by layer, or the error that it ended in.

    Attributes:
        seconds: that the work took where it was done.
        passes: forward passes that it took; fewer than samples where features were kept or inputs came twice.
    """

    work: Work
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    seconds: float = 0.0
    passes: int = 0
    error: ZooError | None = None


class Extractor(Protocol):
    """Carries work out, here or elsewhere."""

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; loads it if need be. Raises ``ZooError`` where it cannot be had."""
        ...

    def run(self, works: Sequence[Work]) -> Iterator[Done]:
        """The work done, in any order; one that fails ends in its own ``Done``."""
        ...

    def close(self) -> None:
        """Let go of models and workers."""
        ...


def shards(positions: Sequence[int]) -> list[tuple[int, ...]]:
    """Positions in the order of the data, cut into pieces of equal size of at most ``SHARD``."""
    ordered = sorted(positions)
    pieces = -(-len(ordered) // SHARD)
    return [tuple(ordered[len(ordered) * k // pieces : len(ordered) * (k + 1) // pieces]) for k in range(pieces)]


def carry_out(model: Model, whole: Dataset, work: Work, targets: Targets, progress: Progress) -> Done:
    """Extract one shard and gather its evidence; features that are kept need no forward pass.

    Raises:
        ZooError: the model cannot run on these samples.
    """
    started = time.perf_counter()
    part = whole if len(work.positions) == len(whole) else whole.subset(work.positions)
    stream = model.shards(part, layers=work.layers, progress=progress)
    found = {layer: Evidence() for layer in stream.layers}
    for shard in stream:
        positions = [work.positions[index] for index in shard.indices]
        for layer, evidence in found.items():
            evidence.merge(Evidence.gather(shard.values[layer], positions, targets))
    return Done(work, found, time.perf_counter() - started, stream.computed)


class Models:
    """Loaded models, the latest used ones kept."""

    def __init__(self, load: Callable[[ModelCard], Model]) -> None:
        self._load = load
        self._loaded: OrderedDict[str, Model] = OrderedDict()

    def get(self, card: ModelCard) -> Model:
        """The loaded model.

        Raises:
            ZooError: it cannot be had or loaded.
        """
        if card.id not in self._loaded:
            self._loaded[card.id] = self._load(card)
        self._loaded.move_to_end(card.id)
        while len(self._loaded) > 1 and self._parameters() > KEPT_PARAMETERS:
            self._loaded.popitem(last=False)
        return self._loaded[card.id]

    def clear(self) -> None:
        """Let go of all of them."""
        self._loaded.clear()

    def _parameters(self) -> int:
        return sum(model.card.parameters or 0 for model in self._loaded.values())


class LocalExtractor:
    """Works in this process, one piece after the other.

    Args:
        deadline: ``time.monotonic()`` at which ``BudgetSpent`` is raised, between two batches at the latest; None for
            never.
    """

    def __init__(self, request: Request, targets: Targets, progress: Progress, deadline: float | None) -> None:
        from zoo.features import load

        self._request, self._targets = request, targets
        self._progress = Watched(progress, deadline)
        self._models = Models(
            lambda card: load(card, device=request.device, dtype=request.dtype, progress=self._progress)
        )

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; loads it if need be."""
        self._progress.check()
        return tuple(self._models.get(card).layers)

    def run(self, works: Sequence[Work]) -> Iterator[Done]:
        """The work done, in order."""
        for work in works:
            self._progress.check()
            started = time.perf_counter()
            try:
                yield carry_out(self._models.get(work.card), self._request.whole, work, self._targets, self._progress)
            except ZooError as error:
                yield Done(work, seconds=time.perf_counter() - started, error=error)

    def close(self) -> None:
        """Let go of the models."""
        self._models.clear()


class Watched:
    """Progress that looks at the clock whenever something has moved."""

    def __init__(self, progress: Progress, deadline: float | None) -> None:
        self._progress, self._deadline = progress, deadline

    def check(self) -> None:
        """Raise ``BudgetSpent`` where the time is up."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise BudgetSpent

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Any]:
        """A step of the progress behind it."""
        with self._progress.step(description, total) as step:
            yield _WatchedStep(step, self.check)


class _WatchedStep:
    def __init__(self, step: Any, check: Callable[[], None]) -> None:
        self._step, self._check = step, check

    def advance(self, amount: int = 1) -> None:
        self._step.advance(amount)
        self._check()
