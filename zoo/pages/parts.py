"""Parts of pages about answers: figures, tables, legends."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN = 20
"""Maximum rows of a table: objects, labels, atoms."""

LARGEST = 1024
"""Maximum length of the longer side of an image in a page, in pixels."""


def figure(image: Image, words: str, caption: str, style: str = "found") -> str:
    """An image embedded in the page, with ``words`` as its alternative text."""
    drawn = image.convert("RGB")
    drawn.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<figure class="{style}"><img alt="{escape(words)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table with a caption; columns of figures are aligned to the right."""
    first = "".join(f'<th scope="col"{_number(at, rows)}>{escape(head)}</th>' for at, head in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(f'<td{_number(at, rows)}>{escape(cell)}</td>' for at, cell in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"


def rest(found: Sequence[Any]) -> str:
    """How many rows a table leaves out, in a sentence that begins with a space; empty if it has all."""
    return f" {len(found) - SHOWN} more are in the JSON." if len(found) > SHOWN else ""


def swatch(colour: tuple[int, int, int] | None) -> str:
    """A patch of a colour in a legend; an empty one for None."""
    fill = "transparent" if colour is None else f"rgb{colour}"
    return f'<span class="swatch" style="background:{fill}" aria-hidden="true"></span>'


def _number(column: int, rows: Sequence[Sequence[str]]) -> str:
    figures = bool(rows) and all(row[column].lstrip("+-").replace(".", "", 1).isdigit() for row in rows)
    return ' class="number"' if column and figures else ""
