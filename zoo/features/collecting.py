"""Features of a whole data set in one table by layer, from the stream of their shards."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.compute import metering
from zoo.contract.backbone import Backbone, Progress, SilentProgress
from zoo.entities import Dataset, FeatureRequest, Features, FeatureShard, ModelCard
from zoo.features.cache import RowCache, row_cache
from zoo.features.cache.identity import identity_of
from zoo.features.provenance import provenance
from zoo.features.stream import FeatureStream
from zoo.kinds.known import kind_of
from zoo.provenance import feature_versions

if TYPE_CHECKING:
    import numpy as np


def extract(
    backbone: Backbone,
    dataset: Dataset,
    request: FeatureRequest,
    progress: Progress | None = None,
    *,
    revision: str | None = None,
    dtype: str = "float32",
    cache: bool = True,
) -> dict[str, Features]:
    """Features by layer: cached ones, and for the rest those of the first plugin that extracts them.

    Args:
        request: layers, batch size and device.
        revision: version of the model's files, for the provenance.
        cache: whether to read and write the feature cache; it is used only for models loaded by ``load``.

    Raises:
        ZooError: as ``zoo.features.extraction.extract_shards``.
        PluginError: a plugin skipped samples or layers, or returned some twice.
    """
    kept = cache_of(backbone) if cache else None
    stream = FeatureStream(
        backbone, lambda: backbone, dataset, request, progress=progress or SilentProgress(), cache=kept
    )
    return collected(
        stream,
        dataset,
        backbone.card,
        revision=revision,
        device=request.device,
        dtype=dtype,
        versions=feature_versions(backbone),
    )


def collect(shards: Iterable[FeatureShard], layers: Sequence[str], count: int) -> Mapping[str, np.ndarray]:
    """The rows of all shards in data set order, by layer: float32, count x d."""
    import numpy as np

    values: dict[str, np.ndarray] = {}
    for shard in shards:
        rows = np.asarray(shard.indices)
        for layer in layers:
            if layer not in values:
                values[layer] = np.empty((count, shard.values[layer].shape[1]), dtype=np.float32)
            values[layer][rows] = shard.values[layer]
    return values


def collected(
    stream: FeatureStream,
    dataset: Dataset,
    card: ModelCard,
    *,
    revision: str | None,
    device: str,
    dtype: str,
    versions: Mapping[str, str],
) -> dict[str, Features]:
    """The features of a stream's layers, with their targets and provenance."""

    started = time.perf_counter()
    with metering() as meter:
        values = collect(stream, stream.layers, len(dataset))
        meter.cached += len(dataset) - stream.computed
    seconds = time.perf_counter() - started
    kind = kind_of(dataset.target_kind)
    targets = kind.array(dataset.targets) if dataset.targets is not None and kind.estimable else None
    return {
        layer: Features(
            card.id,
            layer,
            values[layer],
            targets,
            tuple(dataset.classes),
            provenance(
                card,
                dataset,
                layer=layer,
                device=device,
                dtype=dtype,
                seconds=seconds,
                revision=revision,
                computed=stream.computed,
                versions=versions,
                compute=meter.record(device),
            ),
        )
        for layer in stream.layers
    }


def cache_of(backbone: Backbone) -> RowCache | None:
    """The cache of a model loaded by ``load``; None for other models, and if the weights have changed since."""
    identity = identity_of(backbone)
    return None if identity is None else row_cache(identity)
