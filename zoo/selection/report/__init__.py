"""The report: one self-contained page, for the screen, for paper and for screen readers."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.answers import Recommendation
from zoo.pages import check, document, save

__all__ = ["check", "page", "write"]

if TYPE_CHECKING:
    from zoo.entities import Dataset


def write(result: Recommendation, path: str | Path, dataset: Dataset | None = None) -> Path:
    """Write the page atomically, and return its path.

    Args:
        dataset: the data set, to show samples of it; None shows none.

    Raises:
        StorageError: it cannot be written.
    """
    return save(page(result, dataset), path)


def page(result: Recommendation, dataset: Dataset | None = None) -> str:
    """The page as HTML, without scripts or external resources."""
    from zoo.selection.report import ranking, sections
    from zoo.selection.report.samples import samples

    title = f"Which model to start from for {result.data['name']}"
    shown = samples(dataset) if dataset is not None else ""
    classes = f", {result.data['classes']} classes" if result.data.get("classes") else ""
    version = escape(str((result.provenance.get("versions") or {}).get("zoo", "")))
    body = "\n".join(
        (
            f"<header><h1>{escape(title)}</h1>",
            f'<p class="soft">{escape(result.task)}, {result.data["samples"]:,} samples{classes}</p></header>',
            "<main>",
            sections.answer(result),
            sections.warnings(result),
            "<h2>The candidates</h2>",
            ranking.ranking(result),
            ranking.figures(result),
            ranking.learning(result),
            ranking.selection(result),
            sections.explanations(result),
            sections.data(result, shown),
            sections.exclusions(result),
            sections.repeating(result),
            "</main>",
            f'<footer class="soft">zoo {version}</footer>',
        )
    )
    return document(title, body)
