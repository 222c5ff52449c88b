"""The audio domain of zoo: speech, sounds, voices and music; its tasks, its models, and how they load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.hooks import hookimpl

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.contract.kind import Kind
    from zoo.contract.option import Option
    from zoo.contract.source import ModelFolder, SingleFiles
    from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
    from zoo.tasks import Domain


@hookimpl
def zoo_domains() -> list[Domain]:
    """The audio domain."""
    from zoo_audio.domain import DOMAIN

    return [DOMAIN]


@hookimpl
def zoo_kinds() -> list[Kind]:
    """The kinds of texts to speak and of generated recordings."""
    from zoo_audio.speech.kinds import GeneratedAudio, Utterances

    return [Utterances(), GeneratedAudio()]


@hookimpl
def zoo_options() -> Sequence[Option]:
    """The models that metrics of generated audio use, and the vocoder."""
    from zoo_audio.options import OPTIONS

    return OPTIONS


@hookimpl
def zoo_cards() -> Iterator[ModelCard | BenchmarkScore]:
    """Models inside installed packages, then the catalog's, each with its reported scores."""
    from zoo.catalog import cards
    from zoo_audio.cards import packaged

    yield from packaged()
    yield from cards("audio")


@hookimpl
def zoo_sources() -> list[SingleFiles]:
    """The checkpoints of openai-whisper."""
    from zoo_audio.whisper.source import WHISPER

    return [WHISPER]


@hookimpl
def zoo_recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """Checkpoints of openai-whisper."""
    from zoo_audio.whisper.files import recognise

    return recognise(folder, config)


@hookimpl
def zoo_load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Backbone | None:
    """Speaker encoders, pitch networks, Whisper by its libraries, voices, and the audio models of transformers."""
    if card.domain != "audio":
        return None
    if card.library in {"resemblyzer", "torchcrepe"}:
        from zoo_audio.packaged import load

        return load(card, files, device, dtype)
    if card.library == "piper":
        from zoo_audio.speech.piper import load as load_voice

        return load_voice(card, files, device)
    if card.library == "faster-whisper":
        from zoo_audio.whisper.faster_whisper import load as load_faster_whisper

        return load_faster_whisper(card, files, device, dtype)
    if card.library == "speechmos":
        from zoo_audio.speech.quality import load as load_quality

        return load_quality(card, files, device)
    if card.library == "openai-whisper":
        from zoo_audio.whisper.backbone import load as load_whisper

        return load_whisper(card, files, device, dtype)
    if card.library == "transformers":
        from zoo.loading.published_config import architectures, published_config
        from zoo_audio import clap, music, transformers_trunk
        from zoo_audio.speech import synthesis

        named = next(iter(architectures(published_config(files.root, card))), "")
        if named in {synthesis.VITS, synthesis.SPEECHT5}:
            return synthesis.load(card, files, named, device, dtype)
        if named == music.ARCHITECTURE:
            return music.load(card, files, device, dtype)
        if named == clap.ARCHITECTURE:
            return clap.load(card, files, device, dtype)
        return transformers_trunk.load(card, files, device, dtype)
    return None
