"""Whisper run by CTranslate2, through faster-whisper: transcripts, and features of its encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.kinds.audio import Recording
from zoo.loading.dtypes import require_float32

with needs_extra("speech", "run Whisper by faster-whisper"):
    import numpy as np
    from faster_whisper import WhisperModel
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.transcribe import get_ctranslate2_storage

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

RECOGNITION = "automatic-speech-recognition"
LAYER = "encoder.mean"
RATE = 16_000
FRAMES = 3_000
"""Frames of a 30-second spectrogram; the encoder has one position for two frames, 320 samples."""

_SAMPLES = 320


class FasterWhisperBackbone:
    """The whole ASR model, and the mean of the encoder's last layer over the positions with sound.

    Attributes:
        card: its model card.
        layers: only the encoder's mean.
    """

    input_kind = "audio"
    layers: tuple[str, ...] = (LAYER,)

    def __init__(self, card: ModelCard, model: Any, device: str) -> None:
        self.card, self.device, self._model = card, device, model
        silence = np.zeros((1, model.model.n_mels, FRAMES), dtype=np.float32)
        self.embedding_dimension = int(self._encoded(silence).shape[2])

    def preprocess(self, item: Any) -> tuple[np.ndarray, int]:
        """The log-mel spectrogram of the first 30 seconds, mels x 3,000, and the number of positions with sound.

        Raises:
            DataError: it is not a recording.
        """
        wave = self._wave(item)[: FRAMES * _SAMPLES // 2]
        heard = min(max(1, -(-len(wave) // _SAMPLES)), FRAMES // 2)
        return pad_or_trim(self._model.feature_extractor(wave)), heard

    def collate(self, items: Sequence[tuple[np.ndarray, int]]) -> dict[str, np.ndarray]:
        """Spectrograms, batch x mels x frames, and the number of positions with sound."""
        spectrograms = np.stack([spectrogram for spectrogram, _ in items]).astype(np.float32)
        return {"mel": spectrograms, "heard": np.array([heard for _, heard in items])}

    def features(self, batch: dict[str, np.ndarray], layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Batch x d."""
        states = self._encoded(batch["mel"])
        means = np.stack([state[:heard].mean(axis=0) for state, heard in zip(states, batch["heard"], strict=True)])
        return dict.fromkeys(layers, means)

    def _wave(self, item: Any) -> np.ndarray:
        if not isinstance(item, Recording):
            raise DataError(f"'{self.card.id}' takes recordings, not {type(item).__name__}.")
        wave: np.ndarray = item.at(RATE)
        return wave

    def _encoded(self, spectrograms: np.ndarray) -> np.ndarray:
        """The encoder's states, batch x positions x d, in main memory."""
        states = self._model.model.encode(get_ctranslate2_storage(spectrograms), to_cpu=True)
        return np.asarray(states, dtype=np.float32)

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[str] | None:
        """The transcript of each whole recording, by greedy decoding; None for other tasks.

        Raises:
            DataError: one is not a recording.
        """
        if task != RECOGNITION:
            return None
        texts = []
        for item in inputs:
            segments, _ = self._model.transcribe(
                self._wave(item), beam_size=1, temperature=0.0, without_timestamps=True
            )
            texts.append(" ".join(segment.text.strip() for segment in segments))
        return texts


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> FasterWhisperBackbone:
    """The ASR model of a CTranslate2 folder.

    Raises:
        UnsupportedModel: the folder has none.
        UnsupportedPrecision: a precision other than float32 is requested.
    """
    require_float32(card, dtype)
    kind, _, index = device.partition(":")
    try:
        model = WhisperModel(
            str(files.root),
            device=kind if kind == "cuda" else "cpu",
            device_index=int(index or 0),
            compute_type="float32",
            local_files_only=True,
        )
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(f"'{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}") from error
    return FasterWhisperBackbone(card, model, device)
