"""A loaded model: its card, its backbone, features and predictions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from zoo.contract.backbone import Backbone, Described, Progress, SilentProgress
from zoo.entities import Dataset, FeatureRequest, Features, ModelCard
from zoo.errors import UnsupportedModel, ZooError
from zoo.features.cache import Facts, RowCache, row_cache
from zoo.features.cache.identity import Identity
from zoo.features.collecting import cache_of, collected
from zoo.features.extraction import default_limits
from zoo.features.permission import Permission
from zoo.features.reading import read_for
from zoo.features.stream import FeatureStream
from zoo.keywords import explains_keywords
from zoo.provenance import FEATURES, feature_versions, versions

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions


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
        permission: what it was loaded for.
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
        permission: Permission | None = None,
    ) -> None:
        self.card, self.revision, self.device, self.dtype = card, revision, device, dtype
        self.permission = permission or Permission()
        self._known = known
        self._open: Callable[[], Backbone] | None = backbone if known is not None else None  # type: ignore[assignment]
        self._backbone: Backbone | None = None if known is not None else backbone  # type: ignore[assignment]
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"<Model {self.card.id}, {self.facts.embedding_dimension} dimensions, on {self.device}>"

    def used_for(self, action: str, task: str | None = None) -> Model:
        """The same model for one purpose, such as ``tune``, and for a task if it is known.

        Raises:
            PolicyRefusal: a policy denies it, or requires an approval.
        """
        self.permission.check(self.card, action, task)
        return Model(
            self.card,
            self.backbone if self._known is None else lambda: self.backbone,
            self.revision,
            device=self.device,
            dtype=self.dtype,
            known=self._known,
            permission=Permission(action, self.permission.known),
        )

    @property
    def backbone(self) -> Backbone:
        """The backbone, loaded if necessary.

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

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of everything that its features depend on; does not load the model."""
        if self._backbone is None and self._known is not None:
            return {**versions(FEATURES), **self._known[1].libraries}
        return feature_versions(self.backbone)

    @overload
    def extract(
        self,
        data: Dataset | str,
        layers: tuple[()] = ...,
        batch_size: int | None = ...,
        progress: Progress | None = ...,
        *,
        cache: bool = ...,
        task: str | None = ...,
        input_column: str | None = ...,
        target_column: str | None = ...,
        on_problem: str = ...,
        options: Mapping[str, Any] | None = ...,
        read: ReadOptions | None = ...,
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
        task: str | None = ...,
        input_column: str | None = ...,
        target_column: str | None = ...,
        on_problem: str = ...,
        options: Mapping[str, Any] | None = ...,
        read: ReadOptions | None = ...,
    ) -> Features | dict[str, Features]: ...

    @explains_keywords
    def extract(
        self,
        data: Dataset | str,
        layers: Sequence[str] = (),
        batch_size: int | None = None,
        progress: Progress | None = None,
        *,
        cache: bool = True,
        task: str | None = None,
        input_column: str | None = None,
        target_column: str | None = None,
        on_problem: str = "skip",
        options: Mapping[str, Any] | None = None,
        read: ReadOptions | None = None,
    ) -> Features | dict[str, Features]:
        """Features of a data set; with several layers, a dictionary of them by layer.

        Args:
            data: a data set, or its name: a folder, a table, a packaged data set.
            layers: layer names; by default the backbone's last one.
            batch_size: samples per batch; halved if memory runs out. None takes the default of the device.
            cache: read and write the feature cache.
            task, input_column, target_column, on_problem, options, read: as in ``zoo.read``.

        Raises:
            ZooError: the data cannot be read, is not of the kind that the model takes, or the features are not finite.
        """
        from zoo.data.arguments import read_options
        from zoo.plugins.options import settings_of

        given = read_options("Model.extract", data, read, input_column, target_column, on_problem, task, options)
        settings_of("Model.extract", options, self.card.id)
        dataset = read_for(self.card, data, given) if isinstance(data, str) else data
        stream = self.shards(dataset, layers, batch_size, progress, cache=cache)
        found = collected(
            stream,
            dataset,
            self.card,
            revision=self.revision,
            device=self.device,
            dtype=self.dtype,
            versions=self.versions,
        )
        return found if len(found) > 1 else next(iter(found.values()))

    @explains_keywords
    def shards(
        self,
        data: Dataset | str,
        layers: Sequence[str] = (),
        batch_size: int | None = None,
        progress: Progress | None = None,
        *,
        shard_size: int = 4096,
        cache: bool = True,
        task: str | None = None,
        input_column: str | None = None,
        target_column: str | None = None,
        on_problem: str = "skip",
        options: Mapping[str, Any] | None = None,
        read: ReadOptions | None = None,
    ) -> FeatureStream:
        """The same features shard by shard, in the order of the data, all layers from one pass.

        For uses that do not need all samples at once, such as statistics: memory does not grow with the data. Iterate
        over the stream once.

        Args:
            layers, batch_size, cache: as in ``extract``.
            shard_size: samples per shard.
            task, input_column, target_column, on_problem, options, read: as in ``zoo.read``.

        Raises:
            ZooError: as ``extract``.
        """
        from zoo.data.arguments import read_options
        from zoo.plugins.options import settings_of

        given = read_options("Model.shards", data, read, input_column, target_column, on_problem, task, options)
        settings_of("Model.shards", options, self.card.id)
        self.permission.check(self.card, "features", task)
        dataset = read_for(self.card, data, given) if isinstance(data, str) else data
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
            task: task name; the first of the card's if it is None.
            labels: the classes that a zero-shot model chooses from; others have their own.

        Raises:
            UnsupportedModel: the model has no such output of its own.
            PolicyRefusal: a policy denies it, or requires an approval.
        """
        self.permission.check(self.card, "predict", task)
        for name in (task,) if task else self.card.tasks or ("",):
            if (outputs := self._outputs(inputs, name, labels)) is not None:
                return list(outputs)
        purpose = f"the task '{task}'" if task else "a task of its own"
        raise UnsupportedModel(
            f"'{self.card.id}' has no output for {purpose}; it has features only.",
            f"Fine-tune it: zoo tune {self.card.id} DATA",
        )

    def default_task(self, labels: Sequence[str] = ()) -> str | None:
        """The task that ``predict`` chooses: the first of the card's for which the model has outputs; None if none."""
        return next((task for task in self.card.tasks if self._predicts(task, labels)), None)

    def _predicts(self, task: str, labels: Sequence[str]) -> bool:
        try:
            return self._outputs((), task, labels) is not None
        except ZooError:  # what the model lacks for the task, such as labels, is reported when it predicts
            return True

    def _outputs(self, inputs: Sequence[Any], task: str, labels: Sequence[str]) -> Sequence[Any] | None:
        from zoo.plugins import plugins

        found: Sequence[Any] | None = plugins().first(
            "zoo_predict", backbone=self.backbone, inputs=inputs, task=task, labels=labels
        )
        return found

    def _cache(self) -> RowCache | None:
        if self._backbone is not None:
            return cache_of(self._backbone)
        return row_cache(self._known[1]) if self._known else None
