"""Lets a plugin compute features, and checks that each sample occurs once and each layer has one width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.contract.backbone import Backbone, Progress
from zoo.entities import Dataset, FeatureRequest, FeatureShard
from zoo.errors import PluginError

if TYPE_CHECKING:
    import numpy as np


def compute(
    backbone: Backbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard]:
    """The checked features of the first plugin that answers ``zoo_extract_features``.

    Raises:
        PluginError: see ``checked``.
    """
    from zoo.plugins import plugins

    shards = plugins().first(
        "zoo_extract_features", backbone=backbone, dataset=dataset, request=request, progress=progress
    )
    return checked(shards, request.layers, len(dataset), backbone.card.id)


def checked(shards: Iterable[FeatureShard], layers: Sequence[str], count: int, model: str) -> Iterator[FeatureShard]:
    """The same shards, in their order, with float32 arrays.

    Raises:
        PluginError: samples or layers are missing, samples occur twice, or a layer's width changes.
    """
    import numpy as np

    seen = np.zeros(count, dtype=np.int64)
    widths: dict[str, int] = {}
    for shard in shards:
        rows = np.asarray(shard.indices, dtype=np.int64)
        values = {}
        for layer in layers:
            if layer not in shard.values:
                raise PluginError(f"The features of '{model}' lack the layer '{layer}'.")
            values[layer] = found = np.asarray(shard.values[layer], dtype=np.float32)
            check_rows(found, len(rows), layer, model)
            check_width(widths.setdefault(layer, found.shape[1]), found.shape[1], layer, model)
        if len(rows) and not (rows.min() >= 0 and rows.max() < count):
            raise PluginError(f"The features of '{model}' have indices outside the data set.")
        np.add.at(seen, rows, 1)
        if (seen[rows] > 1).any():
            break
        yield FeatureShard(shard.indices, values)
    if (seen != 1).any():
        wrong = int(np.flatnonzero(seen > 1)[0] if (seen > 1).any() else np.flatnonzero(seen == 0)[0])
        raise PluginError(f"The features of '{model}' have {seen[wrong]} rows for sample {wrong}; expected one.")


def check_rows(values: np.ndarray, count: int, layer: str, model: str) -> None:
    """Raise ``PluginError`` unless there is one vector for each of ``count`` samples."""
    if values.ndim != 2 or len(values) != count:
        raise PluginError(
            f"The features of '{model}' in layer '{layer}' have the shape {values.shape} for {count} samples; expected "
            "one row per sample."
        )


def check_width(expected: int, found: int, layer: str, model: str) -> None:
    """Raise ``PluginError`` if a layer returns vectors of a different length than before."""
    if expected != found:
        raise PluginError(
            f"'{model}' returns vectors of {expected} and of {found} numbers in its layer '{layer}'; expected one "
            "width.",
            "The fault is in the plugin that loads this model: 'zoo plugins' shows its version.",
        )
