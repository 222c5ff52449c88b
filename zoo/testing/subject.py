"""What a check tests: one plugin, and one of its models with inputs of its kind."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from zoo.contract.backbone import Answers, Backbone, HasExamples, SilentProgress, ZeroShot
from zoo.entities import BenchmarkScore, Dataset, FeatureRequest, LocalFiles, ModelCard
from zoo.errors import DataError, InvalidInput, MissingDependency, UnsupportedModel, ZooError, suggest
from zoo.kinds.known import asked_kind, kind_of
from zoo.plugins import PluginReport, plugins

LABELS = ("a dog", "rain", "a red house")
"""Labels for zero-shot models."""


class Skipped(Exception):
    """A check does not apply here; the message says why."""


@contextmanager
def dependencies_installed() -> Iterator[None]:
    """Skip the check if the model needs a package or program that is not installed.

    ``Skipped`` is not a ``ZooError``, so a check that expects one does not pass on a machine that lacks something.
    """
    try:
        yield
    except MissingDependency as error:
        raise Skipped(str(error)) from error


class Subject:
    """The plugin under test.

    Attributes:
        name: its entry point's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        known = {report.name: report for report in plugins().reports}
        if name not in known:
            hint = suggest(name, known) or f"Plugins: {', '.join(known)}."
            raise InvalidInput(f"There is no plugin called '{name}'.", hint)

    @property
    def report(self) -> PluginReport:
        """The current report on the plugin."""
        return next(report for report in plugins().reports if report.name == self.name)

    def items(self, hook: str) -> list[Any]:
        """All results of a hook of the plugin; raises what the hook raises."""
        return [item for _, found in plugins().each(hook, self.name) for item in found]

    @functools.cached_property
    def offered(self) -> list[ModelCard | BenchmarkScore]:
        """Its cards and scores."""
        return self.items("zoo_cards")

    @property
    def cards(self) -> list[ModelCard]:
        """Its cards."""
        return [item for item in self.offered if isinstance(item, ModelCard)]


@dataclass(frozen=True)
class ModelSubject:
    """A model that the plugin loads from local files.

    Attributes:
        plugin: the plugin that loads it.
        files: its files on this machine.
    """

    plugin: str
    card: ModelCard
    files: LocalFiles

    def load(self, device: str = "cpu", dtype: str = "float32", files: LocalFiles | None = None) -> Backbone | None:
        """What the plugin's ``zoo_load`` returns for it."""
        arguments = {"card": self.card, "files": files or self.files, "device": device, "dtype": dtype}
        with dependencies_installed():
            return next((found for _, found in plugins().each("zoo_load", self.plugin, **arguments)), None)

    @functools.cached_property
    def backbone(self) -> Backbone:
        """The loaded model, in float32 on the CPU."""
        backbone = self.load()
        if backbone is None:
            raise AssertionError(f"zoo_load of '{self.plugin}' returns None for its own model '{self.card.id}'")
        return backbone

    @functools.cached_property
    def inputs(self) -> Sequence[Any]:
        """Ordinary inputs of its kind: the backbone's own ``examples()`` if it has them."""
        found = self._ordinary(self.backbone.input_kind)
        if len(found) < 2:
            raise Skipped(f"no example inputs are known for the kind '{self.backbone.input_kind}'")
        return found

    def _ordinary(self, kind: str) -> Sequence[Any]:
        backbone = self.backbone
        if isinstance(backbone, HasExamples) and kind == backbone.input_kind:
            return backbone.examples()
        return kind_of(kind).ordinary()

    def kind(self, task: str) -> str:
        """The kind of input that it takes for a task."""
        return asked_kind(self.backbone, plugins().tasks.get(task)).name

    def answers(self, task: str, inputs: Sequence[Any], backbone: Backbone | None = None) -> Sequence[Any]:
        """What the plugin's ``zoo_predict`` returns for a task; raises what that raises.

        Raises:
            AssertionError: it returns None.
        """
        found = self._answers(task, inputs, backbone or self.backbone)
        assert found is not None, f"{task}: zoo_predict returns None, but returned answers before"
        return found

    @functools.cached_property
    def answered(self) -> dict[str, tuple[list[Any], Sequence[Any]]]:
        """The tasks of its card that it supports, each with ordinary inputs and their answers."""
        found: dict[str, tuple[list[Any], Sequence[Any]]] = {}
        for task in self.card.tasks:
            inputs = [item for item in self._ordinary(self.kind(task)) if self._takes(task, item)]
            if len(inputs) >= 2:
                found[task] = (inputs, self.answers(task, inputs))
        return found

    def _takes(self, task: str, item: Any) -> bool:
        try:
            return self._answers(task, [item], self.backbone) is not None
        except (DataError, InvalidInput, UnsupportedModel):
            return False

    def _answers(self, task: str, inputs: Sequence[Any], backbone: Backbone) -> Sequence[Any] | None:
        labels = LABELS if isinstance(backbone, ZeroShot) else ()
        with dependencies_installed():
            found: Sequence[Any] | None = plugins().ask(
                self.plugin, "zoo_predict", backbone=backbone, inputs=list(inputs), task=task, labels=labels
            )
            if found is None and isinstance(backbone, Answers):
                found = backbone.answer(task, inputs, labels)
        return found

    def dataset(self, inputs: Sequence[Any]) -> Dataset:
        """Inputs as a data set without labels."""
        return Dataset("examples", self.backbone.input_kind, inputs, None, (), "examples", "none")

    def features(self, inputs: Sequence[Any], layers: Sequence[str] = (), backbone: Backbone | None = None) -> Any:
        """Features by layer, n x d, of one batch."""
        import numpy as np

        model = backbone or self.backbone
        self.must_have_features()
        with dependencies_installed():
            batch = model.collate([model.preprocess(item) for item in inputs])
            found = model.features(batch, tuple(layers) or (model.layers[-1],))
        return {layer: np.asarray(_array(values), dtype=np.float64) for layer, values in found.items()}

    def extracted(self, inputs: Sequence[Any], request: FeatureRequest) -> Any:
        """Features of the last layer, n x d, by the core's extraction."""
        from zoo.features import extract

        with dependencies_installed():
            return extract(self.backbone, self.dataset(inputs), request)[self.backbone.layers[-1]].values

    def must_have_features(self) -> None:
        """Raises ``Skipped`` if it has none."""
        if not self.backbone.layers:
            raise Skipped("it has no feature layers")

    def default(self, inputs: Sequence[Any], backbone: Backbone | None = None) -> Any:
        """Features of the last layer, n x d, of one batch."""
        return next(iter(self.features(inputs, backbone=backbone).values()))


def models(subject: Subject, names: Sequence[str] = (), every: bool = False) -> Iterator[ModelSubject]:
    """The models to test: those named, else the plugin's smallest local model of each library and size class.

    Raises:
        ZooError: a named model cannot be downloaded, or a policy denies to load it.
    """
    from zoo.features import files_of
    from zoo.sources import resolve
    from zoo.sources.permitting import permit_use

    if names:
        for name in names:
            card = resolve(name)
            yield ModelSubject(subject.name, card, files_of(name))
        return
    seen: set[tuple[str | None, str | None]] = set()
    for card in sorted(subject.cards, key=lambda card: card.bytes or 0):
        kind = (card.library, card.architecture)
        if (every or kind not in seen) and (files := _here(card)) is not None:
            permit_use(card, "load")
            seen.add(kind)
            yield ModelSubject(subject.name, card, files)


def _here(card: ModelCard) -> LocalFiles | None:
    """The files, if they are local or the plugin provides them without a platform."""
    from zoo.config import settings
    from zoo.sources import sources

    try:
        origin = sources().get(card.source)
        if origin is not None:
            return origin.locate(card)
        found: LocalFiles | None = plugins().first(
            "zoo_download", card=card, store=settings().models, progress=SilentProgress()
        )
    except ZooError:
        return None
    return found


def _array(values: Any) -> Any:
    return values.detach().float().cpu().numpy() if hasattr(values, "detach") else values
