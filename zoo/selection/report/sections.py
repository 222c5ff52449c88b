"""The sections of the report around the ranking, each a piece of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from zoo.answers import Argument, Candidate, Recommendation, figure_text
from zoo.pages import plots
from zoo.selection.explain.next_step import next_command
from zoo.selection.report.parts import LISTED, figure, interval_suffix, name, pairs, score_name, table

CLASSES = 30
"""Maximum number of classes in the plot of samples by class."""


def answer(result: Recommendation) -> str:
    """The model to start from, in a few sentences, and the next command."""
    best = result.candidates[0]
    said = [f"Start from <strong>{escape(name(best, result.candidates))}</strong>"]
    if result.ranked_by == "evaluated":
        said.append(f": {escape(_result(best))}")
    elif best.score is not None:
        said.append(f": {escape(score_name(result))} {figure_text(best.score)}{interval_suffix(best.interval)}")
        if best.predicted is not None:
            said.append(f", predicted {figure_text(best.predicted)}{interval_suffix(best.predicted_interval)}")
    certainty = f" {escape(best.explanation.certainty)}" if best.explanation else ""
    advice = result.analysis.get("advice") or {}
    begin = ""
    if advice:
        why = escape(f"{advice['reason']} {advice['data_need']}")
        begin = f"<p>Start with <strong>{advice['strategy']}</strong>. {why}</p>"
    partial = f"<p><strong>Partial answer.</strong> {escape(result.partial)}</p>" if result.partial else ""
    commands = [next_command(result, result.data["name"]), *(one.propose for one in result.standards if one.propose)]
    shown = "".join(f"<pre>{escape(command)}</pre>" for command in commands)
    agreed = "".join(f"<p>{escape(one.sentence)}</p>" for one in result.standards)
    return f'<p class="lead">{"".join(said)}.{certainty}</p>{agreed}{partial}{begin}{shown}'


def _result(candidate: Candidate) -> str:
    """The result of a model that was evaluated without estimators, in words."""
    found = candidate.confirmed
    assert found is not None  # otherwise it has no rank
    how = "as it is" if not found.epochs else f"after {found.epochs} epochs of {found.strategy} fine-tuning"
    return f"{found.metric} {found.value:.4g} {how}"


def warnings(result: Recommendation) -> str:
    """Warnings."""
    if not result.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in result.warnings)
    return (
        f'<section class="warnings" aria-label="Watch out for"><strong>Watch out for</strong><ul>{items}</ul></section>'
    )


def explanations(result: Recommendation) -> str:
    """For each of the first ten, the arguments for and against it, and what would change its rank."""
    articles = []
    for c in result.candidates:
        if c.explanation is None:
            continue
        parts = [f"<h3>{c.rank}. {escape(name(c, result.candidates))}</h3><p>{escape(c.explanation.certainty)}</p>"]
        parts.append(_arguments("for", "In favour", c.explanation.in_favour))
        parts.append(_arguments("against", "Against", c.explanation.against))
        if c.explanation.would_change:
            items = "".join(f"<li>{escape(sentence)}</li>" for sentence in c.explanation.would_change)
            parts.append(f"<h4>What would change its rank</h4><ul>{items}</ul>")
        articles.append(f"<article>{''.join(parts)}</article>")
    return f'<h2>Why</h2><div class="explained">{"".join(articles)}</div>' if articles else ""


def _arguments(kind: str, title: str, arguments: Iterable[Argument]) -> str:
    items = "".join(
        f'<li>{escape(argument.sentence)} <span class="source">{escape(argument.source)}</span></li>'
        for argument in arguments
    )
    return f'<div class="{kind}"><h4>{title}</h4><ul>{items}</ul></div>' if items else ""


def data(result: Recommendation, shown: str) -> str:
    """The content of the data, with samples."""
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
                "Samples per class",
                f"{per_class['smallest']:,} to {per_class['largest']:,}, median {per_class['median']:,g}",
            )
        )
        ratio = f"{profile.get('imbalance', 1):.3g}"
        rows.append(("Imbalance", f"the largest class has {ratio} times the samples of the smallest"))
    if profile.get("images"):
        sizes = [" x ".join(map(str, profile["images"][key])) for key in ("smallest", "median", "largest")]
        rows.append(("Pixels", f"{sizes[0]} to {sizes[2]}, median {sizes[1]}"))
    if profile.get("words"):
        words = profile["words"]
        rows.append(("Words per text", f"{words['minimum']:,} to {words['maximum']:,}, median {words['median']:,}"))
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
        drawn = figure(plots.bars(counts[:CLASSES], "Samples by class"), f"Samples by class.{more}")
    examples = f"<h3>Samples</h3>{shown}" if shown else ""
    return f'<h2>The data</h2><div class="plots"><div>{pairs(rows)}</div>{drawn}</div>{examples}'


def exclusions(result: Recommendation) -> str:
    """The exclusions, with reasons."""
    if not result.excluded:
        return ""
    rows = [[("", e.id), ("", e.reason)] for e in result.excluded[:LISTED]]
    more = len(result.excluded) - LISTED
    caption = f"{len(result.excluded):,} left out" + (f", the first {LISTED} of them" if more > 0 else "")
    return f"<h2>Left out</h2>{table([('', 'Model'), ('', 'Reason')], rows, caption)}"


def repeating(result: Recommendation) -> str:
    """The provenance of the recommendation."""
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
