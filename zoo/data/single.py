"""Single inputs as people type them on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.kinds import audio
from zoo.kinds import image as images

LONGEST_PATH = 4096
"""Characters beyond which nothing is taken for the name of a file."""

_FILES = {"image": "image", "audio": "recording"}


def read_input(text: str, kind: str) -> Any:
    """What ``text`` stands for: what is in that file, or the text itself.

    A ``.txt`` file stands for its text.

    Raises:
        DataError: there is no such file, it cannot be decoded, or the text is empty.
        UnsupportedModel: inputs of this kind cannot be typed.
    """
    if kind == "text":
        return _text(text)
    if kind == "image-question":
        from zoo.data.visual_questions import parse as parse_visual

        return parse_visual(text)
    if kind not in _FILES:
        raise UnsupportedModel(f"Inputs of the kind '{kind}' cannot be given on the command line.")
    path = Path(text).expanduser()
    if not path.is_file():
        raise DataError(f"There is no {_FILES[kind]} file '{text}'.")
    if kind == "image":
        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
    facts = images.inspect(path) if kind == "image" else audio.inspect(path)
    if isinstance(facts, str):
        raise DataError(f"'{text}' cannot be read as {'an image' if kind == 'image' else 'a recording'}: it {facts}.")
    content = path.read_bytes()
    return images.decode(content) if kind == "image" else audio.decode(content)


def _text(text: str) -> str:
    """The text itself, or what is written in the ``.txt`` file of that name."""
    from zoo.kinds.text import read_text

    name = text.strip()
    if name.lower().endswith(".txt") and "\n" not in name and len(name) < LONGEST_PATH:
        path = Path(name).expanduser()
        if path.is_file():
            text = read_text(path)
    if not text.strip():
        raise DataError(f"'{name}' has no text.", "Give a text, or a .txt file that holds one.")
    return text
