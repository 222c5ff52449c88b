"""Creates a new plugin: a complete distribution that passes its own tests, as a starting point."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from zoo.errors import InvalidInput, storage_errors
from zoo.plugins import plugins

TEMPLATE = Path(__file__).with_name("template")
EXAMPLE = "acme"
"""The placeholder for the plugin's name in the template."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


def write(name: str, parent: Path) -> list[Path]:
    """Write the distribution ``zoo-NAME`` into a folder of that name; returns the files, sorted.

    Raises:
        InvalidInput: the name is invalid, or that of an installed plugin.
        StorageError: the folder already exists, or cannot be written.
    """
    if not _NAME.match(name) or keyword.iskeyword(name):
        raise InvalidInput(f"'{name}' is not a valid plugin name.", "Write lower-case-words, such as time-series.")
    if any(report.name == name for report in plugins().reports):
        raise InvalidInput(f"A plugin called '{name}' is already installed.", "See them: zoo plugins")
    folder = parent.expanduser() / f"zoo-{name}"
    written = []
    with storage_errors(folder):
        folder.mkdir(parents=True)
        for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and _belongs(path)):
            relative = source.relative_to(TEMPLATE).as_posix().replace(f"zoo_{EXAMPLE}", _module(name))
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(source.read_text(encoding="utf-8"), name), encoding="utf-8")
            written.append(target)
    return sorted(written)


def _module(name: str) -> str:
    return f"zoo_{name.replace('-', '_')}"


def _renamed(text: str, name: str) -> str:
    return text.replace(f"zoo_{EXAMPLE}", _module(name)).replace(EXAMPLE, name)


def _belongs(path: Path) -> bool:
    """Whether a file is part of the template, not a cache of some tool."""
    parts = path.relative_to(TEMPLATE).parts
    return not any(part == "__pycache__" or part.startswith(".") for part in parts)
