"""Random changes of training recordings: speed, silence before them, loudness and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import needs_extra
from zoo.kinds.audio import Recording

if TYPE_CHECKING:
    import numpy as np

LIGHT, STRONG = "light", "strong"

DESCRIBED = {
    LIGHT: "speed by 5 %, up to 0.05 s of silence first, loudness by 6 dB, noise 30 to 50 dB below",
    STRONG: "speed by 10 %, up to 0.2 s of silence first, loudness by 12 dB, noise 15 to 40 dB below",
}
"""What each strength does; the end of a recording is never cut off, because of its words."""

SPEED = {LIGHT: 0.05, STRONG: 0.1}
"""Change of the speed, and with it of the pitch (Ko et al., "Audio augmentation for speech recognition", 2015)."""

SILENCE = {LIGHT: 0.05, STRONG: 0.2}
"""Maximum seconds of silence before the recording."""

DECIBELS = {LIGHT: 6.0, STRONG: 12.0}
"""Change of the loudness; it is limited so that no sample leaves -1 to 1."""

NOISE = {LIGHT: (30.0, 50.0), STRONG: (15.0, 40.0)}
"""Decibels of white noise below the recording's own power."""


def augmented(recording: Recording, strength: str, generator: np.random.Generator) -> Recording:
    """A recording at the same sampling rate, changed at random; float32.

    Raises:
        MissingExtra: soxr is not installed.
    """
    import numpy as np

    with needs_extra("audio", "augment recordings"):
        import soxr
    rate, speed = recording.sampling_rate, 1 + SPEED[strength] * generator.uniform(-1, 1)
    silence = int(generator.uniform(0, SILENCE[strength]) * rate)
    gain = 10 ** (DECIBELS[strength] * generator.uniform(-1, 1) / 20)
    below = 10 ** (-generator.uniform(*NOISE[strength]) / 20)
    samples = soxr.resample(recording.samples, rate * speed, rate) if len(recording.samples) > 1 else recording.samples
    samples = np.concatenate([np.zeros(silence, np.float32), samples])
    power = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    samples = samples + (below * power * generator.standard_normal(len(samples))).astype(np.float32)
    loudest = float(np.abs(samples).max(initial=0.0))
    samples = samples * np.float32(min(gain, 1 / loudest) if loudest else 1.0)
    return Recording(samples.astype(np.float32, copy=False), rate)
