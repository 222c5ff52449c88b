"""The language domain of zoo: its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.kind import Kind
    from zoo.contract.option import Option
    from zoo.contract.reader import Reader
    from zoo.contract.source import ModelFolder, Source
    from zoo.contract.strategy import Strategy
    from zoo.entities import BenchmarkScore, Dataset, FeatureRequest, FeatureShard, LocalFiles, ModelCard
    from zoo.tasks import Domain


@hookimpl
def zoo_domains() -> list[Domain]:
    """The language domain."""
    from zoo_language.domain import DOMAIN

    return [DOMAIN]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """Questions about a text, and named entities."""
    from zoo_language.answers.kind import Questions
    from zoo_language.entities.kind import Spans

    return [Questions(), Spans()]


@hookimpl
def zoo_readers() -> list[Reader]:
    """Files of questions, and of sentences with tags."""
    from zoo_language.answers.questions import QuestionReader
    from zoo_language.entities.files import TaggedReader

    return [QuestionReader(), TaggedReader()]


@hookimpl
def zoo_options() -> list[Option]:
    """The languages of a translation, and the budget of models behind a paid API."""
    from zoo_language.openai.prices import MAX_COST
    from zoo_language.translation.option import LANGUAGES

    return [LANGUAGES, MAX_COST]


@hookimpl
def zoo_sources() -> list[Source]:
    """OpenAI."""
    from zoo_language.openai.source import OpenAISource

    return [OpenAISource()]


@hookimpl
def zoo_recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """Pipelines of spaCy."""
    from zoo_language.entities.spacy_files import recognise

    return recognise(folder, config)


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """Models inside installed packages, then the catalog's, each with its reported scores."""
    from zoo.catalog import cards
    from zoo_language.cards import packaged
    from zoo_language.entities.spacy_cards import pipelines

    yield from packaged()
    yield from pipelines()
    yield from cards("language")


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Transformers folders, static token embeddings, spaCy's pipelines and ONNX encoders of the language domain."""
    if card.domain != "language":
        return None
    if card.source == "openai":
        if "chat" in card.tags:
            from zoo_language.openai.chat import OpenAIChat

            return OpenAIChat(card)
        from zoo_language.openai.embeddings import load as load_openai

        return load_openai(card)
    if card.library in {"transformers", "sentence-transformers"}:
        from zoo_language.transformers_backbone import load

        return load(card, files.root, device, dtype)
    if card.library == "static":
        from zoo_language.static_backbone import load as load_static

        return load_static(card, files.root, device, dtype)
    if card.library == "spacy":
        from zoo_language.entities.spacy_pipeline import load as load_spacy

        return load_spacy(card, files.root)
    if card.library == "onnx" and card.loader.get("weights"):
        from zoo_language.onnx_backbone import load as load_onnx

        return load_onnx(card, files.root, device)
    return None


@hookimpl
def zoo_extract_features(
    backbone: Backbone, dataset: Dataset, request: FeatureRequest, progress: Progress
) -> Iterator[FeatureShard] | None:
    """Embeddings from OpenAI's API, in requests of the maximum size; None for local models."""
    if backbone.card.source != "openai" or not backbone.layers:
        return None
    from zoo_language.openai.embeddings import OpenAIBackbone, extract

    if not isinstance(backbone, OpenAIBackbone):
        return None
    return extract(backbone, dataset, request, progress)


@hookimpl
def zoo_strategies() -> Sequence[Strategy]:
    """Fine-tuning of chat models at OpenAI."""
    from zoo.contract.strategy import Strategy
    from zoo_language.openai.tuning import EPOCHS, NAME, OPTIONS, PLAN, adapt

    return [Strategy(NAME, "OpenAI fine-tunes one of its chat models, for a fee.", adapt, EPOCHS, OPTIONS, PLAN)]
