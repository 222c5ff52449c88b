"""Voices of Piper: VITS (Kim, Kong and Son, 2021) as an ONNX file that turns phonemes into a waveform in one pass.

The phonemes are those of espeak-ng, which is called as a program; it is not part of this distribution.
"""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, ZooError, needs_extra, needs_program
from zoo.kinds.audio import Recording

with needs_extra("speech", "speak with Piper's voices"):
    import numpy as np
    import onnxruntime

from zoo.untrusted import parse_json
from zoo_audio.answering import AnsweringBackbone, as_text
from zoo_audio.speech.utterances import refuse_voices

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.entities import LocalFiles, ModelCard

PAD, START, END = "_", "^", "$"
SEED = 0
PAUSE = 0.2
"""Seconds of silence between sentences."""

LONGEST = 5_000
"""Maximum characters of a text: about six minutes of speech."""

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_CLAUSE = re.compile(r"([,;:.!?—…])")
_SWITCH = re.compile(r"\([^)]*\)")
"""Marks that espeak-ng writes when it changes the language."""

_MINUTE = 60


class PiperVoice(AnsweringBackbone):
    """One voice in one language; a text sounds the same every time."""

    task = "text-to-speech"
    one_voice = True

    def __init__(self, card: ModelCard, path: Path, settings: Mapping[str, Any], device: str) -> None:
        super().__init__(card, "text", device)
        self._path = path
        self._rate = int(settings["audio"]["sample_rate"])
        self._language = str(settings["espeak"]["voice"])
        self._indices: Mapping[str, Sequence[int]] = settings["phoneme_id_map"]
        spoken = settings.get("inference", {})
        self._scales = np.array(
            [spoken.get("noise_scale", 0.667), spoken.get("length_scale", 1.0), spoken.get("noise_w", 0.8)],
            dtype=np.float32,
        )

    def outputs(self, inputs: Sequence[Any]) -> list[Recording]:
        """Each text as a recording.

        Raises:
            DataError: an input is not a text, has no words, is too long, or asks for another voice.
            MissingProgram: espeak-ng is not installed.
            ZooError: espeak-ng fails.
        """
        refuse_voices(self.card, inputs)
        return [self._spoken(as_text(self.card, text)) for text in inputs]

    def _spoken(self, text: str) -> Recording:
        if len(text) > LONGEST:
            raise DataError(f"A text has {len(text):,} characters; the maximum is {LONGEST:,}.", "Cut it.")
        sentences = [found for part in _SENTENCE.split(text) if len(found := self._phonemes(part)) > 0]
        if not sentences:
            raise DataError(f"'{text[:60]}' has no words to speak.", "Write a sentence.")
        pause = np.zeros(round(PAUSE * self._rate), dtype=np.float32)
        session = opened(self._path)
        waves = [wave for sentence in sentences for wave in (self._wave(session, sentence), pause)]
        return Recording(np.concatenate(waves[:-1]).clip(-1, 1), self._rate)

    def _wave(self, session: Any, phonemes: str) -> np.ndarray:
        indices = [*self._indices[START], *self._indices[PAD]]
        for phoneme in phonemes:
            indices += [*self._indices.get(phoneme, ()), *self._indices[PAD]] if phoneme in self._indices else []
        indices += self._indices[END]
        inputs = {
            "input": np.array([indices], dtype=np.int64),
            "input_lengths": np.array([len(indices)], dtype=np.int64),
            "scales": self._scales,
        }
        found: np.ndarray = session.run(None, inputs)[0].reshape(-1)
        return found

    def _phonemes(self, sentence: str) -> str:
        """The phonemes of a sentence, with its punctuation, decomposed as the voices were trained."""
        parts = []
        for part in _CLAUSE.split(sentence):
            if _CLAUSE.fullmatch(part):
                parts.append("." if part == "…" else part)
            elif any(character.isalnum() for character in part):
                parts.append(f"{' ' if parts else ''}{phonemes(part, self._language)}")
        spoken = "".join(parts).strip()
        return unicodedata.normalize("NFD", spoken) if any(character.isalpha() for character in spoken) else ""


def opened(path: Path) -> Any:
    """A new session, whose noise for durations and waveform starts from the same state.

    The noise of one session continues from text to text. Without graph optimisations, which save almost nothing here,
    creating one takes a fifth of a second.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    onnxruntime.set_seed(SEED)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def phonemes(text: str, language: str) -> str:
    """A text in the international phonetic alphabet, by espeak-ng.

    Raises:
        MissingProgram: it is not installed.
        ZooError: it does not know the language, or fails.
    """
    install = "Run: apt-get install espeak-ng (or brew install espeak-ng)"
    program = needs_program("espeak-ng", "turn texts into phonemes for Piper's voices", install)
    # Characters that UTF-8 cannot encode are dropped.
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    command = [program, "-q", "--ipa", "-v", language, "--stdin"]
    try:
        found = subprocess.run(command, input=clean, encoding="utf-8", capture_output=True, check=True, timeout=_MINUTE)
    except (subprocess.SubprocessError, OSError) as error:
        reason = " ".join(str(getattr(error, "stderr", "") or error).split())[:200]
        raise ZooError(f"espeak-ng cannot turn '{text[:60]}' into phonemes: {reason}.") from error
    return " ".join(_SWITCH.sub("", found.stdout).split())


def load(card: ModelCard, files: LocalFiles, device: str) -> PiperVoice:
    """A voice from its ONNX file and the JSON file next to it.

    Raises:
        UnsupportedModel: a file is missing or damaged, or the voice's phonemes are not those of espeak-ng.
    """
    weights = str(card.loader["weights"])
    try:
        settings = parse_json(files.path(f"{weights}.json").read_text(encoding="utf-8"), finite=False)
        if settings.get("phoneme_type", "espeak") != "espeak" or int(settings.get("num_speakers", 1)) > 1:
            raise UnsupportedModel(f"'{card.id}' is not a voice of one speaker with espeak-ng's phonemes.")
        path = files.path(weights)
        opened(path)
        return PiperVoice(card, path, settings, device)
    except UnsupportedModel:
        raise
    except Exception as error:  # onnxruntime's errors share no base class below Exception
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(f"'{card.id}' is not a Piper voice: {reason}.", f"Run: zoo verify {card.id}") from error
