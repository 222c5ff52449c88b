"""Parts of the report that several sections share: tables, figures, numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from zoo.answers import Candidate, Recommendation, interval_text
from zoo.selection.explain.arguments import deciding
from zoo.selection.rank.wording import estimator_name

PLOTTED = 20
"""Maximum number of candidates in a plot."""

LISTED = 200
"""Maximum number of candidates in the table, and of models in the list of exclusions."""

NOTHING = "\u2013"


def table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[tuple[str, str]]], caption: str) -> str:
    """A table of (class, text) cells with a caption and column heads."""
    head = "".join(f'<th scope="col"{_class(kind)}>{escape(text)}</th>' for kind, text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td{_class(kind)}>{escape(text)}</td>' for kind, text in row)}</tr>" for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and values."""
    body = "".join(f'<tr><th scope="row">{escape(key)}</th><td>{escape(value)}</td></tr>' for key, value in rows)
    return f'<table class="facts"><tbody>{body}</tbody></table>'


def name(candidate: Candidate, everyone: Sequence[Candidate]) -> str:
    """The model, with the layer if several of its layers are candidates."""
    alone = sum(other.id == candidate.id for other in everyone) == 1
    return candidate.id if alone or not candidate.layer else f"{candidate.id}#{candidate.layer}"


def score_name(result: Recommendation) -> str:
    """The score that decides the ranking, in words."""
    estimator = deciding(result.candidates[0])
    if result.ranked_by == "evaluated":
        found = result.candidates[0].confirmed
        less = found is not None and (result.candidates[0].score or 0.0) * found.value < 0
        return f"{found.metric if found else 'score'}{', its negative as lower is better' if less else ''}"
    if not estimator:
        expected = "expected standard deviations above the average model"
        return expected if result.ranked_by == "prior" else "mean z-score of reported scores"
    usual = "class" if result.data.get("classes") else "number"
    return estimator_name(estimator, (result.analysis.get("profile") or {}).get("target_kind", usual))


def figure(drawing: str, caption: str) -> str:
    """A drawing with its caption."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def interval_suffix(interval: tuple[float, float] | None) -> str:
    """An interval in brackets, with a space before it; empty if there is none."""
    return f" (95 % interval {interval_text(interval)})" if interval else ""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def number(value: float | None) -> str:
    """Four significant digits, or a dash."""
    return NOTHING if value is None else f"{value:.4g}"


def milliseconds(value: float) -> str:
    """Three significant digits, and no fraction from 100 on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def amount(value: int | None, unit: str = "") -> str:
    """A count or size in short form: 4.7M, 18.8 MB; a dash if it is unknown."""
    if value is None:
        return NOTHING
    for letter, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            shown = "B" if letter == "G" and not unit else f"{letter}{unit}"
            return f"{value / scale:.1f} {shown}" if unit else f"{value / scale:.1f}{shown}"
    return f"{value} {unit}".strip()
