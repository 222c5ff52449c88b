"""The report: one page that needs nothing else, for the screen, for paper and for being read aloud."""

from __future__ import annotations

from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.answers import Recommendation
from zoo.errors import StorageError, storage_errors

if TYPE_CHECKING:
    from zoo.entities import Dataset


def check(path: str | Path) -> None:
    """See that a report can be written, before hours of measuring.

    Raises:
        StorageError: the folder is missing or cannot be written to, or the path is a folder.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise StorageError(f"The report '{path}' is a folder.", "Name a file, such as report.html.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder '{target.parent}' for the report.", "Make it, or name another.")
    partial = _partial(target)
    with storage_errors(target):
        partial.touch()
        partial.unlink()


def write(result: Recommendation, path: str | Path, dataset: Dataset | None = None) -> Path:
    """Write the page, whole or not at all, and return where it is.

    Args:
        dataset: the data set, to show samples of it; None shows none.

    Raises:
        StorageError: it cannot be written.
    """
    target = Path(path).expanduser()
    partial = _partial(target)
    with storage_errors(target):
        partial.write_text(page(result, dataset), encoding="utf-8")
        partial.replace(target)
    return target


def page(result: Recommendation, dataset: Dataset | None = None) -> str:
    """The page as HTML: no script, no address that a browser would fetch."""
    from zoo.recommend.report import sections
    from zoo.recommend.report.samples import samples

    style = (resources.files("zoo.recommend.report") / "style.css").read_text(encoding="utf-8")
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
            sections.ranking(result),
            sections.pictures(result),
            sections.learning(result),
            sections.selection(result),
            sections.explanations(result),
            sections.data(result, shown),
            sections.exclusions(result),
            sections.repeating(result),
            "</main>",
            f'<footer class="soft">zoo {version}</footer>',
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")
