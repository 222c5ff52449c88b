"""Named entities as HTML, marked in their text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from zoo.pages import drawing, parts

if TYPE_CHECKING:
    from zoo_language.entities.spans import NamedEntities


def marked(text: str, found: NamedEntities) -> str:
    """A text with its entities in the colours of their types, and a table of them."""
    if not found:
        return f"<blockquote>{escape(text)}</blockquote><p>Nothing was found.</p>"
    types = sorted({one.label for one in found})
    pieces, position = [], 0
    for one in sorted(found, key=lambda one: one.start):
        if one.start < position:
            continue
        hue = drawing.colour(types.index(one.label))
        pieces.append(escape(text[position : one.start]))
        pieces.append(
            f'<mark class="entity" style="border-color:rgb{hue}">{escape(text[one.start : one.end])}'
            f"<small> {escape(one.label)}</small></mark>"
        )
        position = one.end
    pieces.append(escape(text[position:]))
    scored = any(one.score is not None for one in found)
    rows = [(one.word, one.label, *([f"{one.score or 0.0:.3f}"] if scored else [])) for one in found[: parts.SHOWN]]
    heads = ("Words", "Entity", *(["Score"] if scored else []))
    table = parts.table(heads, rows, f"Entities in the order of the text.{parts.rest(found)}")
    return f'<p class="lead">{"".join(pieces)}</p>{table}'
