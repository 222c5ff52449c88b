"""A page about a test: metrics with intervals, where the model is wrong, calibration, epochs, the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.adapt.comparison import other_metrics, sentences
from zoo.adapt.results.sentences import (
    BASELINE,
    MODEL,
    calibration_of,
    calibration_text,
    ends_text,
    gains,
    losses,
    too_small,
)
from zoo.adapt.search.summary import sentences as searched
from zoo.adapt.search.summary import settings_table, trials_table
from zoo.answers import figure_text
from zoo.kinds.known import kind_of
from zoo.pages import document, parts, plots, save

if TYPE_CHECKING:
    from zoo.adapt.evaluation import Evaluation
    from zoo.entities import Dataset, Outcomes, Run

MISTAKES = 24
"""Maximum number of mistakes that a page shows."""

MOST_CLASSES = 20
"""Maximum number of classes of a confusion matrix on a page."""

_BINS = 10


def write_run(run: Run, dataset: Dataset, path: str | Path) -> Path:
    """Write the page of a run atomically, and return its path.

    Args:
        dataset: the data of the run, to show mistakes on them.

    Raises:
        StorageError: it cannot be written.
    """
    told = [*losses(run), *filter(None, [sentences(run)]), *gains(run), *searched(run)]
    others = {BASELINE: run.baseline, **other_metrics(run.plan)}
    facts = {
        "strategy": run.strategy,
        "samples": f"{run.samples:,}, tested on {run.plan.get('test_samples', 0):,}",
        "seed": str(run.seed),
        "run": run.id,
        "revision": run.revision or "-",
        "fingerprint of the data": run.data,
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }
    title = f"{run.model} on {run.dataset}"
    body = [
        _figures(run.metrics, run.intervals, others, told, [too_small(run.plan)]),
        _search(run),
        _tested(run.outcomes),
        _epochs(run),
        _mistakes(run.outcomes, dataset),
        _facts(facts),
    ]
    return save(document(title, _page(title, f"{run.task}, {run.created[:10]}", body)), path)


def write_evaluation(found: Evaluation, dataset: Dataset, path: str | Path) -> Path:
    """The same for an evaluation."""
    others = {BASELINE: found.baseline}
    if found.with_training:
        others["with training samples"] = found.with_training
    facts = {
        "samples": f"{found.samples:,}",
        "left out, because the model was trained on them": "-" if found.left_out is None else f"{found.left_out:,}",
        "revision": found.revision or "-",
        "fingerprint of the data": found.data,
        "versions": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
    }
    small = too_small({"test_units": found.independent, "test_samples": found.samples})
    title = f"{found.model} on {found.dataset}"
    body = [
        _figures(found.metrics, found.intervals, others, [], [*found.warnings, small]),
        _tested(found.outcomes),
        _mistakes(found.outcomes, dataset),
        _facts(facts),
    ]
    return save(document(title, _page(title, found.task, body)), path)


def _page(title: str, subtitle: str, body: Sequence[str]) -> str:
    head = f'<header><h1>{escape(title)}</h1><p class="soft">{escape(subtitle)}</p></header>'
    return "\n".join((head, "<main>", *(part for part in body if part), "</main>"))


def _figures(
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    others: Mapping[str, Mapping[str, float]],
    told: Sequence[str],
    warnings: Sequence[str],
) -> str:
    heads = ["metric", MODEL, "95 % interval", *others]
    rows = [
        [
            name,
            figure_text(value),
            ends_text(intervals.get(name)),
            *(figure_text(other[name]) if name in other else "-" for other in others.values()),
        ]
        for name, value in metrics.items()
    ]
    noted = "".join(f"<li>{escape(one)}</li>" for one in warnings if one)
    return "".join(
        (
            f'<div class="warnings"><ul>{noted}</ul></div>' if noted else "",
            *(f'<p class="{"lead" if at == 0 else ""}">{escape(one)}</p>' for at, one in enumerate(told)),
            f'<div class="wide">{parts.table(heads, rows, "Metrics on the test samples.")}</div>',
        )
    )


def _tested(outcomes: Outcomes | None) -> str:
    """Where predictions are right and wrong, with a confusion matrix and the calibration."""
    if outcomes is None:
        return ""
    found = ["<h2>Where it is right and wrong</h2>"]
    for caption, shown in kind_of(outcomes.kind).breakdown(outcomes).items():
        if shown.rows:
            found.append(f'<div class="wide plain">{parts.table(list(shown.heads), shown.rows, f"{caption}.")}</div>')
    found.append(_confusion_matrix(outcomes))
    sure = calibration_of(outcomes)
    if sure is not None:
        found.append(f"<h2>Calibration</h2><p>{escape(calibration_text(sure))}</p>")
        found.append(
            _drawing(_reliability(outcomes), "Accuracy by confidence (1), and a perfectly calibrated model (2).")
        )
    return "".join(found)


def _confusion_matrix(outcomes: Outcomes) -> str:
    """True classes in rows, predicted ones in columns; the shade is the share of the row."""
    classes = outcomes.classes
    if kind_of(outcomes.kind).several or not 1 < len(classes) <= MOST_CLASSES:
        return ""
    counts = [[0] * len(classes) for _ in classes]
    for target, predicted in zip(outcomes.targets, outcomes.predictions, strict=True):
        if predicted < len(classes):
            counts[target][predicted] += 1
    heads = "".join(f'<th scope="col" class="number">{escape(name)}</th>' for name in classes)
    rows = []
    for name, row in zip(classes, counts, strict=True):
        total = sum(row) or 1
        cells = "".join(
            f'<td class="number" style="background:color-mix(in srgb, var(--accent) {60 * count / total:.0f}%, '
            f'transparent)">{count:,}</td>'
            for count in row
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    caption = "Confusion matrix: true classes in rows, predicted classes in columns."
    return (
        f'<div class="wide plain"><table><caption>{caption}</caption><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _reliability(outcomes: Outcomes) -> str:
    """Accuracy over mean confidence in bins with equally many samples."""
    right = [target == found for target, found in zip(outcomes.targets, outcomes.predictions, strict=True)]
    order = sorted(range(len(right)), key=lambda at: outcomes.confidences[at])
    bins = min(_BINS, max(1, len(order) // 5))
    ends = [round(len(order) * at / bins) for at in range(bins + 1)]
    found = [order[start:end] for start, end in pairwise(ends)]
    points = [
        (sum(outcomes.confidences[at] for at in part) / len(part), sum(right[at] for at in part) / len(part))
        for part in found
    ]
    lowest = min(x for x, _ in points)
    series = [("this model", points), ("perfectly calibrated", [(lowest, lowest), (1.0, 1.0)])]
    return plots.lines(series, "Calibration", "mean confidence", "accuracy")


def _epochs(run: Run) -> str:
    curve = run.plan.get("curve") or ()
    if len(curve) < 2:
        return ""
    losses_of = {
        name: [(float(row[0]), float(row[at])) for row in curve if row[at] is not None]
        for name, at in (("validation loss", 2), ("training loss", 1))
    }
    series = [(name, points) for name, points in losses_of.items() if len(points) > 1]
    scores = [(float(row[0]), float(row[3])) for row in curve if row[3] is not None]
    drawn = [_drawing(plots.lines(series, "Losses", "epoch", "loss"), "Validation loss (1) and training loss (2).")]
    drawn += [
        _drawing(
            plots.lines([("validation", scores)], "Validation score", "epoch", "score"),
            "Validation score; higher is better.",
        )
    ]
    kept = f"The weights of epoch {escape(str(run.plan.get('best_epoch', '-')))} are kept."
    return f'<h2>Epochs</h2><p>{kept}</p><div class="plots">{"".join(drawn)}</div>'


def _search(run: Run) -> str:
    """Which settings won a search, how much each matters, and all trials."""
    rows = settings_table(run)
    if not rows:
        return ""
    heads = ["setting", "default", "best", "share of the differences"]
    listed = ["trial", "from", "state", "validation score", "epochs", "settings"]
    return (
        f'<h2>Settings</h2><div class="wide plain">{parts.table(heads, rows, "The search of settings.")}'
        f"{parts.table(listed, trials_table(run), 'Trials, best first.')}</div>"
    )


def _mistakes(outcomes: Outcomes | None, dataset: Dataset) -> str:
    """The most confident wrong predictions for classes, the largest errors for numbers; empty for other kinds."""
    from zoo.data import identities

    if outcomes is None or not outcomes.samples or not kind_of(outcomes.kind).estimable:
        return ""
    digests = identities(dataset)
    if digests is None:
        return ""
    places = {bytes(digest).ljust(8, b"\0")[:8].hex(): at for at, digest in reversed(list(enumerate(digests)))}
    kind, classes = kind_of(dataset.input_kind), outcomes.classes
    ranked = _worst(outcomes)
    items = []
    for at in ranked[:MISTAKES]:
        place = places.get(outcomes.samples[at])
        if place is None:
            continue
        target, found = outcomes.targets[at], outcomes.predictions[at]
        if kind_of(outcomes.kind).several:
            label = " predicted as ".join(_set_text(outcomes, values) for values in (target, found))
        elif classes:
            predicted = classes[found] if found < len(classes) else "another class"
            sure = f" ({outcomes.confidences[at]:.0%})" if outcomes.confidences else ""
            label = f"{classes[target]}, predicted {predicted}{sure}"
        else:
            label = f"{target:.4g}, predicted {found:.4g}"
        items.append(kind.sample_html(dataset.inputs[place], place, label))
    if not any(items):
        return ""
    what = "The most confident wrong predictions" if classes else "The largest errors"
    return f'<h2>{what}</h2><ul class="{kind.samples_style}">{"".join(items)}</ul>'


def _set_text(outcomes: Outcomes, values: Sequence[float]) -> str:
    """The labels whose value is positive, in words."""
    return kind_of(outcomes.kind).target_text([value > 0 for value in values], outcomes.classes)


def _worst(outcomes: Outcomes) -> list[int]:
    """Positions of mistakes, the worst first; for sets of labels those with the largest decision value in error."""
    pairs = list(zip(outcomes.targets, outcomes.predictions, strict=True))
    if kind_of(outcomes.kind).several:
        errors = [
            max((abs(value) for label, value in zip(*pair, strict=True) if (value > 0) != (label > 0)), default=None)
            for pair in pairs
        ]
        return sorted((at for at, error in enumerate(errors) if error is not None), key=lambda at: -(errors[at] or 0))
    if not outcomes.classes:
        return sorted(range(len(pairs)), key=lambda at: -abs(pairs[at][0] - pairs[at][1]))
    wrong = [at for at, (target, found) in enumerate(pairs) if target != found]
    return sorted(wrong, key=lambda at: -outcomes.confidences[at]) if outcomes.confidences else wrong


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(key)}</th><td>{escape(value)}</td></tr>' for key, value in facts.items()
    )
    return f'<h2>How it was measured</h2><table class="facts"><tbody>{rows}</tbody></table>'


def _drawing(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
