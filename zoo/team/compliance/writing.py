"""Writes the facts of a model as Markdown or JSON; texts of cards cannot become markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from zoo.team.compliance.annex import NOT_PUBLISHED, Annex, Fact
from zoo.visible import json_text, visible

_MARKUP = re.compile(r"([\\`*\[\]|~])")


def as_json(annex: Annex) -> str:
    """One document with all facts; a value that is not published is null."""
    return json_text(annex.to_dict(), indent=2) + "\n"


def as_markdown(annex: Annex) -> str:
    """A page with a table of the facts, and one of those on the own training."""
    lines = [
        f"# Information on {escaped(annex.model)}",
        "",
        "Facts for Annex XII of Regulation (EU) 2024/1689, each with its source.",
        *(escaped(note) for note in annex.notes),
        "",
        *_table(annex.facts, points=True),
    ]
    if annex.modification:
        lines += ["", "## The adaptation", "", *_table(annex.modification, points=False)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text of a card in one line, without meaning in Markdown or HTML."""
    return _MARKUP.sub(r"\\\1", html.escape(visible(text), quote=False))


def _table(facts: Iterable[Fact], *, points: bool) -> Iterator[str]:
    heads = [*(["Annex XII"] if points else []), "what", "value", "source"]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for fact in facts:
        value = NOT_PUBLISHED if fact.value is None else fact.value
        cells = [*([fact.point or "-"] if points else []), fact.name, value, fact.source or "-"]
        yield f"| {' | '.join(map(escaped, cells))} |"
