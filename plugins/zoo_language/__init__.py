"""The language domain of zoo: its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl
from zoo.contract.option import SETTING, Option
from zoo.tasks import Domain, tasks_of

if TYPE_CHECKING:
    from zoo.adapt.strategies import Strategy
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.kind import Kind
    from zoo.contract.reader import Reader
    from zoo.contract.source import Source
    from zoo.entities import BenchmarkScore, Dataset, FeatureRequest, FeatureShard, LocalFiles, ModelCard


@hookimpl
def zoo_domains() -> list[Domain]:
    """The language domain."""
    description = (
        "Text: classification, named entities, question answering, translation and embeddings, with transformer "
        "encoders and decoders, sentence-transformers, spaCy's pipelines, static token embeddings and ONNX exports."
    )
    return [Domain("language", description, tasks_of("language"))]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """Questions about a text."""
    from zoo_language.answers.kind import Questions

    return [Questions()]


@hookimpl
def zoo_readers() -> list[Reader]:
    """Files of questions."""
    from zoo_language.answers.questions import QuestionReader

    return [QuestionReader()]


@hookimpl
def zoo_options() -> list[Option]:
    """The budget of models behind a paid API."""
    from zoo_language.openai.prices import dollars

    return [
        Option(
            "max_cost",
            frozenset({SETTING}),
            "Paid APIs: most dollars that one loaded model may cost [default: 1].",
            metavar="DOLLARS",
            convert=dollars,
        )
    ]


@hookimpl
def zoo_sources() -> list[Source]:
    """OpenAI."""
    from zoo_language.openai.source import OpenAISource

    return [OpenAISource()]


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
    """Embeddings from OpenAI's API, in requests as large as it takes; None for models that run here."""
    if backbone.card.source != "openai" or not backbone.layers:
        return None
    from zoo_language.openai.embeddings import extract

    return extract(backbone, dataset, request, progress)


@hookimpl
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str, labels: Sequence[str]) -> Sequence[Any] | None:
    """What a transformers model's published head, or OpenAI, says: labels, entities, answers, translations."""
    if backbone.input_kind != "text":
        return None
    if task == "text-classification" and hasattr(backbone, "classify"):
        return backbone.classify(inputs)
    return backbone.answer(task, inputs, labels) if hasattr(backbone, "answer") else None


@hookimpl
def zoo_strategies() -> Sequence[Strategy]:
    """Fine-tuning of chat models at OpenAI."""
    from zoo.adapt.strategies import Strategy
    from zoo_language.openai.tuning import EPOCHS, NAME, OPTIONS, adapt

    return [Strategy(NAME, "OpenAI fine-tunes a chat model of theirs, for money.", adapt, EPOCHS, OPTIONS)]
