"""A loaded model: its card, its backbone, features and predictions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from zoo.contract.backbone import Backbone, Described, Progress, SilentProgress
from zoo.entities import Dataset, FeatureRequest, Features, FeatureShard, ModelCard
from zoo.errors import UnsupportedModel
from zoo.features.cache import Facts, RowCache, row_cache
from zoo.features.cache.identity import Identity, identity_of
from zoo.features.extraction import default_limits
from zoo.features.provenance import provenance
from zoo.features.stream import FeatureStream
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    import numpy as np


class Model:
    """A model whose files are downloaded and verified.

    Its weights are read when the backbone is first needed; a model that was never loaded before is loaded at once.

    Attributes:
        revision: version of the files.
        device: the device that it runs on: ``cpu``, ``cuda``, ``mps``.
        dtype: precision of its weights.

    Args:
        backbone: the backbone, or a function that loads it.
        known: the facts of the model from an earlier load, and its identity in the feature cache.
    """

    def __init__(
        self,
        card: ModelCard,
        backbone: Backbone | Callable[[], Backbone],
        revision: str | None = None,
        *,
        device: str = "cpu",
        dtype: str = "float32",
        known: tuple[Facts, Identity] | None = None,
    ) -> None:
        self.card, self.revision, self.device, self.dtype = card, revision, device, dtype
        self._known = known
        self._open: Callable[[], Backbone] | None = backbone if known is not None else None  # type: ignore[assignment]
        self._backbone: Backbone | None = None if known is not None else backbone  # type: ignore[assignment]
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"<Model {self.card.id}, {self.facts.embedding_dimension} dimensions, on {self.device}>"

    @property
    def backbone(self) -> Backbone:
        """The backbone, loaded where it is not yet.

        Raises:
            ZooError: as ``zoo.features.load``.
        """
        with self._opening:
            if self._backbone is None:
                assert self._open is not None
                self._backbone = self._open()
            return self._backbone

    @property
    def facts(self) -> Described:
        """Card, kind of input, layers and dimensions, without loading the model."""
        if self._backbone is None and self._known is not None:
            return self._known[0]
        return self.backbone

    @property
    def layers(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last is the default."""
        return self.facts.layers

    @overload
    def extract(
        self,
        data: Dataset | str,
        layers: tuple[()] = ...,
        batch_size: int | None = ...,
        progress: Progress | None = ...,
        *,
        cache: bool = ...,
        **reading: Any,
    ) -> Features: ...

    @overload
    def extract(
        self,
        data: Dataset | str,
        layers: Sequence[str],
        batch_size: int | None = ...,
        progress: Progress | None = ...,
        *,
        cache: bool = ...,
        **reading: Any,
    ) -> Features | dict[str, Features]: ...

    def extract(
        self,
        data: Dataset | str,
        layers: Sequence[str] = (),
        batch_size: int | None = None,
        progress: Progress | None = None,
        *,
        cache: bool = True,
        **reading: Any,
    ) -> Features | dict[str, Features]:
        """Features of a data set; with several layers, a dictionary of them by layer.

        Args:
            data: a data set, or its name: a folder, a table, a packaged data set.
            layers: layer names; none means the backbone's last one.
            batch_size: samples per batch; halved where memory runs out. None takes the default of the device.
            cache: read and write the feature cache.
            reading: ``input_column``, ``target_column``, ``on_problem`` and ``task`` as in ``zoo.read``.

        Raises:
            ZooError: the data cannot be read, is of another kind than the model takes, or gives no finite features.
        """
        from zoo.data.arguments import check_reading

        check_reading(self.extract, data, reading)
        dataset = read_for(self.card, data, **reading) if isinstance(data, str) else data
        stream = self.shards(dataset, layers, batch_size, progress, cache=cache)
        found = _collected(stream, dataset, self.card, revision=self.revision, device=self.device, dtype=self.dtype)
        return found if len(found) > 1 else next(iter(found.values()))

    def shards(
        self,
        data: Dataset | str,
        layers: Sequence[str] = (),
        batch_size: int | None = None,
        progress: Progress | None = None,
        *,
        shard_size: int = 4096,
        cache: bool = True,
        **reading: Any,
    ) -> FeatureStream:
        """The same features shard by shard, in the order of the data, all layers from one pass.

        For uses that need no table of all samples, such as statistics: memory does not grow with the data. Iterate
        over the stream once.

        Args:
            shard_size: samples per shard.

        Raises:
            ZooError: as ``extract``.
        """
        from zoo.data.arguments import check_reading

        check_reading(self.shards, data, reading)
        dataset = read_for(self.card, data, **reading) if isinstance(data, str) else data
        size, tokens = (batch_size, None) if batch_size else default_limits(self.facts, self.device)
        request = FeatureRequest(tuple(layers), size, self.device, shard_size, tokens)
        kept = self._cache() if cache else None
        return FeatureStream(
            self.facts, lambda: self.backbone, dataset, request, progress=progress or SilentProgress(), cache=kept
        )

    def predict(self, inputs: Sequence[Any], task: str | None = None, labels: Sequence[str] = ()) -> list[Any]:
        """Outputs of the model on its own task, one for each input; for classifiers, labels with their scores.

        Args:
            inputs: decoded inputs: ``PIL.Image`` for images, ``str`` for texts.
            task: task name; the first of the card's where it is None.
            labels: the classes that a zero-shot model chooses from; others have their own.

        Raises:
            UnsupportedModel: the model has no such output of its own.
        """
        from zoo.plugins import plugins

        tasks = (task,) if task else self.card.tasks or ("",)
        for name in tasks:
            outputs = plugins().first("zoo_predict", backbone=self.backbone, inputs=inputs, task=name, labels=labels)
            if outputs is not None:
                return list(outputs)
        purpose = f"the task '{task}'" if task else "a task of its own"
        raise UnsupportedModel(
            f"'{self.card.id}' has no output for {purpose}; it has features only.",
            f"Train it for one: zoo tune {self.card.id} DATA",
        )

    def _cache(self) -> RowCache | None:
        if self._backbone is not None:
            return _cache_of(self._backbone)
        return row_cache(self._known[1]) if self._known else None


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
    """Features by layer, from the cache or by the first plugin that extracts them.

    Args:
        request: layers, batch size and device.
        revision: version of the model's files, for the provenance.
        cache: read and write the feature cache; only models that ``load`` loaded are cached.

    Raises:
        ZooError: as ``zoo.features.extraction.extract_shards``.
        PluginError: a plugin omitted samples or layers, or returned some twice.
    """
    kept = _cache_of(backbone) if cache else None
    stream = FeatureStream(
        backbone, lambda: backbone, dataset, request, progress=progress or SilentProgress(), cache=kept
    )
    return _collected(stream, dataset, backbone.card, revision=revision, device=request.device, dtype=dtype)


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


def _collected(
    stream: FeatureStream, dataset: Dataset, card: ModelCard, *, revision: str | None, device: str, dtype: str
) -> dict[str, Features]:

    started = time.perf_counter()
    values = collect(stream, stream.layers, len(dataset))
    seconds = time.perf_counter() - started
    targets = None
    kind = kind_of(dataset.target_kind)
    if dataset.targets is not None and kind.estimable:
        targets = kind.array(dataset.targets)
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
            ),
        )
        for layer in stream.layers
    }


def _cache_of(backbone: Backbone) -> RowCache | None:
    identity = identity_of(backbone)
    return None if identity is None else row_cache(identity)


def read_for(card: ModelCard, reference: str, **reading: Any) -> Dataset:
    """A data set as a model takes it: as the kind of its task, where files are read as another kind otherwise.

    Features need no labels: a table of which no column looks like any is read without.

    Raises:
        DataError: as ``zoo.read``.
    """
    from zoo.data import read
    from zoo.plugins import plugins

    if not reading.get("task"):
        known = (task for name in card.tasks if (task := plugins().tasks.get(name)) is not None)
        reading["task"] = next((task.name for task in known if any(kind_of(k).needs_task for k in task.inputs)), None)
    reading.setdefault("unlabelled", not reading["task"])
    return read(reference, **reading)
