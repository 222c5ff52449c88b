"""Shows control characters and direction marks as visible escapes, and leaves all other text unchanged."""

from __future__ import annotations

import json
import re
from typing import Any

_UNSEEN = (
    r"\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 except the newline, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of direction
    r"\u2028\u2029\ud800-\udfff"  # invisible line ends, lone surrogates
)
_IN_LINES = re.compile(f"[{_UNSEEN}]")
_IN_A_LINE = re.compile(rf"[{_UNSEEN}\n]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """One line: control characters, line ends among them, and marks of direction as ``\\x1b``, ``\\n``, ``\\u202e``.

    Letters of any script, accents, emoji and the joiners inside them stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _IN_A_LINE.sub(_escaped, text)


def visible_lines(text: str) -> str:
    """As ``visible``, for text of several lines: line ends stay, a tab becomes four spaces."""
    if "\r" in text or "\t" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return _IN_LINES.sub(_escaped, text)


def json_text(document: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """A document as JSON without invisible characters: they are written as JSON's own escapes.

    Args:
        ascii_only: escape all that is not ASCII, for a stream whose encoding is not UTF-8.

    Raises:
        ValueError: it holds NaN or an infinite number.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    return text if ascii_only else _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def writes_unicode(stream: Any) -> bool:
    """Whether a text stream can hold all characters, as UTF-8 can."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-") in {"utf-8", "utf8"}


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    return _SHORT.get(character) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")
