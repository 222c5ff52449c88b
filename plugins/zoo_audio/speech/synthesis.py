"""Speech synthesis of transformers: VITS, and SpeechT5, which takes its voice from a recording and can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn

from zoo.errors import DataError, MissingExtra, UnsupportedModel
from zoo.kinds.audio import Recording
from zoo.loading.dtypes import require_float32
from zoo.loading.transformers import IGNORE, load_model, load_part, load_tokenizer
from zoo_audio.answering import AnsweringBackbone, as_text
from zoo_audio.options import SPEAKER_ENCODER
from zoo_audio.speech.utterances import VoicedText, refuse_voices
from zoo_audio.speech.vocoding import griffin_lim, vocoder_for

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

TASK = "text-to-speech"
VITS, SPEECHT5 = "VitsModel", "SpeechT5ForTextToSpeech"
LONGEST_SECONDS = 20.0
"""Length that training recordings are cut to."""

_IGNORED = -100.0
"""Value of spectrogram frames that the loss of SpeechT5 ignores."""

_SEED = 0


class VitsVoice(AnsweringBackbone):
    """A VITS model (Kim, Kong and Son, 2021), which has its own voice."""

    task = TASK
    one_voice = True

    def __init__(self, card: ModelCard, model: Any, tokenizer: Any, device: str) -> None:
        super().__init__(card, "text", device)
        self.model, self._tokenizer = model.to(device).eval(), tokenizer

    def outputs(self, inputs: Sequence[Any]) -> list[Recording]:
        """Each text as a recording; the same one every time.

        Raises:
            DataError: an input is not a text, has no character that the model can speak, or asks for another voice.
            MissingExtra: the model needs a phonemizer that is not installed.
        """
        refuse_voices(self.card, inputs)
        return [self._spoken(as_text(self.card, text)) for text in inputs]

    def _spoken(self, text: Any) -> Recording:
        try:
            inputs = self._tokenizer(str(text), return_tensors="pt").to(self.device)
        except ImportError as error:
            raise MissingExtra(
                f"'{self.card.id}' needs phonemes; the package 'phonemizer', which makes them from text, is not "
                "installed.",
                "Run: pip install phonemizer (which needs the program espeak-ng: apt-get install espeak-ng)",
            ) from error
        if not inputs["input_ids"].numel():
            raise DataError(
                f"'{str(text)[:60]}' has no character that '{self.card.id}' can speak.", "Write a sentence."
            )
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(_SEED)
            wave = self.model(**inputs).waveform[0]
        return Recording(wave.float().cpu().numpy().clip(-1, 1), int(self.model.config.sampling_rate))


class SpeechT5Voice(AnsweringBackbone):
    """SpeechT5 (Ao et al., 2022): from characters and the vector of a voice to a spectrogram, frame by frame.

    Attributes:
        model: the whole network.
        processor: makes tokens of texts, and spectrograms of waveforms.
    """

    task = TASK
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, model: Any, processor: Any, vocoder: Any, device: str) -> None:
        super().__init__(card, "text", device)
        self.model, self.processor, self._vocoder = model.to(device).eval(), processor, vocoder
        self.rate = int(processor.feature_extractor.sampling_rate)
        self.voice_length = int(model.config.speaker_embedding_dim)

    def outputs(self, inputs: Sequence[Any], voice: torch.Tensor | None = None) -> list[Recording]:
        """Each text as a recording, in the voice of its own recording, else in ``voice``, a vector.

        Raises:
            DataError: an input is not a text or is empty, or there is no voice.
            UnsupportedModel: the speaker encoder's vectors do not have the length that the model takes.
        """
        return [self._spoken(as_text(self.card, text), voice) for text in inputs]

    def learner(self, task: str, classes: Sequence[str]) -> SpeechLearner | None:
        """A learner for speech synthesis; None for other tasks."""
        return SpeechLearner(self) if task == TASK else None

    def voice_of(self, recording: Any) -> torch.Tensor:
        """The vector of a recording's voice, of length 1.

        Raises:
            UnsupportedModel: it does not have the length that the model takes.
        """
        vector = SPEAKER_ENCODER.embed([recording])[0]
        if len(vector) != self.voice_length:
            raise UnsupportedModel(
                f"'{self.card.id}' takes speaker vectors of length {self.voice_length}, but '{SPEAKER_ENCODER.id}' "
                f"returns {len(vector)}.",
                "Choose another speaker encoder: export ZOO_SPEAKER_ENCODER=MODEL",
            )
        scaled = vector / max(float(np.linalg.norm(vector)), 1e-12)
        return torch.from_numpy(scaled).float()

    def tokens(self, text: str) -> torch.Tensor:
        """Indices of characters, 1 x n.

        Raises:
            DataError: there are none.
        """
        if not text.strip():
            raise DataError("The text to speak is empty.", "Write a sentence.")
        found: torch.Tensor = self.processor(text=text.strip(), return_tensors="pt")["input_ids"]
        longest = int(self.model.config.max_text_positions)
        return found[:, :longest]

    def spectrogram(self, recording: Any) -> torch.Tensor:
        """Log10 of the mel magnitudes, frames x 80, as many frames as the decoder makes in whole steps."""
        extractor, step = self.processor.feature_extractor, int(self.model.config.reduction_factor)
        wave = recording.at(self.rate)[: int(LONGEST_SECONDS * self.rate)]
        least = max(int(extractor.n_fft), step * int(extractor.sample_stride))
        wave = np.pad(wave, (0, max(0, least - len(wave))))
        found = self.processor(audio_target=wave, sampling_rate=self.rate, return_tensors="np")["input_values"][0]
        return torch.from_numpy(np.asarray(found[: len(found) - len(found) % step], dtype=np.float32))

    def wave(self, spectrogram: torch.Tensor) -> np.ndarray:
        """The sound of a spectrogram, by the vocoder if there is one."""
        if self._vocoder is not None:
            with torch.inference_mode():
                sound: np.ndarray = self._vocoder(spectrogram).float().cpu().numpy()
            return sound
        extractor = self.processor.feature_extractor
        filters, window = (
            torch.from_numpy(np.asarray(part)).float() for part in (extractor.mel_filters, extractor.window)
        )
        window = nn.functional.pad(window, (0, int(extractor.n_fft) - len(window)))
        made: np.ndarray = griffin_lim(spectrogram.float().cpu(), filters, window, int(extractor.sample_stride)).numpy()
        return made

    def _spoken(self, text: Any, voice: torch.Tensor | None) -> Recording:
        if isinstance(text, VoicedText):
            voice = self.voice_of(text.voice)
        if voice is None:
            raise DataError(
                f"'{self.card.id}' needs a recording of a voice, and none was given.",
                'Put its path in front of the text: "me.wav Good night."',
            )
        with torch.random.fork_rng(), torch.inference_mode():
            # The decoder's first layers drop at random even in use.
            torch.manual_seed(_SEED)
            spectrogram = self.model.generate(
                self.tokens(str(text)).to(self.device), speaker_embeddings=voice.to(self.device).unsqueeze(0)
            )
        return Recording(self.wave(spectrogram).clip(-1, 1).astype(np.float32), self.rate)


class SpeechLearner:
    """Trains SpeechT5 by its own loss of spectrograms, ends and attention.

    Texts without a voice of their own are spoken in the mean voice of the training recordings.

    Attributes:
        module: maps a batch to the loss of it, batch x 1, the same for each.
    """

    classes = ()

    def __init__(self, backbone: SpeechT5Voice) -> None:
        self.backbone, self.pretrained = backbone, backbone.model
        self.module = _SpectrogramLosses(backbone.model, backbone.voice_length)

    def example(self, item: Any, target: Any) -> dict[str, torch.Tensor]:
        """The tokens, the spectrogram and the voice of a text with its recording.

        Raises:
            DataError: there is no recording.
        """
        if target.recording is None:
            raise DataError(
                "A speech model is trained on recordings, and the data have none.",
                "Name their column with --target-column.",
            )
        voice = item.voice if isinstance(item, VoicedText) else target.recording
        return {
            "tokens": self.backbone.tokens(target.text)[0],
            "spectrogram": self.backbone.spectrogram(target.recording),
            "voice": self.backbone.voice_of(voice),
        }

    def collate(self, examples: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Tokens and spectrograms padded at the end; the padding does not count."""
        padding = int(self.backbone.model.config.pad_token_id)
        tokens = [example["tokens"] for example in examples]
        padded = nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=padding)
        lengths = torch.tensor([len(row) for row in tokens])
        return {
            "input_ids": padded,
            "attention_mask": (torch.arange(padded.shape[1]) < lengths[:, None]).long(),
            "labels": nn.utils.rnn.pad_sequence(
                [example["spectrogram"] for example in examples], batch_first=True, padding_value=_IGNORED
            ),
            "speaker_embeddings": torch.stack([example["voice"] for example in examples]),
        }

    def predict(self, inputs: Sequence[Any]) -> list[Recording]:
        """Each text as a recording."""
        self.module.eval()
        return self.backbone.outputs(inputs, self.module.mean_voice())


class _SpectrogramLosses(nn.Module):
    voices: torch.Tensor

    def __init__(self, network: nn.Module, length: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("voices", torch.zeros(length))

    def mean_voice(self) -> torch.Tensor | None:
        """The mean speaker vector of the training recordings, of length 1; None before training."""
        length = self.voices.norm()
        return self.voices / length if length > 0 else None

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.training:
            self.voices += batch["speaker_embeddings"].sum(dim=0)
        found = self.network(**batch, output_attentions=True).loss
        return found.expand(len(batch["labels"])).unsqueeze(1)


def load(card: ModelCard, files: LocalFiles, architecture: str, device: str, dtype: str) -> AnsweringBackbone:
    """The voice of a transformers folder.

    Raises:
        UnsupportedModel: the folder lacks weights, or is damaged.
        UnsupportedPrecision: a precision other than float32 is requested.
    """
    require_float32(card, dtype, "speaks")
    model = load_model(getattr(transformers, architecture), card, files.root, unexpected=IGNORE)
    if architecture == VITS:
        return VitsVoice(card, model, load_tokenizer(card, files.root, "audio"), device)
    processor = load_part(transformers.AutoProcessor, card, files.root)
    return SpeechT5Voice(card, model, processor, vocoder_for(files.root, device), device)
