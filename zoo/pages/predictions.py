"""The page of a model's predictions; each kind of answer renders itself, also as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from zoo.pages import document


def page(model: str, title: str, sections: Sequence[str], count: int) -> str:
    """One page for all predictions of a model.

    Args:
        title: of the task.
        sections: rendered by the kind of the answers (``zoo.contract.kind.Kind.sections``).
        count: number of inputs.
    """
    heading = f"Predictions of {model}"
    inputs = f"{count:,} input{'s' if count != 1 else ''}"
    head = f'<header><h1>{escape(heading)}</h1><p class="soft">{escape(title)}, {inputs}</p></header>'
    return document(heading, "\n".join((head, "<main>", *sections, "</main>")))
