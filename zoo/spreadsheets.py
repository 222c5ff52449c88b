"""Escapes text in exported tables, so that a spreadsheet does not run it as a formula."""

from __future__ import annotations

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""The start of a formula, after any quotes that escape it."""


def as_cell(text: str) -> str:
    """A text escaped so that a spreadsheet does not run it as a formula; ``text_of`` is the inverse."""
    return f"'{text}" if _FORMULA.match(text) else text


def text_of(cell: str) -> str:
    """The original text of a cell of an exported table."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
