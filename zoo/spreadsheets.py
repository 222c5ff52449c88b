"""Texts in cells of exported tables that a spreadsheet shows instead of computing them."""

from __future__ import annotations

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""What a spreadsheet would take for the beginning of a formula, behind the quotes that say that it is none."""


def as_cell(text: str) -> str:
    """A text that a spreadsheet shows instead of computing it; ``text_of`` is its inverse."""
    return f"'{text}" if _FORMULA.match(text) else text


def text_of(cell: str) -> str:
    """The text that a cell of an exported table stands for."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
