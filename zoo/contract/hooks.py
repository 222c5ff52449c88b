"""The plugin contract, nothing else. Each hook is documented with a working example in docs/plugins.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.deciding import Decision, Use
    from zoo.contract.estimator import Estimator
    from zoo.contract.kind import Kind
    from zoo.contract.metric import Metric
    from zoo.contract.option import Option
    from zoo.contract.reader import Reader
    from zoo.contract.source import Aliases, HostedModels, ModelFolder, SingleFiles, Source
    from zoo.contract.strategy import Strategy
    from zoo.entities import BenchmarkScore, Dataset, FeatureRequest, FeatureShard, LocalFiles, ModelCard, Plan, Run
    from zoo.tasks import Domain

hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")


@hookspec
def zoo_domains() -> Sequence[Domain]:  # type: ignore[empty-body]
    """Domains, and the tasks that they serve."""


@hookspec
def zoo_kinds() -> Sequence[Kind]:  # type: ignore[empty-body]
    """Kinds of samples, targets and answers."""


@hookspec
def zoo_options() -> Sequence[Option]:  # type: ignore[empty-body]
    """Options of commands that only this plugin's domain needs."""


@hookspec
def zoo_cards() -> Iterable[ModelCard | BenchmarkScore]:  # type: ignore[empty-body]
    """Model cards and benchmark scores of the plugin, streamed; a model's card comes before its scores."""


@hookspec
def zoo_sources() -> Sequence[Source | SingleFiles | HostedModels | Aliases]:  # type: ignore[empty-body]
    """Platforms that models come from."""


@hookspec(firstresult=True)
def zoo_recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a model in a folder, if this plugin knows its format; None to pass.

    ``config`` is the content of its ``config.json``, empty if there is none. The card names in ``files`` the files that
    belong to the model, if those are not the usual ones; hashes, sizes, revision and parameters are added.
    """


@hookspec(firstresult=True)
def zoo_download(card: ModelCard, store: Path, progress: Progress) -> LocalFiles | None:
    """The files of a model on this machine, verified; ``store`` is for those without a cache of their own."""


@hookspec(firstresult=True)
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """A backbone from the files, on ``device``, in ``dtype`` (``float32``, ``bfloat16``); None to pass."""


@hookspec(firstresult=True)
def zoo_extract_features(
    backbone: Backbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard] | None:
    """Features of a data set, shard by shard; None to leave it to the core's batched extraction."""


@hookspec(firstresult=True)
def zoo_finetune(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run | None:
    """Adapt the model to the data set by the plan; None to leave it to the core's strategies."""


@hookspec(firstresult=True)
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str, labels: Sequence[str]) -> Sequence[Any] | None:
    """Outputs of the model on its own task, one for each input; None if it has none.

    ``labels`` are the classes to choose from, for zero-shot models; empty if none are named.
    """


@hookspec
def zoo_decide(card: ModelCard, action: str, context: Use) -> Decision | None:
    """The verdict on a use of a model, with reasons; None for no opinion. The most severe of all counts.

    ``action`` is one of ``zoo.contract.deciding.ACTIONS``. If the hook raises, the use is denied.
    """


@hookspec
def zoo_readers() -> Sequence[Reader]:  # type: ignore[empty-body]
    """Readers of data sets, and data sets that the plugin ships."""


@hookspec
def zoo_metrics() -> Sequence[Metric]:  # type: ignore[empty-body]
    """Task metrics."""


@hookspec
def zoo_estimators() -> Sequence[Estimator]:  # type: ignore[empty-body]
    """Transferability estimators."""


@hookspec
def zoo_strategies() -> Sequence[Strategy]:  # type: ignore[empty-body]
    """Adaptation strategies."""


@hookspec
def zoo_commands(cli: click.Group) -> None:
    """Add commands to the command line."""
