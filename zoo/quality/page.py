"""The page of suspicious samples: each with its label and the suggestion, outliers, confused pairs, easy classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.kinds.known import kind_of
from zoo.pages import check, document, parts, save

if TYPE_CHECKING:
    from zoo.entities import Dataset
    from zoo.quality.findings import LabelErrors, Suspect

__all__ = ["check", "page", "write"]

SHOWN = 60
"""Maximum number of suspects in the page."""

SHOWN_OUTLIERS = 24


def write(found: LabelErrors, dataset: Dataset, path: str | Path) -> Path:
    """Write the page atomically, and return its path; raises ``StorageError`` if it cannot be written."""
    return save(page(found, dataset), path)


def page(found: LabelErrors, dataset: Dataset) -> str:
    """The page as HTML, without scripts or external resources; the samples are embedded.

    Args:
        dataset: the data set that was checked.
    """
    title = f"Suspicious labels in {found.dataset}"
    summary = (
        f"{len(found.suspects):,} of {found.samples:,} labels are probably wrong. A linear probe on the features of "
        f"{found.model}, fitted without the sample and its copies, predicts {found.accuracy:.1%} of the labels."
    )
    body = "\n".join(
        (
            f'<header><h1>{escape(title)}</h1><p class="lead">{escape(summary)}</p></header>',
            "<main>",
            _suspects(found, dataset),
            _confusions(found),
            _outliers(found, dataset),
            _easy(found),
            "</main>",
            f'<footer class="soft">Layer {escape(found.layer)}, {found.folds} folds, seed {found.seed}, penalty '
            f"{found.penalty:g} per sample; data {escape(found.data[:16])}</footer>",
        )
    )
    return document(title, body)


def _suspects(found: LabelErrors, dataset: Dataset) -> str:
    if not found.suspects:
        return "<h2>Labels</h2><p>No label is suspicious.</p>"
    shown = found.suspects[:SHOWN]
    rest = f" The first {len(shown)} of {len(found.suspects):,} are shown." if len(found.suspects) > SHOWN else ""
    rows = [
        (
            str(one.position),
            one.item,
            one.label,
            one.suggested,
            "" if one.self_confidence is None else f"{one.self_confidence:.3f}",
            f"duplicate of {', '.join(one.others)}" if one.others else "contradicts the model",
        )
        for one in shown
    ]
    heads = ("position", "item", "label", "suggested", "self-confidence", "reason")
    samples = _samples(dataset, [one.position for one in shown], [_words(one) for one in shown])
    table = parts.table(heads, rows, f"The most suspicious first.{rest}")
    return f'<h2>Labels that are probably wrong</h2>{samples}<div class="wide">{table}</div>'


def _words(one: Suspect) -> str:
    return f"{one.label} \u2192 {one.suggested}?"


def _confusions(found: LabelErrors) -> str:
    if not found.confusions:
        return ""
    rows = [(one.label, one.suggested, f"{one.samples}") for one in found.confusions]
    return f"<section><h2>Confused classes</h2>{parts.table(('label', 'suggested', 'samples'), rows, '')}</section>"


def _outliers(found: LabelErrors, dataset: Dataset) -> str:
    if not found.outliers:
        return ""
    shown = found.outliers[:SHOWN_OUTLIERS]
    words = (
        f"{len(found.outliers):,} samples are far from all others; the farthest first. Some may be broken or foreign."
    )
    samples = _samples(dataset, [one.position for one in shown], [one.label for one in shown])
    rows = [(str(one.position), one.item, one.label, f"{one.distance:.2f}") for one in shown]
    heads = ("position", "item", "label", "distance")
    table = parts.table(heads, rows, "Mean distance to the nearest neighbours, as a multiple of the median.")
    return f'<h2>Outliers</h2><p>{words}</p>{samples}<div class="wide">{table}</div>'


def _easy(found: LabelErrors) -> str:
    if not found.easy_classes:
        return ""
    rows = [(one.name, f"{one.samples}", f"{one.self_confidence:.3f}") for one in found.easy_classes]
    words = "Every sample is recognised. Check that nothing but the class tells them apart, such as a watermark."
    return (
        f"<section><h2>Easy classes</h2>{parts.table(('class', 'samples', 'mean probability'), rows, words)}</section>"
    )


def _samples(dataset: Dataset, positions: Sequence[int], labels: Sequence[str]) -> str:
    """Samples with a caption each, as a list; empty for kinds of input that cannot be shown."""
    kind = kind_of(dataset.input_kind)
    shown = "".join(
        kind.sample_html(dataset.inputs[at], at, label) for at, label in zip(positions, labels, strict=True)
    )
    return f'<ul class="{kind.samples_style}">{shown}</ul>' if shown else ""
