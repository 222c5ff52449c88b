"""A loaded model: its card, its backbone, and what can be asked of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from zoo.entities import Dataset, FeatureRequest, Features, FeatureShard, ModelCard
from zoo.errors import PluginError, UnsupportedModel
from zoo.features.extraction import check_request, default_batch_size
from zoo.features.provenance import provenance
from zoo.protocols import Backbone, Progress, SilentProgress

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Model:
    """A loaded model.

    Attributes:
        backbone: turns batches of inputs into features.
        revision: version of the files that were loaded.
        device: where it runs: ``cpu``, ``cuda``, ``mps``.
        dtype: what its weights were loaded as.
    """

    card: ModelCard
    backbone: Backbone
    revision: str | None = None
    device: str = "cpu"
    dtype: str = "float32"

    def __repr__(self) -> str:
        return f"<Model {self.card.id}, {self.backbone.embedding_dimension} dimensions, on {self.device}>"

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that features can be taken from, input to output; the last is the default."""
        return self.backbone.layers

    @overload
    def extract(
        self,
        data: Dataset | str,
        layers: tuple[()] = ...,
        batch_size: int | None = ...,
        progress: Progress | None = ...,
        **reading: Any,
    ) -> Features: ...

    @overload
    def extract(
        self,
        data: Dataset | str,
        layers: Sequence[str],
        batch_size: int | None = ...,
        progress: Progress | None = ...,
        **reading: Any,
    ) -> Features | dict[str, Features]: ...

    def extract(
        self,
        data: Dataset | str,
        layers: Sequence[str] = (),
        batch_size: int | None = None,
        progress: Progress | None = None,
        **reading: Any,
    ) -> Features | dict[str, Features]:
        """Features of a data set; with several layers, a dictionary of them by layer.

        Args:
            data: a data set, or what names one: a folder, a table, a packaged name.
            layers: layer names; none means the backbone's last one.
            batch_size: samples a batch; halved where memory runs out. None takes what suits the device.
            reading: ``input_column``, ``target_column``, ``on_problem`` and ``task`` as in ``zoo.read``.

        Raises:
            ZooError: the data cannot be read, is of another kind than the model takes, or gives no finite features.
        """
        dataset = _read(data, reading) if isinstance(data, str) else data
        request = FeatureRequest(
            tuple(layers), batch_size or default_batch_size(self.backbone, self.device), self.device
        )
        found = extract(self.backbone, dataset, request, progress, revision=self.revision, dtype=self.dtype)
        return found if len(found) > 1 else next(iter(found.values()))

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
            f"'{self.card.id}' has no output for {purpose}; it gives features.",
            f"Give it one by training: zoo tune {self.card.id} DATA",
        )


def extract(
    backbone: Backbone,
    dataset: Dataset,
    request: FeatureRequest,
    progress: Progress | None = None,
    *,
    revision: str | None = None,
    dtype: str = "float32",
) -> dict[str, Features]:
    """Features by layer: what the first plugin that answers ``zoo_extract_features`` yields, put together.

    Args:
        request: layers, batch size and device.
        revision: version of the model's files, for the provenance.

    Raises:
        ZooError: as ``zoo.features.extraction.extract_shards``.
        PluginError: a plugin left samples or layers out, or gave some twice.
    """
    import numpy as np

    from zoo.plugins import plugins

    layers = check_request(backbone, dataset, request)
    started = time.perf_counter()
    shards = plugins().first(
        "zoo_extract_features", backbone=backbone, dataset=dataset, request=request,
        progress=progress or SilentProgress(),
    )  # fmt: skip
    values = collect(shards, layers, len(dataset), backbone.card.id)
    seconds = time.perf_counter() - started
    targets = None if dataset.targets is None else np.asarray(dataset.targets)
    if targets is not None:
        targets = targets.astype(np.int64 if dataset.target_kind == "class" else np.float64)
    return {
        layer: Features(
            backbone.card.id, layer, values[layer], targets, tuple(dataset.classes),
            provenance(
                backbone.card, dataset, layer=layer, device=request.device, dtype=dtype, seconds=seconds,
                revision=revision,
            ),
        )
        for layer in layers
    }  # fmt: skip


def _read(reference: str, reading: Mapping[str, Any]) -> Dataset:
    from zoo.data import read

    return read(reference, **reading)


def collect(shards: Iterable[FeatureShard], layers: Sequence[str], count: int, model: str) -> Mapping[str, np.ndarray]:
    """The rows of all shards in data set order, by layer: float32, count x d.

    Raises:
        PluginError: samples or layers are missing, or samples came twice.
    """
    import numpy as np

    values: dict[str, np.ndarray] = {}
    seen = np.zeros(count, dtype=np.int64)
    for shard in shards:
        rows = np.asarray(shard.indices)
        for layer in layers:
            if layer not in shard.values:
                raise PluginError(f"The features of '{model}' came without the layer '{layer}'.")
            if layer not in values:
                values[layer] = np.empty((count, shard.values[layer].shape[1]), dtype=np.float32)
            values[layer][rows] = shard.values[layer]
        np.add.at(seen, rows, 1)
    if (seen != 1).any():
        wrong = int(np.flatnonzero(seen != 1)[0])
        raise PluginError(f"The features of '{model}' came {seen[wrong]} times for sample {wrong}; once is right.")
    return values
