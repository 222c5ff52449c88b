"""The core's own answers to the hooks, as an ordinary plugin that answers last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.deciding import Decision, Use
    from zoo.contract.estimator import Estimator
    from zoo.contract.kind import Kind
    from zoo.contract.reader import Reader
    from zoo.contract.source import Aliases, Source
    from zoo.contract.strategy import Strategy
    from zoo.entities import Dataset, FeatureRequest, FeatureShard, LocalFiles, ModelCard, Plan, Run


@hookimpl
def zoo_kinds() -> Sequence[Kind]:
    """Images, recordings, texts, classes, numbers, and answers to questions."""
    from zoo.kinds import builtin_kinds

    return builtin_kinds()


@hookimpl
def zoo_sources() -> Sequence[Source | Aliases]:
    """Installed packages, local folders, the model hubs, and the standards of the team."""
    from zoo.sources import builtin_sources
    from zoo.team.standards.source import Standards

    return [*builtin_sources(), Standards()]


@hookimpl(trylast=True)
def zoo_download(card: ModelCard, store: Path, progress: Progress) -> LocalFiles | None:
    """Download by source."""
    from zoo.sources import download

    return download(card, store, progress)


@hookimpl(trylast=True)
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Folders that ``zoo tune`` wrote, and SavedModels of TensorFlow."""
    from zoo.features import saved_model

    if card.library == saved_model.LIBRARY:
        return saved_model.load(card, files)
    from zoo.adapt.saved.tuned import load_backbone

    return load_backbone(card, files, device)


@hookimpl(trylast=True)
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str, labels: Sequence[str]) -> Sequence[Any] | None:
    """Outputs of the backbone itself; for models from ``zoo tune``, on the task that they were tuned for."""
    from zoo.adapt.saved.tuned import TunedBackbone
    from zoo.contract.backbone import Answers

    if isinstance(backbone, TunedBackbone):
        return backbone.predict(inputs, labels) if backbone.task == task else None
    return backbone.answer(task, inputs, labels) if isinstance(backbone, Answers) else None


@hookimpl(trylast=True)
def zoo_extract_features(
    backbone: Backbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard] | None:
    """Batched extraction, shard by shard."""
    from zoo.features.extraction import extract_shards

    return extract_shards(backbone, dataset, request, progress)


@hookimpl(trylast=True)
def zoo_finetune(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run | None:
    """The adaptation strategy that the plan names."""
    from zoo.adapt.strategies import adapt

    return adapt(backbone, dataset, plan, progress)


@hookimpl
def zoo_decide(card: ModelCard, action: str, context: Use) -> Decision | None:
    """The policies in force; None without one."""
    from zoo.config import policy_files

    if not policy_files():
        return None
    from zoo.team.deciding import decide

    return decide(card, action, context)


@hookimpl
def zoo_readers() -> Sequence[Reader]:
    """Class folders, tables, and the data sets that packages ship."""
    from zoo.data import builtin_readers

    return builtin_readers()


@hookimpl
def zoo_estimators() -> Sequence[Estimator]:
    """LogME, the shrinkage H-score, probes, and the other estimators of the field."""
    from zoo.transfer import builtin_estimators

    return builtin_estimators()


@hookimpl
def zoo_strategies() -> Sequence[Strategy]:
    """Linear probe, partial and full fine-tuning, and LoRA."""
    from zoo.adapt.strategies import builtin_strategies

    return builtin_strategies()
