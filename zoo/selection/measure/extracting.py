"""Extraction in this process: models are loaded when needed and kept while they fit; features become statistics."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from zoo.entities import Dataset, ModelCard
from zoo.errors import ZooError
from zoo.selection.measure.layer_statistics import LayerStatistics, Targets

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features import Model
    from zoo.selection.measure.plan import MeasurementPlan

SHARD = 1024
"""Maximum samples per shard; the data are divided the same way everywhere, so that batches are the same."""

KEPT_PARAMETERS = 500_000_000
"""Maximum number of parameters of all loaded models together, 2 GB in float32."""


class BudgetSpent(BaseException):
    """The time is up. Like ``KeyboardInterrupt``, it is not an ``Exception``, so error handlers do not catch it."""


@dataclass(frozen=True)
class ShardTask:
    """One shard of one model: which layers of which samples.

    Attributes:
        positions: of the samples in the data set, ascending.
    """

    card: ModelCard
    layers: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True)
class ShardResult:
    """The statistics of a shard by layer, or the error of its extraction.

    Attributes:
        seconds: duration, on the machine that did it.
        passes: forward passes; fewer than samples if features were cached or inputs are repeated.
        versions: of everything that the features depend on.
    """

    task: ShardTask
    statistics: Mapping[str, LayerStatistics] = field(default_factory=dict)
    seconds: float = 0.0
    passes: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    error: ZooError | None = None


class Extractor(Protocol):
    """Extracts shards, in this process or on workers."""

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; loads it if necessary. Raises ``ZooError`` if it cannot be loaded."""
        ...

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """The results, in any order; a task that fails has its error in its own ``ShardResult``."""
        ...

    def close(self) -> None:
        """Release models and workers."""
        ...


def shards(positions: Sequence[int]) -> list[tuple[int, ...]]:
    """Positions in the order of the data, in shards of equal size of at most ``SHARD``."""
    ordered = sorted(positions)
    pieces = -(-len(ordered) // SHARD)
    return [tuple(ordered[len(ordered) * k // pieces : len(ordered) * (k + 1) // pieces]) for k in range(pieces)]


def extract_shard(model: Model, dataset: Dataset, task: ShardTask, targets: Targets, progress: Progress) -> ShardResult:
    """Extract one shard and compute its statistics; cached features need no forward pass.

    Raises:
        ZooError: the model cannot run on these samples.
    """
    started = time.perf_counter()
    part = dataset if len(task.positions) == len(dataset) else dataset.subset(task.positions)
    stream = model.shards(part, layers=task.layers, progress=progress)
    found = {layer: LayerStatistics() for layer in stream.layers}
    for shard in stream:
        positions = [task.positions[index] for index in shard.indices]
        for layer, statistics in found.items():
            statistics.merge(LayerStatistics.of(shard.values[layer], positions, targets))
    return ShardResult(task, found, time.perf_counter() - started, stream.computed, model.versions)


class Models:
    """Loaded models; the most recently used ones are kept."""

    def __init__(self, load: Callable[[ModelCard], Model]) -> None:
        self._load = load
        self._loaded: OrderedDict[str, Model] = OrderedDict()

    def get(self, card: ModelCard) -> Model:
        """The loaded model.

        Raises:
            ZooError: it cannot be downloaded or loaded.
        """
        if card.id not in self._loaded:
            self._loaded[card.id] = self._load(card)
        self._loaded.move_to_end(card.id)
        while len(self._loaded) > 1 and self._parameters() > KEPT_PARAMETERS:
            self._loaded.popitem(last=False)
        return self._loaded[card.id]

    def clear(self) -> None:
        """Release all of them."""
        self._loaded.clear()

    def _parameters(self) -> int:
        return sum(model.card.parameters or 0 for model in self._loaded.values())


class LocalExtractor:
    """Extracts in this process, one shard at a time.

    Args:
        deadline: ``time.monotonic()`` at which ``BudgetSpent`` is raised, between two batches at the latest; None for
            never.
    """

    def __init__(self, plan: MeasurementPlan, targets: Targets, progress: Progress, deadline: float | None) -> None:
        from zoo.features import load

        self._plan, self._targets = plan, targets
        self._progress = CheckedProgress(progress, deadline)
        self._models = Models(
            lambda card: load(
                card,
                device=plan.device,
                dtype=plan.dtype,
                action="recommend",
                task=plan.task.name,
                progress=self._progress,
            )
        )

    def layers(self, card: ModelCard) -> tuple[str, ...]:
        """All layers of a model; loads it if necessary."""
        self._progress.check()
        return tuple(self._models.get(card).layers)

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """The results, in order."""
        for task in tasks:
            self._progress.check()
            started = time.perf_counter()
            try:
                yield extract_shard(
                    self._models.get(task.card), self._plan.dataset, task, self._targets, self._progress
                )
            except ZooError as error:
                yield ShardResult(task, seconds=time.perf_counter() - started, error=error)

    def close(self) -> None:
        """Release the models."""
        self._models.clear()


class CheckedProgress:
    """Progress that checks the deadline at each advance."""

    def __init__(self, progress: Progress, deadline: float | None) -> None:
        self._progress, self._deadline = progress, deadline

    def check(self) -> None:
        """Raise ``BudgetSpent`` past the deadline."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise BudgetSpent

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Any]:
        """A step of the wrapped progress."""
        with self._progress.step(description, total) as step:
            yield _CheckedStep(step, self.check)


class _CheckedStep:
    def __init__(self, step: Any, check: Callable[[], None]) -> None:
        self._step, self._check = step, check

    def advance(self, amount: int = 1) -> None:
        self._step.advance(amount)
        self._check()
