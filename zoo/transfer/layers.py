"""Finds the layer of a model, or the mean of its layers, that transfers best, in one pass.

Each layer has statistics of its own, O(d^2 + K d) numbers, so that only one batch's features of all layers are in
memory at a time. Averaging the layers of a sample before estimating is recommended for language models by Garbas,
Ploner and Akbik, "TransformerRanker: A Tool for Efficiently Finding the Best-Suited Language Models for Downstream
Classification Tasks", NAACL 2025, as is taking the best layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from zoo.entities import FeatureShard
from zoo.errors import InvalidInput
from zoo.transfer.checks import check_features, check_finite, check_range, check_targets
from zoo.transfer.measure import find_estimator
from zoo.transfer.statistics import Statistics

MEAN = "mean of layers"


class LayerStatistics:
    """Statistics of several layers of one model over the same samples, and of the layers' mean.

    The mean is kept if all layers have the same dimension.

    Args:
        classes: number of classes K, or None for targets that are numbers or labels.
        outputs: number of numbers or labels per target, if ``classes`` is None.
        average: whether to keep the mean of the layers too.
    """

    def __init__(self, classes: int | None, outputs: int = 1, *, average: bool = True) -> None:
        self.classes, self.outputs, self.average = classes, outputs, average
        self.statistics: dict[str, Statistics] = {}

    def update(self, layers: Mapping[str, Any], targets: Any) -> LayerStatistics:
        """Add a batch: features of each layer, n x d, and the targets of the n samples. Returns itself.

        Raises:
            InvalidInput: layers or dimensions differ from before, there are none, or numbers of samples differ; or as
                ``Statistics.update``. Nothing is added then.
        """
        features = {name: check_features(values) for name, values in layers.items()}
        if not features:
            raise InvalidInput("There are no layers to compute statistics of.")
        if len({len(values) for values in features.values()}) > 1:
            counts = ", ".join(f"{len(values)} of {name}" for name, values in features.items())
            raise InvalidInput(f"The layers have features of different numbers of samples: {counts}.")
        dimensions = {values.shape[1] for values in features.values()}
        if self.average and len(features) > 1 and len(dimensions) == 1:
            with np.errstate(invalid="ignore"):  # Infinities are reported below, with their layer.
                features[MEAN] = np.mean([np.asarray(values, np.float64) for values in features.values()], axis=0)
        if self.statistics and features.keys() != self.statistics.keys():
            raise InvalidInput(f"The layers were {_names(self.statistics)}, and now they are {_names(features)}.")
        first = next(iter(self.statistics.values())).n if self.statistics else 0
        # All are checked before any is updated.
        for name, values in features.items():
            known = self.statistics.get(name)
            if known is not None and known.dimension != values.shape[1]:
                raise InvalidInput(f"The layer '{name}' had {known.dimension} dimensions, and now {values.shape[1]}.")
            check_finite(values, "features", first)
            check_range(values)
            checked = check_targets(targets, len(values), self.classes, first, self.outputs)
        for name, values in features.items():
            if name not in self.statistics:
                self.statistics[name] = Statistics(self.classes, values.shape[1], outputs=self.outputs)
            self.statistics[name].update(values, checked)
        return self

    def merge(self, other: LayerStatistics) -> LayerStatistics:
        """Add another shard's samples. Returns itself.

        Raises:
            InvalidInput: other layers, classes or dimensions.
        """
        if not self.statistics:
            self.statistics = {name: part.copy() for name, part in other.statistics.items()}
            return self
        if other.statistics and other.statistics.keys() != self.statistics.keys():
            raise InvalidInput(f"The layers are {_names(self.statistics)} here and {_names(other.statistics)} there.")
        # Each is first merged into empty statistics, so that a layer that does not fit leaves all as they were.
        for name, part in other.statistics.items():
            mine = self.statistics[name]
            Statistics(mine.classes, mine.dimension, mine.full_dimension, mine.outputs).merge(part)
        for name, part in other.statistics.items():
            self.statistics[name].merge(part)
        return self

    def score(self, estimator: str = "logme") -> dict[str, float]:
        """The value of each layer, and of their mean, by an estimator that works from statistics.

        Raises:
            InvalidInput: unknown estimator, or one that needs the samples.
        """
        found = find_estimator(estimator)
        if found.from_statistics is None:
            raise InvalidInput(
                f"The estimator '{estimator}' cannot evaluate streamed layers: it needs all samples at once.",
                "Choose one that works from statistics, such as logme or hscore.",
            )
        return {name: float(found.from_statistics(part)) for name, part in self.statistics.items()}

    def best(self, estimator: str = "logme") -> tuple[str, float]:
        """The layer of the highest value, and the value; of equal ones the first.

        Raises:
            InvalidInput: as ``score``; or nothing was added yet.
        """
        scores = self.score(estimator)
        if not scores:
            raise InvalidInput("There are no layers to choose from: no features were added.")
        name = max(scores, key=lambda layer: scores[layer])
        return name, scores[name]


def stream_layers(
    shards: Iterable[FeatureShard], targets: Any, classes: int | None, *, average: bool = True
) -> LayerStatistics:
    """Statistics of every layer in feature shards, as ``zoo_extract_features`` yields them, shard by shard.

    Args:
        shards: with all requested layers.
        targets: of all samples of the data set; a shard's indices pick its own.
        classes: number of classes K, or None.
        average: whether to keep the mean of the layers too.

    Raises:
        InvalidInput: as ``LayerStatistics.update``.
    """
    targets = np.asarray(targets)
    outputs = targets.shape[1] if targets.ndim == 2 else 1
    layers = LayerStatistics(classes, outputs, average=average)
    for shard in shards:
        layers.update(shard.values, targets[np.asarray(shard.indices)])
    return layers


def _names(layers: Iterable[str]) -> str:
    return ", ".join(layers)
