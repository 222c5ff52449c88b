"""Self-contained HTML pages for screens, print and screen readers."""

from __future__ import annotations

from html import escape
from importlib import resources
from pathlib import Path

from zoo.atomic import replacing
from zoo.errors import StorageError, storage_errors
from zoo.redaction import redacted
from zoo.visible import visible_lines


def document(title: str, body: str) -> str:
    """A complete HTML page around ``body``, in zoo's style, without scripts or external resources."""
    style = (resources.files("zoo.pages") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; media-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def check(path: str | Path, what: str = "report") -> None:
    """Check that a page can be written, before hours of work.

    Raises:
        StorageError: the folder is missing or cannot be written to, or the path is a folder.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise StorageError(f"The {what} '{path}' is a folder.", f"Name a file, such as {what}.html.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder '{target.parent}' for the {what}.", "Create it, or choose another.")
    partial = target.with_name(f".{target.name}.partial")
    with storage_errors(target):
        partial.touch()
        partial.unlink()


def save(text: str, path: str | Path) -> Path:
    """Write a page atomically, without control characters and credentials; return its path.

    Raises:
        StorageError: it cannot be written.
    """
    target = Path(path).expanduser()
    with replacing(target) as place:
        place.write_text(visible_lines(redacted(text)), encoding="utf-8")
    return target
