"""The core's extraction: batches prepared ahead of the forward pass, features shard by shard in data set order."""

from __future__ import annotations

import collections
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.compute import counted
from zoo.contract.backbone import PROBABILITIES, Backbone, Classifier, Described, Progress
from zoo.entities import Dataset, FeatureRequest, FeatureShard
from zoo.errors import DataError, InvalidInput, UnsupportedModel, suggest
from zoo.features.batches import Batch, Limits, Preparation, place_of
from zoo.features.computing import check_rows, check_width
from zoo.features.memory import keep_freed_memory
from zoo.features.processes import worthwhile
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

MOST_SAMPLES = {"cpu": 128, "accelerator": 2048}
"""Maximum number of samples per batch, where tokens are counted."""

QUEUED = 2
"""Batches queued on an accelerator before the features of the first are read, so that it never waits."""

PIECE_SECONDS = 20.0
"""Seconds after which a partial shard is yielded, where shards may come in pieces."""

AHEAD = 2
"""Prepared batches that wait for a forward pass on the CPU; for an accelerator as many as there are threads."""

MAX_THREADS = 8
"""Number of threads beyond which they wait for each other."""


def extract_shards(
    backbone: Backbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard]:
    """Features of a data set, float32, in data set order, ``request.shard_size`` samples at a time.

    A sample's features do not depend on the batch that it is in, up to rounding. A batch that does not fit into memory
    is halved, and so are all after it.

    Raises:
        InvalidInput: a layer that the backbone does not have, or a size below 1.
        DataError: nothing to extract from, a sample that cannot be prepared, or one whose features are not finite.
        UnsupportedModel: the model takes another kind of input, or not even one sample fits into memory.
    """
    layers = check_request(backbone, dataset, request)
    keep_freed_memory()
    return _shards(backbone, dataset, layers, request, progress)


def check_request(backbone: Described, dataset: Dataset, request: FeatureRequest) -> tuple[str, ...]:
    """The layers to extract, by default the backbone's last one; raises as ``extract_shards`` does."""
    sizes = (request.batch_size, request.shard_size, *([] if request.batch_tokens is None else [request.batch_tokens]))
    if min(sizes) < 1:
        raise InvalidInput("A batch and a shard need at least one sample.", "Leave --batch-size out for the default.")
    if not len(dataset):
        raise DataError(f"'{dataset.name}' has no samples.")
    if dataset.input_kind != backbone.input_kind:
        raise UnsupportedModel(
            f"'{backbone.card.id}' takes {backbone.input_kind} inputs; '{dataset.name}' contains {dataset.input_kind}.",
            "Choose a model of the data's own kind: zoo search --domain DOMAIN",
        )
    if not backbone.layers:
        raise UnsupportedModel(
            f"'{backbone.card.id}' produces outputs only; it has no feature layers.",
            f"Run it with zoo predict; a model that its platform trains has a strategy of its own, such as: "
            f"zoo tune {backbone.card.id} DATA --strategy fine-tuning-job",
        )
    for layer in request.layers:
        if layer == PROBABILITIES and layer not in backbone.layers:
            if not (isinstance(backbone, Classifier) and backbone.source_classes):
                raise UnsupportedModel(
                    f"'{backbone.card.id}' has no classifier and therefore no probabilities of source "
                    "classes, which leep and nce need.",
                    "Leave it out, or choose an estimator that uses features, such as nleep.",
                )
        elif layer not in backbone.layers:
            raise InvalidInput(
                f"'{backbone.card.id}' has no layer '{layer}'.",
                suggest(layer, backbone.layers) or f"Layers: {', '.join(backbone.layers)}.",
            )
    return tuple(dict.fromkeys(request.layers)) or (backbone.layers[-1],)


def default_limits(model: Described, device: str) -> tuple[int, int | None]:
    """Default samples per batch, and tokens where samples have lengths."""
    kind, where = kind_of(model.input_kind), "cpu" if device == "cpu" else "accelerator"
    if where in kind.batch_tokens:
        return MOST_SAMPLES[where], kind.batch_tokens[where]
    return kind.batch_sizes[where], None


def _shards(
    backbone: Backbone, dataset: Dataset, layers: tuple[str, ...], request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard]:
    count, size = len(dataset), request.shard_size
    blocks = [range(start, min(start + size, count)) for start in range(0, count, size)]
    limits = Limits(request.batch_size, request.batch_tokens)
    processes = worthwhile(request.device, count, backbone)
    threads = processes or _threads(request.device)
    ahead = AHEAD if request.device == "cpu" else max(AHEAD, threads)
    pinned = request.device.startswith("cuda")
    with (
        closing(Preparation(backbone, dataset, threads, ahead, pinned=pinned, processes=processes)) as preparation,
        progress.step(f"Extracting features with {backbone.card.id}", total=count) as step,
    ):
        forward = _Forward(backbone, layers, preparation, limits)
        results = (result for batch in preparation.batches(blocks, limits) for result in forward(batch))
        sent = ((positions, _Sent(found)) for positions, found in results)
        shard, since = _Shard(blocks[0], backbone.card.id), time.monotonic()
        try:
            for positions, found in _delayed(sent, 0 if request.device == "cpu" else QUEUED):
                shard.store(positions, found.arrived())
                step.advance(len(positions))
                long = request.piecemeal and time.monotonic() - since > PIECE_SECONDS
                if shard.missing and not long:
                    continue
                piece = shard.taken()
                _check_finite(piece, backbone, dataset)
                yield piece
                since = time.monotonic()
                if not shard.missing and shard.positions.stop < count:
                    shard = _Shard(blocks[shard.positions.start // size + 1], backbone.card.id)
        except KeyboardInterrupt:
            if request.piecemeal and len((piece := shard.taken()).indices):
                _check_finite(piece, backbone, dataset)
                yield piece
            raise


class _Forward:
    """The forward pass; a batch that does not fit into memory is halved, and so are the limits of later ones."""

    def __init__(self, backbone: Backbone, layers: tuple[str, ...], preparation: Preparation, limits: Limits) -> None:
        self._backbone, self._layers, self._preparation, self._limits = backbone, layers, preparation, limits

    def __call__(self, batch: Batch) -> Iterator[tuple[Sequence[int], Mapping[str, Any]]]:
        positions = batch.positions
        if len(positions) == 1 or batch.cost <= (self._limits.cost or batch.cost):
            try:
                with self._preparation.paused(), counted("features", batch.collated, len(positions)):
                    found = self._backbone.features(batch.collated, self._layers)
            except _out_of_memory() as error:
                if len(positions) == 1:
                    raise UnsupportedModel(
                        f"Not even one sample fits into memory beside '{self._backbone.card.id}'.",
                        "Choose a smaller model, or one with more memory: --device cpu",
                    ) from error
            else:
                yield positions, found
                return
            self._limits.lower((batch.cost + 1) // 2)
            _free_cached_memory()
        del batch
        half = (len(positions) + 1) // 2
        for part in (positions[:half], positions[half:]):
            yield from self(self._preparation.batch(part))


class _Shard:
    """The features of a block of samples, filled batch by batch.

    Attributes:
        values: by layer, len(positions) x d, float32.
        missing: samples that have none yet.
    """

    def __init__(self, positions: range, model: str) -> None:
        self.positions, self._model = positions, model
        self.values: dict[str, np.ndarray] = {}
        self.missing = len(positions)
        self._stored: list[int] = []  # filled positions that were not taken yet

    def store(self, positions: Sequence[int], found: Mapping[str, Any]) -> None:
        """Put a batch's features in their places.

        Raises:
            PluginError: a layer's width changes, or there is not one row for each sample.
        """
        import numpy as np

        places = np.asarray(positions) - self.positions.start
        for layer, values in found.items():
            rows = _to_numpy(values)
            check_rows(rows, len(positions), layer, self._model)
            if layer not in self.values:
                self.values[layer] = np.empty((len(self.positions), rows.shape[1]), dtype=np.float32)
            check_width(self.values[layer].shape[1], rows.shape[1], layer, self._model)
            self.values[layer][places] = rows
        self.missing -= len(positions)
        self._stored += places.tolist()

    def taken(self) -> FeatureShard:
        """The rows filled since the last call, in order."""
        places, self._stored = sorted(self._stored), []
        if len(places) == len(self.positions):
            return FeatureShard(self.positions, self.values)
        return FeatureShard(
            [self.positions[place] for place in places], {layer: rows[places] for layer, rows in self.values.items()}
        )


class _Sent:
    """Features being copied to main memory: on CUDA the copy is queued behind the pass that computes them.

    A later copy would wait for all passes queued since.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found, self._done = found, None
        if any(getattr(values, "is_cuda", False) for values in found.values()):
            self._found = {layer: values.float().to("cpu", non_blocking=True) for layer, values in found.items()}
            self._done = sys.modules["torch"].cuda.Event()
            self._done.record(sys.modules["torch"].cuda.current_stream(next(iter(found.values())).device))

    def arrived(self) -> Mapping[str, Any]:
        """The features, once they are copied."""
        if self._done is not None:
            self._done.synchronize()
        return self._found


def _delayed(results: Iterator[T], count: int) -> Iterator[T]:
    """The same results, each ``count`` later: an accelerator computes while earlier features are copied."""
    waiting: collections.deque[T] = collections.deque()
    for result in results:
        waiting.append(result)
        if len(waiting) > count:
            yield waiting.popleft()
    yield from waiting


def _to_numpy(values: Any) -> np.ndarray:
    import numpy as np

    if hasattr(values, "detach"):
        # NumPy has no bfloat16, so the tensor is widened first.
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype=np.float32)


def _check_finite(shard: FeatureShard, backbone: Backbone, dataset: Dataset) -> None:
    import numpy as np

    for layer, rows in shard.values.items():
        # A sum is finite only if every summand is, and needs no array of flags.
        if np.isfinite(rows.sum(dtype=np.float64)):
            continue
        broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise DataError(
            f"'{backbone.card.id}' returns features that are not finite for sample "
            f"{place_of(dataset, shard.indices[int(broken[0])])} of "
            f"'{dataset.name}' in layer '{layer}' ({len(broken)} such samples in {len(rows)}).",
            "Check that sample; with --dtype float16 or bfloat16, try float32.",
        )


def _threads(device: str) -> int:
    """Threads that prepare batches; on the CPU they share the cores with the forward pass."""
    cores = os.cpu_count() or 1
    return 1 if device == "cpu" and cores <= 2 else max(1, min(MAX_THREADS, cores - 1))


def _out_of_memory() -> tuple[type[BaseException], ...]:
    torch = sys.modules.get("torch")
    return (MemoryError, torch.OutOfMemoryError) if torch else (MemoryError,)


def _free_cached_memory() -> None:
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.empty_cache()
