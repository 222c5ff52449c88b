"""The kinds of text-to-speech and text-to-audio: texts to speak, and generated recordings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed
from zoo.errors import InvalidInput
from zoo.kinds.inputs import read_each
from zoo.kinds.recordings import Recordings
from zoo_audio.options import OPTIONS
from zoo_audio.speech.metrics import METRIC_MODELS, METRICS, baseline
from zoo_audio.speech.utterances import KIND, HasOneVoice, SoundingText, VoicedText, parse, read_table

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel
    from zoo.contract.reader import ReadOptions, Table
    from zoo.entities import Dataset
    from zoo.kinds.audio import Recording

_WORDS, _LONGEST = 5, 40
"""Maximum words and characters of a text in a file name."""


class Utterances(Kind):
    """Texts to speak, with or without a recording of the voice to use."""

    name = "utterance"
    asked_of = "text"

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Texts, each of which may follow the path of a recording of the voice.

        Raises:
            InvalidInput: an option needs a model that speaks in other voices.
        """
        for option in OPTIONS:
            if options.get(option.name) is not None and isinstance(model.backbone, HasOneVoice):
                raise InvalidInput(
                    f"{option.flag} applies only to SpeechT5; '{model.card.id}' has a voice of its own.",
                    f"Leave {option.flag} out.",
                )
        return read_each(texts, parse)

    def ordinary(self) -> Sequence[Any]:
        """Texts, some with a recording of the voice to use."""
        from zoo.kinds.recordings import Recordings

        voices = Recordings().ordinary()
        voiced = [VoicedText.of(text, voices, at) for at, text in enumerate(("come in", "It is late, and cold."))]
        return ["Good night.", "She lives here, and sings.", "one two three", *voiced]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """No word to say."""
        return [("an empty text", ""), ("signs without words", "?!... --"), ("a null character", "\0")]


class GeneratedAudio(Kind):
    """Recordings that models generate from texts, answered as ``zoo.kinds.audio.Recording``.

    Targets are texts, each with a real recording if there is one.
    """

    name = KIND
    noun, nouns = "recording", "recordings"
    typed_as = "utterance"
    metrics = METRICS
    shows_input = True
    output_note = "To save the recordings, add -o FOLDER; to play them, -o page.html."
    most_evaluated = 2

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
        """Texts with their recordings and voices."""
        return read_table(reference, path, table, options)

    def identity(self, item: Any, target: Any) -> Any:
        """The text and its real recording: the same text may be spoken twice."""
        return [item, target.recording]

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> Sequence[Recording]:
        """Speech: one of the real recordings for every text. Music: noise of their loudness and length."""
        return baseline(len(inputs), targets, task)

    def evaluated_with(self, task: str = "") -> Mapping[str, str]:
        """Nothing to record; raises an error if a metric model that the user named is missing."""
        from zoo.features import metric_models

        metric_models.check(METRIC_MODELS.get(task, ()))
        return {}

    def summary(self, answer: Recording) -> Sequence[tuple[str, str]]:
        """Length and rate."""
        return [(f"{answer.seconds:.2f} s at {answer.sampling_rate:,} Hz", "")]

    def to_json(self, answer: Recording) -> dict[str, Any]:
        """Length and rate."""
        return {"seconds": round(answer.seconds, 3), "sampling_rate": answer.sampling_rate}

    def html(self, item: Any, answer: Recording) -> str:
        """A player and the spectrogram, with the text if it is long, and the voice."""
        from zoo_audio.speech.showing import sound

        return sound(item, answer)

    def draw(self, item: Any, answer: Recording) -> Image:
        """The spectrogram under the text."""
        from zoo.kinds.spectrogram import draw_recording

        return draw_recording(answer, str(item))

    def save(self, answer: Recording, folder: Path, name: str) -> Sequence[Path]:
        """A WAV file."""
        from zoo.kinds.audio import save

        return [save(answer, folder, name)]

    def ordinary(self) -> Sequence[Recording]:
        """Tones."""
        return Recordings().ordinary()[:2]

    def ordinary_targets(self, inputs: Sequence[Any]) -> Sequence[SoundingText]:
        """The texts, with tones for their recordings."""
        recordings = Recordings().ordinary()
        return [SoundingText(str(item), recordings, at % len(recordings)) for at, item in enumerate(inputs)]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Recording]]:
        """Those of recordings."""
        return Recordings().extreme()

    def file_names(self, names: Sequence[str]) -> Sequence[str]:
        """Numbered, with the first words of the texts."""
        return [f"{number:02d}-{_first_words(name)}" for number, name in enumerate(names, start=1)]


def _first_words(text: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", text.lower())[:_WORDS])[:_LONGEST]
