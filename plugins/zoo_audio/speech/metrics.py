"""Metrics of generated recordings, of speech or of music: their words, voice and sound.

The metrics use models (``zoo.features.metric_models``); a metric whose model is not installed is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import EmbedsTexts
from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.kinds.audio import Recording
from zoo.kinds.metrics.distances import frechet_distance
from zoo_audio.options import ASR_MODEL, CLAP_MODEL, FRECHET_MODEL, QUALITY_MODEL, SPEAKER_ENCODER
from zoo_audio.speech.utterances import SoundingText

if TYPE_CHECKING:
    import numpy as np

MUSIC = "text-to-audio"
METRIC_MODELS = {
    "text-to-speech": (ASR_MODEL, SPEAKER_ENCODER, QUALITY_MODEL),
    MUSIC: (FRECHET_MODEL, CLAP_MODEL),
}
"""The models that the metrics of a task use."""

REMEMBERED = 10_000
_heard: dict[tuple[str, bytes], str] = {}
"""Maximum number of cached transcripts, by ASR model and recording."""

CEPSTRA, MELS = 13, 40
"""Number of mel cepstral coefficients compared, without the first (the loudness), and number of mel bands."""

RATE, WINDOW, HOP = 16_000, 400, 160
"""Samples per second, per window, and from one window to the next: 25 and 10 ms."""

_DECIBELS = 10 * 2**0.5 / 2.302585092994046
"""10 sqrt(2) / ln 10: converts a distance of cepstra to decibels."""

FAINT = 0.01
"""Root mean square of the baseline's noise if there are no recordings."""

_QUIET = 1e-8
"""Power of a band that counts as silence, of sounds from -1 to 1."""


def transcript(recording: Recording) -> str:
    """The words that the ASR model recognises in a recording; each recording is transcribed once.

    Raises:
        ZooError: no ASR model is named, or it cannot be downloaded or loaded.
    """
    key = (ASR_MODEL.id, hashlib.sha256(recording.tobytes()).digest())
    if key not in _heard:
        [words] = ASR_MODEL.load().predict([recording], "automatic-speech-recognition")
        if len(_heard) >= REMEMBERED:
            _heard.clear()
        _heard[key] = str(words)
    return _heard[key]


def speaker_similarity(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean cosine similarity of the speaker vectors of each answer and its real recording; -1 to 1."""
    import numpy as np

    pairs = _pairs("speaker_similarity", targets, predictions)
    real, made = (SPEAKER_ENCODER.embed([pair[side] for pair in pairs]) for side in (0, 1))
    lengths = np.linalg.norm(real, axis=1) * np.linalg.norm(made, axis=1)
    return float(((real * made).sum(axis=1) / np.maximum(lengths, np.finfo(float).tiny)).mean())


def predicted_mos(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean opinion score predicted by a model; 1 to 5 (Reddy et al., "DNSMOS P.835", 2022: overall)."""
    made = [generated("predicted_mos", target, found) for target, found in zip(targets, predictions, strict=True)]
    if not made:
        raise DataError("'predicted_mos' needs at least one recording.")
    scores = QUALITY_MODEL.load().predict(made, "speech-quality-prediction")
    return float(sum(scores) / len(scores))


def mel_cepstral_distortion(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean distance of the mel cepstra along the best alignment, in dB; 0 and up (Kubichek, 1993, equation 2).

    Frames of 25 ms every 10 ms, aligned by dynamic time warping.
    """
    pairs = _pairs("mel_cepstral_distortion", targets, predictions)
    return sum(_distortion(_cepstra(real), _cepstra(made)) for real, made in pairs) / len(pairs)


def frechet_audio_distance(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Fréchet distance between the features of the real and of the generated recordings; 0 and up.

    As in Kilgour et al., "Fréchet audio distance", 2019, but on the features of the setting ``frechet_model``: values
    are comparable only for the same model.
    """
    pairs = _pairs("frechet_audio_distance", targets, predictions)
    return frechet_distance(*(FRECHET_MODEL.embed([pair[side] for pair in pairs]) for side in (0, 1)))


def clap_score(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean cosine similarity of a CLAP model's vectors of each text and its generated recording; -1 to 1."""
    import numpy as np

    made = [generated("clap_score", target, found) for target, found in zip(targets, predictions, strict=True)]
    if not made:
        raise DataError("'clap_score' needs at least one recording.")
    backbone = CLAP_MODEL.load().backbone
    if not isinstance(backbone, EmbedsTexts):
        raise DataError(f"'{backbone.card.id}' has no text features, so it cannot compute a CLAP score.")
    sounds = CLAP_MODEL.embed(made)
    texts = np.asarray(backbone.embed_texts([target.text for target in targets]), dtype=np.float64)
    lengths = np.linalg.norm(sounds, axis=1) * np.linalg.norm(texts, axis=1)
    return float(((sounds * texts).sum(axis=1) / np.maximum(lengths, np.finfo(float).tiny)).mean())


METRICS = (
    Metric(
        "speaker_similarity",
        speaker_similarity,
        True,
        "Mean cosine similarity of the speaker vectors of answers and real recordings; -1 to 1.",
        bounds=(-1, 1),
        recomputed=20,
    ),
    Metric(
        "predicted_mos",
        predicted_mos,
        True,
        "Opinion score of speech predicted by a model (DNSMOS); 1 to 5.",
        bounds=(1, 5),
        recomputed=20,
    ),
    Metric(
        "mel_cepstral_distortion",
        mel_cepstral_distortion,
        False,
        "Mean distance in dB of the mel cepstra of answers and real recordings, aligned in time; 0 and up.",
        bounds=(0, inf),
        recomputed=20,
    ),
    Metric(
        "frechet_audio_distance",
        frechet_audio_distance,
        False,
        "Fréchet distance of an audio model's features of answers and real recordings; 0 and up.",
        bounds=(0, inf),
        recomputed=20,
    ),
    Metric(
        "clap_score",
        clap_score,
        True,
        "Mean cosine similarity of a CLAP model's vectors of texts and answers; -1 to 1.",
        bounds=(-1, 1),
        recomputed=20,
    ),
)


def _pairs(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[Recording, Recording]]:
    """Real and generated recordings; raises ``DataError`` if there are none."""
    pairs = []
    for target, found in zip(targets, predictions, strict=True):
        made = generated(name, target, found)
        if target.recording is None:
            raise DataError(f"'{name}' needs a real recording of each text.", "Name their column with --target-column.")
        pairs.append((target.recording, made))
    if not pairs:
        raise DataError(f"'{name}' needs at least one recording.")
    return pairs


def generated(name: str, target: Any, found: Any) -> Recording:
    """The recording of an answer; for a target, its own recording, to check whether a metric applies.

    Raises:
        DataError: the target is not a ``SoundingText``, or the answer is not a recording.
    """
    recording = found
    if isinstance(found, SoundingText):
        recording = found.recording if found.recording is not None else _noise(1, RATE, RATE, FAINT)[0]
    if not isinstance(target, SoundingText) or not isinstance(recording, Recording):
        raise DataError(f"'{name}' needs recordings with their texts.")
    return recording


def _cepstra(recording: Recording) -> np.ndarray:
    """Mel cepstra without the first coefficient, frames x 13: of the log magnitude's series 2 c_m cos(m w)."""
    import numpy as np
    from scipy.fft import dct
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    wave = np.pad(recording.at(RATE), (0, max(0, WINDOW - len(recording.at(RATE)))))
    bank = mel_filter_bank(WINDOW // 2 + 1, MELS, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    power = spectrogram(wave, window_function(WINDOW), WINDOW, HOP, power=2.0, mel_filters=bank)
    magnitudes = 0.5 * np.log(np.maximum(power, _QUIET))
    cepstra: np.ndarray = dct(magnitudes, axis=0)[1 : CEPSTRA + 1].T / (2 * MELS)
    return cepstra


def _distortion(real: np.ndarray, made: np.ndarray) -> float:
    """Mean over the cheapest path of the distances in dB; the cells of an anti-diagonal are computed together."""
    import numpy as np

    costs = _DECIBELS * np.linalg.norm(real[:, None] - made[None], axis=2)
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    steps = np.zeros((rows + 1, columns + 1))
    total[0, 0] = 0.0
    for diagonal in range(2, rows + columns + 1):
        row = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        column = diagonal - row
        before = np.stack([total[row - 1, column - 1], total[row - 1, column], total[row, column - 1]])
        counted = np.stack([steps[row - 1, column - 1], steps[row - 1, column], steps[row, column - 1]])
        best = before.argmin(axis=0)
        total[row, column] = costs[row - 1, column - 1] + before[best, range(len(row))]
        steps[row, column] = 1 + counted[best, range(len(row))]
    return float(total[-1, -1] / steps[-1, -1])


def baseline(count: int, known: Sequence[SoundingText], task: str) -> list[Recording]:
    """Speech: the real recording of median length, whatever the text. Music: noise as loud and as long as it.

    If there is no recording, a second of faint noise.
    """
    import numpy as np

    real = sorted((target.recording for target in known if target.recording is not None), key=lambda one: one.seconds)
    middle = real[len(real) // 2] if real else None
    if middle is None:
        return _noise(count, RATE, RATE, FAINT)
    if task != MUSIC:
        return [middle] * count
    loudness = float(np.sqrt(np.mean(np.square(middle.samples))))
    return _noise(count, len(middle.samples), middle.sampling_rate, loudness)


def _noise(count: int, samples: int, rate: int, loudness: float) -> list[Recording]:
    """White noise of a root mean square, different each time."""
    import numpy as np

    generator = np.random.default_rng(0)
    waves = (loudness * generator.standard_normal(samples) for _ in range(count))
    return [Recording(wave.clip(-1, 1).astype(np.float32), rate) for wave in waves]
