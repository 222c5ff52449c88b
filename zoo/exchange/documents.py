"""Reads text, JSON and YAML files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import DataError
from zoo.untrusted import Malformed, parse_json, parse_yaml

MOST_BYTES = 25_000_000


def document(source: str) -> Any:
    """The content of a JSON or YAML file."""
    path = Path(source).expanduser()
    content = text(path)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return yaml(content, source)
    try:
        return parse_json(content)
    except ValueError as error:
        raise DataError(f"{source} is not valid JSON: {error}.", "A YAML file ends in .yaml.") from error


def text(path: Path) -> str:
    """The content of a text file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} is larger than {MOST_BYTES:,} bytes, which is too large for a list of models.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{path} cannot be read: {reason}.", "Check the path.") from error


def yaml(content: str, source: str) -> Any:
    """The value of YAML text."""
    try:
        return parse_yaml(content)
    except Malformed as error:
        raise DataError(f"{source} cannot be read as YAML: {error}.", "Correct it there.") from error
