# ruff: noqa
# mypy: ignore-errors
"""How answers without a home of their own are shown."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from zoo.contract.values import short
from zoo.errors import InvalidInput
from zoo.pages import drawing, parts

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

PLAYABLE = 8_000


def shown(item: Any, answer: Any) -> str:
    """One answer beside its input, as HTML."""
    if hasattr(answer, "sampling_rate"):
        return _sound(item, answer)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        if answer and all(isinstance(found, Mapping) and "label" in found for found in answer):
            return _labels(item, answer)
        if not answer:
            return f"{_input(item)}<p>Nothing was found.</p>"
    if isinstance(answer, str) and not answer.strip():
        return f"{_input(item)}<p>The answer is empty: nothing was found.</p>"
    return f'{_input(item)}<h3>Answer</h3><p class="lead">{escape(_words(answer))}</p>'


def _sound(item: Any, answer: Any) -> str:
    """What was said or described, what came of it to listen to, and its spectrogram; the voice it was spoken in."""
    from zoo.kinds.spectrogram import draw_recording

    told = f"{answer.seconds:.2f} seconds at {answer.sampling_rate:,} Hz."
    text = str(item)
    # The heading has what was typed, unless that is long or a voice comes before it.
    quoted = hasattr(item, "voice") or len(text) > 80
    pieces = [
        f'<p class="lead">\u201c{escape(text)}\u201d</p>' if quoted else "",
        _player(answer, "What the model made of it"),
        parts.figure(draw_recording(answer, ()), f"The spectrogram of {told}", f"{told} Over seconds and kilohertz."),
    ]
    if hasattr(item, "voice"):
        pieces += ["<h3>The voice</h3>", _player(item.voice, "The recording whose voice it is spoken in")]
    return "".join(pieces)


def _player(recording: Any, words: str) -> str:
    from zoo.kinds.audio import Recording, encode

    rate = max(recording.sampling_rate, PLAYABLE)
    data = base64.b64encode(encode(Recording(recording.at(rate), rate))).decode("ascii")
    return f'<p><audio controls aria-label="{escape(words)}" src="data:audio/wav;base64,{data}"></audio></p>'


def _labels(item: Any, found: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for one in found[: parts.SHOWN]:
        score = float(one.get("score", 0.0))
        bar = f'<span class="share" style="width:{100 * max(0.0, min(1.0, score)):.1f}%"></span>'
        cells = f'<td>{escape(str(one["label"]))}</td><td class="number">{score:.3f}</td><td class="bar">{bar}</td>'
        rows.append(f"<tr>{cells}</tr>")
    table = (
        f"<table><caption>Best first.{parts.rest(found)}</caption>"
        '<thead><tr><th scope="col">Label</th><th scope="col" class="number">Score</th><td></td></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return _input(item) + table


def _input(item: Any) -> str:
    if hasattr(item, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        told = f"The spectrogram of {item.seconds:.1f} seconds."
        return parts.figure(draw_recording(item, ()), told, "The recording over seconds and kilohertz.")
    if hasattr(item, "convert") and hasattr(item, "size"):
        return parts.figure(item, f"The input, {item.size[0]} by {item.size[1]} pixels.", "The input.")
    return f"<blockquote>{escape(item)}</blockquote>" if isinstance(item, str) else ""


def _words(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return "; ".join(f"{name}: {_words(value)}" for name, value in answer.items())
    return f"{answer:.6g}" if isinstance(answer, float) else str(answer)


def summary(answer: Any) -> tuple[str, str]:
    """An answer in a few words, and its score where it has one."""
    if hasattr(answer, "sampling_rate"):
        return f"{answer.seconds:.2f} s at {answer.sampling_rate:,} Hz", ""
    if isinstance(answer, float):
        return f"{answer:.6g}", ""
    if not isinstance(answer, Mapping):
        return str(answer).strip() or "(nothing)", ""
    score = f"{answer['score']:.3f}" if "score" in answer else ""
    return str(answer.get("label", dict(answer))), score


def plain(answer: Any) -> Any:
    """An answer as plain JSON values: arrays as lists, pictures as PNG in base64, of recordings length and rate."""
    if hasattr(answer, "sampling_rate"):
        return {"seconds": round(answer.seconds, 3), "sampling_rate": answer.sampling_rate}
    if hasattr(answer, "tolist"):
        return answer.tolist()
    if isinstance(answer, Mapping):
        return {name: plain(value) for name, value in answer.items()}
    return [plain(value) for value in answer] if isinstance(answer, (list, tuple)) else answer


def draw(item: Any, answer: Any) -> Image:
    """A copy of a picture with the boxes or the mask of an answer on it; a recording's spectrogram under its answer.


    Raises:
        InvalidInput: the answer holds neither.
    """
    if hasattr(answer, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        return draw_recording(answer, str(item))
    if hasattr(item, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        return draw_recording(item, answer)
    raise InvalidInput("This answer holds no boxes and no mask, so that there is nothing to draw.", "Leave -o out.")
