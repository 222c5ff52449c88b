"""Features shard by shard, from the cache or from a forward pass, each distinct input once."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from zoo.contract.backbone import Backbone, Described, Progress
from zoo.entities import Dataset, FeatureRequest, FeatureShard
from zoo.errors import Interrupted
from zoo.features.batches import Remaining
from zoo.features.cache import RowCache
from zoo.features.cache.files import RowsFile
from zoo.features.computing import check_width, compute
from zoo.features.extraction import check_request
from zoo.features.item_digests import item_digests
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    import numpy as np


class FeatureStream:
    """Features of a data set in its order, ``request.shard_size`` samples at a time.

    Memory holds a shard and a block of rows; without a cache, also the rows of items that occur again.

    Args:
        model: the backbone, or its facts where it is not loaded.
        open_backbone: returns the backbone; called only if a forward pass is needed.
        cache: the cache to read and write; None for none.

    Attributes:
        computed: samples computed by a forward pass so far; the others were cached, or equal one of these.

    Raises:
        ZooError: as ``zoo.features.extraction.extract_shards`` and ``zoo.features.computing.checked``.
    """

    def __init__(
        self,
        model: Described,
        open_backbone: Callable[[], Backbone],
        dataset: Dataset,
        request: FeatureRequest,
        *,
        progress: Progress,
        cache: RowCache | None,
    ) -> None:
        self.layers = check_request(model, dataset, request)
        self.computed = 0
        self._model, self._open_backbone, self._dataset = model.card.id, open_backbone, dataset
        self._progress, self._cache = progress, cache
        self._shard_size = request.shard_size
        block = kind_of(model.input_kind).block_rows
        self._request = dataclasses.replace(request, layers=self.layers, shard_size=min(block, request.shard_size))

    def __iter__(self) -> Iterator[FeatureShard]:
        digests = item_digests(self._dataset.inputs)
        if digests is None:
            for shard in compute(self._open_backbone(), self._dataset, self._request, self._progress):
                self.computed += len(shard.indices)
                yield shard
            return
        first, item_of = _distinct(digests)
        last = _last_uses(item_of, len(first))
        rows = {layer: _Rows(layer, self._model, digests[first], last, self._cache) for layer in self.layers}
        with closing(self._missing(rows, first)) as blocks:
            for start in range(0, len(digests), self._shard_size):
                items = item_of[start : start + self._shard_size]
                try:
                    while any(found.lacks(items) for found in rows.values()):
                        next(blocks)
                except KeyboardInterrupt:
                    raise self._interrupted(rows, item_of) from None
                values = {layer: self._gather(found, items, first) for layer, found in rows.items()}
                yield FeatureShard(range(start, start + len(items)), values)
                for found in rows.values():
                    found.forget(start + len(items))

    def _interrupted(self, rows: dict[str, _Rows], item_of: np.ndarray) -> Interrupted:
        """How many samples have all their features on disk, in a sentence."""
        import numpy as np

        if self._cache is None:
            return Interrupted("Interrupted. No features were saved: the feature cache is off.")
        kept = int(np.all([found.on_disk()[item_of] for found in rows.values()], axis=0).sum())
        return Interrupted(
            f"Interrupted. The features of {kept:,} of {len(item_of):,} samples are saved; the same command "
            "continues from there."
        )

    def _missing(self, rows: dict[str, _Rows], first: np.ndarray) -> Generator[None]:
        """Compute the missing rows, a block at a time, and add them to ``rows``."""
        import numpy as np

        incomplete = tuple(layer for layer, found in rows.items() if (found.block < 0).any())
        if not incomplete:
            return
        items = np.flatnonzero(np.any([rows[layer].block < 0 for layer in incomplete], axis=0))
        for shard in self._computed(first[items], incomplete):
            done = items[np.asarray(shard.indices, dtype=np.int64)]
            for layer in incomplete:
                rows[layer].add(done, shard.values[layer])
            yield

    def _computed(self, places: np.ndarray, layers: Sequence[str]) -> Iterator[FeatureShard]:
        """Forward passes for the samples at ``places``, the positions that error messages give."""
        dataset, indices = self._dataset, places.tolist()
        if len(indices) < len(dataset):
            name = hashlib.sha256(f"{dataset.fingerprint}:{indices}".encode()).hexdigest()
            dataset = dataclasses.replace(
                dataset, inputs=Remaining(dataset.inputs, indices), targets=None, target_kind="none", fingerprint=name
            )
        request = dataclasses.replace(self._request, layers=tuple(layers), piecemeal=self._cache is not None)
        for shard in compute(self._open_backbone(), dataset, request, self._progress):
            self.computed += len(shard.indices)
            yield shard

    def _gather(self, found: _Rows, items: np.ndarray, first: np.ndarray) -> np.ndarray:
        values, gone = found.read(items)
        if len(gone):
            # Another process evicted the rows from the cache a moment ago.
            for shard in self._computed(first[gone], (found.layer,)):
                found.add(gone[list(shard.indices)], shard.values[found.layer], keep=False)
            values, _ = found.read(items)
        return values


class _Rows:
    """Locations of the rows of one layer, by distinct item: in files, or in memory.

    Attributes:
        block: for each item the number of the block that holds its row, or -1.
        row: the row in that block.
    """

    def __init__(self, layer: str, model: str, digests: np.ndarray, last: np.ndarray, cache: RowCache | None) -> None:
        import numpy as np

        self.layer = layer
        self._model, self._digests, self._last, self._cache = model, digests, last, cache
        self._blocks: list[RowsFile | np.ndarray | None] = []
        self._width = 0
        self.block, self.row = np.full(len(digests), -1, dtype=np.int64), np.zeros(len(digests), dtype=np.int64)
        if cache is not None:
            files, self.block, self.row = cache.find(layer, digests)
            self._blocks += files
            for file in files:
                self._check_width(file.dimension)

    def lacks(self, items: np.ndarray) -> bool:
        """Whether a row of ``items`` has yet to be computed."""
        return bool((self.block[items] < 0).any())

    def on_disk(self) -> np.ndarray:
        """For each distinct item, whether its row is kept in a file."""
        import numpy as np

        files = np.array([*(isinstance(block, RowsFile) for block in self._blocks), False])  # -1 is the last
        return files[self.block]

    def add(self, items: np.ndarray, values: np.ndarray, keep: bool = True) -> None:
        """Add computed rows, len(items) x d, and save them if there is a cache."""
        import numpy as np

        self._check_width(values.shape[1])
        kept = self._cache.keep(self.layer, self._digests[items], values) if self._cache and keep else None
        self.block[items], self.row[items] = len(self._blocks), np.arange(len(items))
        self._blocks.append(values if kept is None else kept)

    def read(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of ``items``, len(items) x d, float32, and those of the items whose file is gone, each once."""
        import numpy as np

        values = np.empty((len(items), self._width), dtype=np.float32)
        numbers, gone = self.block[items], [np.empty(0, dtype=np.int64)]
        for number in np.unique(numbers):
            places = np.flatnonzero(numbers == number)
            block = self._blocks[number]
            try:
                source = block.mapped() if isinstance(block, RowsFile) else block
            except (OSError, ValueError):
                gone.append(items[places])
                continue
            values[places] = source[self.row[items[places]]]
        return values, np.unique(np.concatenate(gone))

    def forget(self, done: int) -> None:
        """Release blocks in memory that no sample from ``done`` on needs."""
        needed = set(self.block[self._last >= done].tolist())
        for number, block in enumerate(self._blocks):
            if block is not None and not isinstance(block, RowsFile) and number not in needed:
                self._blocks[number] = None

    def _check_width(self, width: int) -> None:
        self._width = self._width or width
        check_width(self._width, width, self.layer, self._model)


def _distinct(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First position of each distinct digest, in order, and for each of the n digests its index among these."""
    import numpy as np

    _, first, item_of = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[item_of.reshape(-1)]


def _last_uses(item_of: np.ndarray, count: int) -> np.ndarray:
    """The last sample that needs each item."""
    import numpy as np

    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, item_of, np.arange(len(item_of)))
    return last
