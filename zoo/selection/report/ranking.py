"""The ranking in the report: tables of the candidates, plots of their scores, and how they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from zoo.answers import Candidate, Recommendation
from zoo.pages import plots
from zoo.selection.rank.pareto import pareto_front
from zoo.selection.rank.wording import capital, estimator_title
from zoo.selection.report.parts import (
    LISTED,
    NOTHING,
    PLOTTED,
    amount,
    figure,
    milliseconds,
    name,
    number,
    score_name,
    table,
)


def ranking(result: Recommendation) -> str:
    """The table of candidates."""
    if result.ranked_by == "evaluated":
        return _evaluated(result)
    figures = result.figures()
    heads = [("", "Rank"), ("", "Model")]
    heads += [("number", column.title(capital(estimator_title(column.name)))) for column in figures]
    heads += [
        ("number", "Samples"),
        ("number", "Parameters"),
        ("number", "Size"),
        ("number", "ms per sample"),
        ("", "Licence"),
    ]
    rows = [
        _row(c, result.candidates, [column.cell(at, NOTHING) for column in figures])
        for at, c in enumerate(result.candidates[:LISTED])
    ]
    more = len(result.candidates) - LISTED
    note = (
        "= tied with the first: the difference is within the margin of error."
        if any(c.tied for c in result.candidates)
        else ""
    )
    rest = f" {more:,} more are in the JSON." if more > 0 else ""
    caption = f"Candidates, best first. {note}{rest}"
    label = 'tabindex="0" role="region" aria-label="Table of candidates"'
    return f'<div class="wide" {label}>{table(heads, rows, caption)}</div>'


def _evaluated(result: Recommendation) -> str:
    """The table of models that were evaluated without estimators."""
    metric = next(c.confirmed.metric for c in result.candidates if c.confirmed)
    heads = [
        ("", "Rank"),
        ("", "Model"),
        ("number", metric),
        ("number", "Baseline"),
        ("", "Evaluated"),
        ("number", "Samples"),
        ("number", "Parameters"),
        ("number", "Size"),
        ("", "Licence"),
    ]
    rows = []
    for c in result.candidates[:LISTED]:
        if (found := c.confirmed) is None:
            continue
        how = f"{found.strategy}, {found.epochs} epochs" if found.epochs else found.strategy
        rows.append(
            [
                ("", f"{c.rank}{'=' if c.tied else ''}"),
                ("model", c.id),
                ("number", number(found.value)),
                ("number", number(found.baseline)),
                ("", how),
                ("number", f"{c.samples:,}"),
                ("number", amount(c.parameters)),
                ("number", amount(c.bytes, "B")),
                ("short", c.license or NOTHING),
            ]
        )
    tied = any(c.tied for c in result.candidates)
    note = " = tied with the first: the difference is within the margin of error." if tied else ""
    label = 'tabindex="0" role="region" aria-label="Table of candidates"'
    return f'<div class="wide" {label}>{table(heads, rows, f"Candidates, best first.{note}")}</div>'


def _row(c: Candidate, everyone: Sequence[Candidate], figures: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("", f"{c.rank}{'=' if c.tied else ''}"),
        ("model", name(c, everyone)),
        *(("number", figure) for figure in figures),
        ("number", f"{c.samples:,}" if c.samples else NOTHING),
        ("number", amount(c.parameters)),
        ("number", amount(c.bytes, "B")),
        ("number", NOTHING if c.latency is None else milliseconds(c.latency)),
        ("short", c.license or NOTHING),
    ]


def figures(result: Recommendation) -> str:
    """The plots for which there are figures."""
    known = [c for c in result.candidates if c.score is not None][:PLOTTED]
    label = capital(score_name(result))
    found = []
    if any(c.interval for c in known) or result.ranked_by != "evaluated":
        found.append(
            figure(
                plots.intervals([_point(c, result, 0.0) for c in known], "Scores and their intervals", label),
                f"Score (dot) and 95 % interval (line) of the first {len(known)} candidates.",
            )
        )
    sources = sorted({c.latency_source for c in known if c.latency is not None})
    for title, axis, costs, note in (
        ("Score against size", "parameters, logarithmic", [c.parameters for c in known], ""),
        (
            "Score against latency",
            "milliseconds per sample, logarithmic",
            [c.latency for c in known],
            f" Latency: {'; '.join(sources)}.",
        ),
    ):
        points = _front([(c, float(cost)) for c, cost in zip(known, costs, strict=True) if cost], result)
        if len(points) > 1:
            caption = (
                "Higher and further left is better. Filled: no model is better in both (the Pareto front, dashed). "
                f"Numbers are ranks; lines are 95 % intervals.{note}"
            )
            found.append(figure(plots.scatter(points, title, axis, label), caption))
    return f'<div class="plots">{"".join(found)}</div>' if found else ""


def learning(result: Recommendation) -> str:
    """The learning curves of the race; empty if there was none."""
    lines = [(c.rank, name(c, result.candidates), c.curve) for c in result.candidates[:PLOTTED] if len(c.curve) > 1]
    if not lines:
        return ""
    drawn = plots.curves(lines, "Score after each step of the race", capital(score_name(result)))
    caption = (
        "Each candidate was measured on growing parts of the data, until it could no longer win. Numbers are ranks."
    )
    return f"<h2>The race</h2>{figure(drawn, caption)}"


def selection(result: Recommendation) -> str:
    """The expected regret after each measurement of the selection; empty if all were to be measured."""
    regret = result.selection.get("expected_regret") or []
    if not regret:
        return ""
    finished = escape(str(result.selection["finished"]).rstrip("."))
    asked = escape(", ".join(result.selection["asked"][:PLOTTED]))
    said = f"<p>Measured in this order: {asked}. Then it stopped: {finished}.</p>"
    if len(regret) > 1:
        line = (1, "Expected regret", [(float(n), float(value)) for n, value in enumerate(regret, start=1)])
        drawn = plots.curves([line], "Expected regret after each measurement", "Expected regret", "measurements")
        said += figure(drawn, "Expected difference between the best of all and the best measured so far.")
    return f"<h2>The selection</h2>{said}"


def _point(candidate: Candidate, result: Recommendation, x: float, front: bool = False) -> plots.Point:
    low, high = candidate.interval or (None, None)
    return plots.Point(candidate.rank, name(candidate, result.candidates), x, candidate.score or 0.0, low, high, front)


def _front(known: Sequence[tuple[Candidate, float]], result: Recommendation) -> list[plots.Point]:
    front = pareto_front([cost for _, cost in known], [c.score or 0.0 for c, _ in known])
    return [_point(c, result, cost, best) for (c, cost), best in zip(known, front, strict=True)]
