"""The parts of the report, each a piece of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from zoo.answers import Argument, Candidate, Recommendation, figure_text, interval_text
from zoo.selection.explain.arguments import deciding
from zoo.selection.explain.next_step import next_command
from zoo.selection.rank.pareto import pareto_front
from zoo.selection.rank.wording import capital, estimator_name, estimator_title
from zoo.selection.report import plots

PLOTTED = 20
"""Most candidates in a plot."""

LISTED = 200
"""Most candidates in the table, and most models in the list of those left out."""

CLASSES = 30

_NOTHING = "\u2013"


def answer(result: Recommendation) -> str:
    """What to start from, in a few sentences, and the next command."""
    best = result.candidates[0]
    said = [f"Start from <strong>{escape(name(best, result.candidates))}</strong>"]
    if result.ranked_by == "tried":
        said.append(f": {escape(_tried(best))}")
    elif best.score is not None:
        said.append(f": {escape(score_name(result))} {figure_text(best.score)}{_between(best.interval)}")
        if best.predicted is not None:
            said.append(f", predicted {figure_text(best.predicted)}{_between(best.predicted_interval)}")
    certainty = f" {escape(best.explanation.certainty)}" if best.explanation else ""
    advice = result.analysis.get("advice") or {}
    begin = ""
    if advice:
        why = escape(f"{advice['reason']} {advice['data_need']}")
        begin = f"<p>Begin with <strong>{advice['strategy']}</strong>. {why}</p>"
    partial = f"<p><strong>Partial answer.</strong> {escape(result.partial)}</p>" if result.partial else ""
    command = escape(next_command(result, result.data["name"]))
    return f'<p class="lead">{"".join(said)}.{certainty}</p>{partial}{begin}<pre>{command}</pre>'


def warnings(result: Recommendation) -> str:
    """What to watch out for."""
    if not result.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in result.warnings)
    return (
        f'<section class="warnings" aria-label="Watch out for"><strong>Watch out for</strong><ul>{items}</ul></section>'
    )


def ranking(result: Recommendation) -> str:
    """The table of candidates."""
    if result.ranked_by == "tried":
        return _trials(result)
    figures = result.figures()
    heads = [("", "Rank"), ("", "Model")]
    heads += [("number", column.title(capital(estimator_title(column.name)))) for column in figures]
    heads += [
        ("number", "Samples"),
        ("number", "Parameters"),
        ("number", "Size"),
        ("number", "ms a sample"),
        ("", "Licence"),
    ]
    rows = [
        _row(c, result.candidates, [column.cell(at, _NOTHING) for column in figures])
        for at, c in enumerate(result.candidates[:LISTED])
    ]
    more = len(result.candidates) - LISTED
    note = (
        "= cannot be told from the first: the difference is within its error."
        if any(c.tied for c in result.candidates)
        else ""
    )
    rest = f" {more:,} more are in the JSON." if more > 0 else ""
    caption = f"Candidates, best first. {note}{rest}"
    label = 'tabindex="0" role="region" aria-label="Table of candidates"'
    return f'<div class="wide" {label}>{table(heads, rows, caption)}</div>'


def _trials(result: Recommendation) -> str:
    """The table of models that were tried as a whole."""
    metric = next(c.confirmed.metric for c in result.candidates if c.confirmed)
    heads = [
        ("", "Rank"),
        ("", "Model"),
        ("number", metric),
        ("number", "Knowing nothing"),
        ("", "Tried"),
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
                ("number", _number(found.value)),
                ("number", _number(found.baseline)),
                ("", how),
                ("number", f"{c.samples:,}"),
                ("number", _amount(c.parameters)),
                ("number", _amount(c.bytes, "B")),
                ("short", c.license or _NOTHING),
            ]
        )
    tied = any(c.tied for c in result.candidates)
    note = " = cannot be told from the first: the difference is within its error." if tied else ""
    label = 'tabindex="0" role="region" aria-label="Table of candidates"'
    return f'<div class="wide" {label}>{table(heads, rows, f"Candidates, best first.{note}")}</div>'


def _tried(candidate: Candidate) -> str:
    """What a model that was tried reached, in words."""
    found = candidate.confirmed
    assert found is not None  # it has no rank otherwise
    how = "as it is" if not found.epochs else f"after {found.epochs} epochs of {found.strategy} fine-tuning"
    return f"{found.metric} {found.value:.4g} {how}"


def _row(c: Candidate, everyone: Sequence[Candidate], figures: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("", f"{c.rank}{'=' if c.tied else ''}"),
        ("model", name(c, everyone)),
        *(("number", figure) for figure in figures),
        ("number", f"{c.samples:,}" if c.samples else "\u2013"),
        ("number", _amount(c.parameters)),
        ("number", _amount(c.bytes, "B")),
        ("number", "\u2013" if c.latency is None else _milliseconds(c.latency)),
        ("short", c.license or "\u2013"),
    ]


def pictures(result: Recommendation) -> str:
    """The plots that the figures suffice for."""
    known = [c for c in result.candidates if c.score is not None][:PLOTTED]
    label = capital(score_name(result))
    found = []
    if any(c.interval for c in known) or result.ranked_by != "tried":
        found.append(
            _figure(
                plots.intervals([_point(c, result, 0.0) for c in known], "Scores and their intervals", label),
                f"Score (dot) and 95 % interval (line) of the first {len(known)} candidates.",
            )
        )
    sources = sorted({c.latency_source for c in known if c.latency is not None})
    for title, axis, costs, note in (
        ("Score against size", "parameters, logarithmic", [c.parameters for c in known], ""),
        (
            "Score against latency",
            "milliseconds a sample, logarithmic",
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
            found.append(_figure(plots.scatter(points, title, axis, label), caption))
    return f'<div class="plots">{"".join(found)}</div>' if found else ""


def learning(result: Recommendation) -> str:
    """The learning curves of the race; empty where there was none."""
    lines = [(c.rank, name(c, result.candidates), c.curve) for c in result.candidates[:PLOTTED] if len(c.curve) > 1]
    if not lines:
        return ""
    drawn = plots.curves(lines, "Score after each step of the race", capital(score_name(result)))
    caption = (
        "Each candidate was measured on growing parts of the data, until it could not win any more. Numbers are ranks."
    )
    return f"<h2>How the race went</h2>{_figure(drawn, caption)}"


def selection(result: Recommendation) -> str:
    """How the selection learnt: the expected regret after each measurement; empty where all were to be measured."""
    regret = result.selection.get("expected_regret") or []
    if not regret:
        return ""
    finished = escape(str(result.selection["finished"]).rstrip("."))
    asked = escape(", ".join(result.selection["asked"][:PLOTTED]))
    said = f"<p>Measured in this order: {asked}. Then it stopped: {finished}.</p>"
    if len(regret) > 1:
        line = (1, "Expected regret", [(float(n), float(value)) for n, value in enumerate(regret, start=1)])
        drawn = plots.curves([line], "Expected regret after each measurement", "Expected regret", "measurements")
        said += _figure(drawn, "How much better than the best measured one the best of all was expected to be.")
    return f"<h2>How the selection went</h2>{said}"


def explanations(result: Recommendation) -> str:
    """For each of the first ten what speaks for it, against it, and what would change its place."""
    articles = []
    for c in result.candidates:
        if c.explanation is None:
            continue
        parts = [f"<h3>{c.rank}. {escape(name(c, result.candidates))}</h3><p>{escape(c.explanation.certainty)}</p>"]
        parts.append(_arguments("for", "Speaks for it", c.explanation.in_favour))
        parts.append(_arguments("against", "Speaks against it", c.explanation.against))
        if c.explanation.would_change:
            items = "".join(f"<li>{escape(sentence)}</li>" for sentence in c.explanation.would_change)
            parts.append(f"<h4>What would change its place</h4><ul>{items}</ul>")
        articles.append(f"<article>{''.join(parts)}</article>")
    return f'<h2>Why</h2><div class="explained">{"".join(articles)}</div>' if articles else ""


def _arguments(kind: str, title: str, arguments: Iterable[Argument]) -> str:
    items = "".join(
        f'<li>{escape(argument.sentence)} <span class="source">{escape(argument.source)}</span></li>'
        for argument in arguments
    )
    return f'<div class="{kind}"><h4>{title}</h4><ul>{items}</ul></div>' if items else ""


def data(result: Recommendation, shown: str) -> str:
    """What the data consist of, with samples."""
    analysis, facts = result.analysis, result.data
    profile: Mapping[str, Any] = analysis.get("profile") or {}
    rows = [
        ("Data set", facts["name"]),
        ("Task", f"{result.task}{' (guessed)' if analysis.get('guessed') else ''}"),
        ("Samples", f"{facts['samples']:,}"),
        ("Fingerprint", facts["fingerprint"]),
    ]
    if analysis.get("per_class"):
        per_class = analysis["per_class"]
        rows.append(
            (
                "Samples a class",
                f"{per_class['smallest']:,} to {per_class['largest']:,}, median {per_class['median']:,g}",
            )
        )
        rows.append(("Imbalance", f"the largest class has {profile.get('imbalance', 1):.3g} times the smallest"))
    if profile.get("images"):
        sizes = [" x ".join(map(str, profile["images"][key])) for key in ("smallest", "median", "largest")]
        rows.append(("Pixels", f"{sizes[0]} to {sizes[2]}, median {sizes[1]}"))
    if profile.get("words"):
        words = profile["words"]
        rows.append(("Words a text", f"{words['minimum']:,} to {words['maximum']:,}, median {words['median']:,}"))
    if analysis.get("languages"):
        rows.append(("Languages", ", ".join(f"{code} {share:.0%}" for code, share in analysis["languages"].items())))
    if profile.get("numbers"):
        rows.append(("Targets", ", ".join(f"{key} {value:.4g}" for key, value in profile["numbers"].items())))
    if profile.get("repeated"):
        rows.append(("Repeated items", f"{profile['repeated']:,}"))
    counts = sorted((profile.get("classes") or {}).items(), key=lambda pair: -pair[1])
    drawn = ""
    if counts:
        more = f" The first {CLASSES} of {len(counts)}." if len(counts) > CLASSES else ""
        drawn = _figure(plots.bars(counts[:CLASSES], "Samples by class"), f"Samples by class.{more}")
    pictures = f"<h3>Samples</h3>{shown}" if shown else ""
    return f'<h2>The data</h2><div class="plots"><div>{pairs(rows)}</div>{drawn}</div>{pictures}'


def exclusions(result: Recommendation) -> str:
    """What was left out, and why."""
    if not result.excluded:
        return ""
    rows = [[("", e.id), ("", e.reason)] for e in result.excluded[:LISTED]]
    more = len(result.excluded) - LISTED
    caption = f"{len(result.excluded):,} left out" + (f", the first {LISTED} of them" if more > 0 else "")
    return f"<h2>Left out</h2>{table([('', 'Model'), ('', 'Reason')], rows, caption)}"


def repeating(result: Recommendation) -> str:
    """What must be known to get the same again."""
    known = result.provenance
    rows = [(key.capitalize(), str(known[key])) for key in ("created", "device", "seed") if key in known]
    rows.append(("Seconds", f"{result.seconds:,.1f}"))
    if result.forward_passes.get("full"):
        rows.append(("Forward passes", f"{result.forward_passes['done']:,} of {result.forward_passes['full']:,}"))
    rows.append(("Versions", ", ".join(f"{key} {value}" for key, value in (known.get("versions") or {}).items())))
    baseline = known.get("baseline")
    if baseline:
        rows.append(
            (
                "Without a model",
                f"{baseline['estimator']} {baseline['value']:.4g} on {baseline['features']}, "
                f"{baseline['samples']:,} samples",
            )
        )
    command = f"<pre>{escape(known['command'])}</pre>" if known.get("command") else ""
    revisions = [[("", id), ("", revision or "not pinned")] for id, revision in (known.get("revisions") or {}).items()]
    pinned = table([("", "Model"), ("", "Revision")], revisions, "What was measured") if revisions else ""
    return f"<h2>To repeat it</h2>{command}{pairs(rows)}{pinned}"


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
    """The model, with the layer where several layers of it are candidates."""
    alone = sum(other.id == candidate.id for other in everyone) == 1
    return candidate.id if alone or not candidate.layer else f"{candidate.id}#{candidate.layer}"


def score_name(result: Recommendation) -> str:
    """What the ranking goes by, in words."""
    estimator = deciding(result.candidates[0])
    if result.ranked_by == "tried":
        found = result.candidates[0].confirmed
        less = found is not None and (result.candidates[0].score or 0.0) * found.value < 0
        return f"{found.metric if found else 'score'}{', its negative as lower is better' if less else ''}"
    if not estimator:
        expected = "expected standard deviations above the average model"
        return expected if result.ranked_by == "prior" else "mean z-score of reported scores"
    return estimator_name(estimator, "class" if result.data.get("classes") else "number")


def _point(candidate: Candidate, result: Recommendation, x: float, front: bool = False) -> plots.Point:
    low, high = candidate.interval or (None, None)
    return plots.Point(candidate.rank, name(candidate, result.candidates), x, candidate.score or 0.0, low, high, front)


def _front(known: Sequence[tuple[Candidate, float]], result: Recommendation) -> list[plots.Point]:
    front = pareto_front([cost for _, cost in known], [c.score or 0.0 for c, _ in known])
    return [_point(c, result, cost, best) for (c, cost), best in zip(known, front, strict=True)]


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _between(interval: tuple[float, float] | None) -> str:
    return f" (95 % interval {interval_text(interval)})" if interval else ""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.4g}"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _amount(value: int | None, unit: str = "") -> str:
    if value is None:
        return "\u2013"
    for letter, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            shown = "B" if letter == "G" and not unit else f"{letter}{unit}"
            return f"{value / scale:.1f} {shown}" if unit else f"{value / scale:.1f}{shown}"
    return f"{value} {unit}".strip()
