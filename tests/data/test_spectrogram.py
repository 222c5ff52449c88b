"""Spectrograms: a tone is where it belongs, silence is dark, and the image shows the answer."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.kinds.audio import Recording
from zoo.kinds.spectrogram import FLOOR, FRAMES, draw_recording, spectrogram

RATE = 8000


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


@pytest.mark.parametrize("hertz", [400, 1000, 3000])
def test_a_tone_is_loudest_at_its_frequency(hertz: int) -> None:
    decibels = spectrogram(tone(hertz), RATE, frames=20)
    assert decibels.shape == (101, 20)
    assert abs(decibels[:, 10].argmax() * RATE / 200 - hertz) <= RATE / 200
    assert decibels.max() == 0.0


def test_time_runs_to_the_right() -> None:
    decibels = spectrogram(np.concatenate([tone(500), tone(3000)]), RATE, frames=40)
    assert decibels[:, 5].argmax() < decibels[:, 35].argmax()


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(1, np.float32)])
def test_silence_has_the_lowest_level(samples: np.ndarray) -> None:
    assert (spectrogram(samples, RATE) == -FLOOR).all()


@pytest.mark.parametrize("answer", ["seven", ["whistle  0.90", "wind  0.10"]])
def test_the_image_has_the_answer_above_and_the_tone_below(answer: str | list[str]) -> None:
    drawn = np.asarray(draw_recording(Recording(tone(1000), RATE), answer))
    assert drawn.shape[1] > FRAMES
    lines = 1 if isinstance(answer, str) else 2
    words = drawn[: 22 * lines + 12]
    assert (words < 128).any()
    assert (words[:, : FRAMES // 20] == 255).all()
    # The brightest row of the plot is a quarter of the way up from 0 to 4 kHz.
    plot = drawn[-360:-40, 400:500].astype(float).sum(axis=(1, 2))
    assert abs(plot.argmax() - 240) <= 4


def test_a_long_transcript_is_broken_into_lines() -> None:
    one = draw_recording(Recording(tone(1000), RATE), "word")
    many = draw_recording(Recording(tone(1000), RATE), "word " * 60)
    assert many.size[0] == one.size[0]
    assert many.size[1] > one.size[1] + 40
