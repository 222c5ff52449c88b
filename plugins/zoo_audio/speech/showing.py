"""Generated recordings on a page: a player, the spectrogram, and the given voice."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from zoo.contract.values import LONGEST_HEADING
from zoo.kinds.audio import Recording, encode
from zoo.kinds.spectrogram import draw_recording
from zoo.pages import parts
from zoo_audio.speech.utterances import VoicedText

PLAYABLE = 8_000
"""Minimum samples per second that browsers play."""


def sound(item: Any, answer: Recording) -> str:
    """The text, a player for the generated recording, its spectrogram, and the given voice."""
    facts = f"{answer.seconds:.2f} seconds at {answer.sampling_rate:,} Hz."
    text = str(item)
    # The heading is what was typed, unless that is long or begins with the path of a voice.
    quoted = isinstance(item, VoicedText) or len(text) > LONGEST_HEADING
    pieces = [
        f'<p class="lead">\u201c{escape(text)}\u201d</p>' if quoted else "",
        player(answer, "The generated recording"),
        parts.figure(draw_recording(answer, ()), f"The spectrogram of {facts}", f"{facts} Over seconds and kilohertz."),
    ]
    if isinstance(item, VoicedText):
        pieces += ["<h3>The voice</h3>", player(item.voice, "The recording whose voice it is spoken in")]
    return "".join(pieces)


def player(recording: Recording, words: str) -> str:
    """A recording to listen to, inside the page.

    Args:
        words: description for screen readers.
    """
    rate = max(recording.sampling_rate, PLAYABLE)
    data = base64.b64encode(encode(Recording(recording.at(rate), rate))).decode("ascii")
    return f'<p><audio controls aria-label="{escape(words)}" src="data:audio/wav;base64,{data}"></audio></p>'
