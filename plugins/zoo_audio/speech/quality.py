"""DNSMOS P.835: predicts how listeners would rate speech (Reddy, Gopal and Cutler, ICASSP 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.kinds.audio import Recording

with needs_extra("speech", "predict the quality of speech"):
    import numpy as np
    import onnxruntime

from zoo_audio.answering import AnsweringBackbone

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

RATE = 16_000
SAMPLES = int(9.01 * RATE)
"""Samples per pass of the network; shorter recordings are repeated, longer ones cut into windows one second apart."""

OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""The polynomial, highest power first, fitted by the authors from the third output to the overall score."""


class QualityPredictor(AnsweringBackbone):
    """One number for each recording: the overall opinion score, 1 to 5."""

    task = "speech-quality-prediction"

    def __init__(self, card: ModelCard, session: Any, device: str) -> None:
        super().__init__(card, "audio", device)
        self._session = session

    def outputs(self, inputs: Sequence[Any]) -> list[float]:
        """The mean over the windows of each recording.

        Raises:
            DataError: an input is not a recording.
        """
        for recording in inputs:
            if not isinstance(recording, Recording):
                raise DataError(f"'{self.card.id}' takes recordings, not {type(recording).__name__}.")
        return [self._rated(recording.at(RATE)) for recording in inputs]

    def _rated(self, wave: np.ndarray) -> float:
        if not len(wave):
            wave = np.zeros(1, dtype=np.float32)
        if len(wave) < SAMPLES:
            wave = np.tile(wave, -(-SAMPLES // len(wave)))[:SAMPLES]
        stretches = [wave[at : at + SAMPLES] for at in range(0, len(wave) - SAMPLES + 1, RATE)]
        name = self._session.get_inputs()[0].name
        raw = [self._session.run(None, {name: stretch[None].astype(np.float32)})[0][0][2] for stretch in stretches]
        return float(np.polyval(OVERALL, np.array(raw, dtype=np.float64)).mean())


def load(card: ModelCard, files: LocalFiles, device: str) -> QualityPredictor:
    """The predictor of an ONNX file.

    Raises:
        UnsupportedModel: the file is damaged.
    """
    try:
        session = onnxruntime.InferenceSession(
            str(files.path(str(card.loader["weights"]))), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors share no base class below Exception
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(f"'{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}") from error
    return QualityPredictor(card, session, device)
