"""The core's extraction: batches prepared ahead of the forward pass, features shard by shard in data set order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from zoo.entities import Dataset, FeatureRequest, FeatureShard, Subset
from zoo.errors import DataError, InvalidInput, UnsupportedModel, suggest
from zoo.features.batches import Preparation
from zoo.features.memory import keep_freed_memory
from zoo.protocols import Backbone, Described, Progress

if TYPE_CHECKING:
    import numpy as np

BATCH_SIZE = 64
"""Samples a batch on an accelerator."""

CPU_BATCH_SIZES = {"image": 16, "text": 32}
"""Samples a batch on a CPU, where large batches only take the activations out of the caches."""

AHEAD = 2
"""Batches that wait, ready, for the forward pass."""

MAX_THREADS = 8
"""More threads than this wait for each other."""


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
    if request.device == "cpu":
        keep_freed_memory()
    return _shards(backbone, dataset, layers, request, progress)


class Remaining(Subset):
    """The items of a data set that have yet to be computed; messages name them by their place in all of it."""


def place_of(dataset: Dataset, position: int) -> int:
    """Where a sample stands in the data set that the user knows."""
    inputs = dataset.inputs
    return int(inputs.indices[position]) if isinstance(inputs, Remaining) else position


def check_request(backbone: Described, dataset: Dataset, request: FeatureRequest) -> tuple[str, ...]:
    """The layers to extract, the backbone's last one where none is asked for; raises as ``extract_shards`` does."""
    if request.batch_size < 1 or request.shard_size < 1:
        raise InvalidInput("A batch and a shard hold at least one sample.", "Leave --batch-size out for the default.")
    if not len(dataset):
        raise DataError(f"'{dataset.name}' holds no samples.")
    if dataset.input_kind != backbone.input_kind:
        raise UnsupportedModel(
            f"'{backbone.card.id}' takes {backbone.input_kind} inputs and '{dataset.name}' holds {dataset.input_kind}.",
            "Choose a model of the data's own kind: zoo search --domain DOMAIN",
        )
    for layer in request.layers:
        if layer not in backbone.layers:
            raise InvalidInput(
                f"'{backbone.card.id}' has no layer '{layer}'.",
                suggest(layer, backbone.layers) or f"Layers: {', '.join(backbone.layers)}.",
            )
    return tuple(dict.fromkeys(request.layers)) or (backbone.layers[-1],)


def default_batch_size(backbone: Described, device: str) -> int:
    """Samples a batch where nobody asks for another number."""
    return CPU_BATCH_SIZES.get(backbone.input_kind, BATCH_SIZE) if device == "cpu" else BATCH_SIZE


def _shards(
    backbone: Backbone, dataset: Dataset, layers: tuple[str, ...], request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard]:
    count, size = len(dataset), request.batch_size
    with (
        closing(Preparation(backbone, dataset, _threads(request.device), AHEAD)) as preparation,
        progress.step(f"Extracting features with {backbone.card.id}", total=count) as step,
    ):
        forward = _Forward(backbone, layers, preparation)
        for start in range(0, count, request.shard_size):
            stop = min(start + request.shard_size, count)
            values: dict[str, np.ndarray] = {}
            for positions, batch in preparation.batches(range(start, stop), min(size, forward.largest or size)):
                for done, found in forward(positions, batch):
                    _store(values, found, [position - start for position in done], stop - start)
                    step.advance(len(done))
            _check_finite(values, start, backbone, dataset)
            yield FeatureShard(range(start, stop), values)


class _Forward:
    """The forward pass, halving batches that do not fit into memory.

    Attributes:
        largest: most samples that a batch may hold since memory ran out; None until then.
    """

    def __init__(self, backbone: Backbone, layers: tuple[str, ...], preparation: Preparation) -> None:
        self._backbone, self._layers, self._preparation = backbone, layers, preparation
        self.largest: int | None = None

    def __call__(self, positions: Sequence[int], batch: Any) -> Iterator[tuple[Sequence[int], Mapping[str, Any]]]:
        if self.largest is None or len(positions) <= self.largest:
            try:
                found = self._backbone.features(batch, self._layers)
            except _out_of_memory() as error:
                if len(positions) == 1:
                    raise UnsupportedModel(
                        f"Not even one sample fits into memory beside '{self._backbone.card.id}'.",
                        "Choose a smaller model, or one with more memory: --device cpu",
                    ) from error
            else:
                yield positions, found
                return
            self.largest = min(self.largest or len(positions), (len(positions) + 1) // 2)
            _free_cached_memory()
        del batch
        half = (len(positions) + 1) // 2
        for part in (positions[:half], positions[half:]):
            yield from self(part, self._preparation.batch(part))


def _store(values: dict[str, np.ndarray], found: Mapping[str, Any], rows: Sequence[int], count: int) -> None:
    import numpy as np

    for layer, batch_values in found.items():
        rows_found = _to_numpy(batch_values)
        if layer not in values:
            values[layer] = np.empty((count, rows_found.shape[1]), dtype=np.float32)
        values[layer][rows] = rows_found


def _to_numpy(values: Any) -> np.ndarray:
    import numpy as np

    if hasattr(values, "detach"):
        # NumPy has no bfloat16, so the tensor is widened first.
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype=np.float32)


def _check_finite(values: Mapping[str, np.ndarray], start: int, backbone: Backbone, dataset: Dataset) -> None:
    import numpy as np

    for layer, rows in values.items():
        # A sum is finite only if every summand is, and needs no array of flags.
        if np.isfinite(rows.sum(dtype=np.float64)):
            continue
        broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise DataError(
            f"'{backbone.card.id}' gives features that are not finite for sample "
            f"{place_of(dataset, start + int(broken[0]))} of "
            f"'{dataset.name}' in layer '{layer}' ({len(broken)} such samples in {len(rows)}).",
            "Look at that sample; with --dtype float16 or bfloat16, try float32.",
        )


def _threads(device: str) -> int:
    """Threads that prepare batches; beside a forward pass on the CPU they take turns with it on the same cores."""
    cores = os.cpu_count() or 1
    return 1 if device == "cpu" and cores <= 2 else max(1, min(MAX_THREADS, cores - 1))


def _out_of_memory() -> tuple[type[BaseException], ...]:
    torch = sys.modules.get("torch")
    return (MemoryError, torch.OutOfMemoryError) if torch else (MemoryError,)


def _free_cached_memory() -> None:
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.empty_cache()
