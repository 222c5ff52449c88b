"""How commands show the results of a test: metrics with intervals, gains, tables by class, calibration, epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zoo.cli.figures import human_score
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.entities import Outcomes, Run

SHOWN = 10
"""Maximum rows of a table by class; the rest is in the JSON and on the page."""


def metrics_table(
    output: Output,
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    others: Mapping[str, Mapping[str, float]],
) -> None:
    """Print metrics with intervals, next to those of other models."""
    from zoo.adapt.results.sentences import MODEL, ends_text

    columns = [Column("metric"), Column(MODEL, number=True)]
    columns += [Column("95 % interval", number=True)] if intervals else []
    columns += [Column(name, number=True) for name in others]
    rows = []
    for name, value in metrics.items():
        ends = [ends_text(intervals.get(name))] if intervals else []
        rows.append([name, human_score(value), *ends, *(human_score(other.get(name)) for other in others.values())])
    output.table(columns, rows)


def breakdown(output: Output, outcomes: Outcomes | None) -> None:
    """Print where predictions are right and wrong, and whether probabilities can be relied on."""
    from zoo.adapt.results.sentences import calibration_of, calibration_text
    from zoo.kinds.known import kind_of

    if outcomes is None:
        return
    for caption, shown in kind_of(outcomes.kind).breakdown(outcomes).items():
        if not shown.rows:
            continue
        output.text()
        columns = [Column(head, number=head in shown.numeric, short=head not in shown.numeric) for head in shown.heads]
        output.table(columns, [list(row) for row in shown.rows[:SHOWN]], title=caption)
        if len(shown.rows) > SHOWN:
            output.text(f"... and {len(shown.rows) - SHOWN:,} more")
    if (found := calibration_of(outcomes)) is not None:
        output.text()
        output.paragraph(calibration_text(found))


def breakdown_document(outcomes: Outcomes | None) -> dict[str, Any]:
    """What ``breakdown`` prints, complete and as JSON: the rows of each table by its caption, and the calibration."""
    from zoo.adapt.results.sentences import calibration_of
    from zoo.kinds.known import kind_of

    tables = {} if outcomes is None else kind_of(outcomes.kind).breakdown(outcomes)
    found = calibration_of(outcomes)
    return {
        "breakdown": {caption: shown.records() for caption, shown in tables.items()},
        "calibration": None if found is None else asdict(found),
    }


def rare_class(output: Output, run: Run) -> None:
    """Print how well the rarer of two classes is found, if a threshold was chosen for it or could be."""
    found = run.plan.get("rare_class")
    if not found or found["average_precision"] is None:
        return
    decided = "" if found["threshold"] is None else f" from probability {human_score(found['threshold'])} on"
    output.text()
    output.paragraph(
        f"'{found['class']}', {found['test_share']:.1%} of the test samples: average precision "
        f"{human_score(found['average_precision'])} ({human_score(found['test_share'])} by chance), ROC-AUC "
        f"{human_score(found['roc_auc'])}; predicted{decided} with precision {human_score(found['precision'])}, recall "
        f"{human_score(found['recall'])}, F1 {human_score(found['f1'])}"
    )


def epochs(output: Output, run: Run) -> None:
    """Print the curve of a fine-tuning."""
    curve = run.plan.get("curve")
    if not curve:
        return
    output.text()
    columns = [Column(name, number=True) for name in ("epoch", "training loss", "validation loss", "validation score")]
    rows = [[str(int(number)), *(human_score(value) for value in figures)] for number, *figures in curve]
    output.table(columns, rows, title=f"Epochs; the best is {run.plan.get('best_epoch', '-')}")


def searched(output: Output, run: Run, trials: bool = False) -> None:
    """Print what a search of settings found, if there was one.

    Args:
        trials: whether to list the trials, best first.
    """
    from zoo.adapt.search.summary import FEWEST, sentences, settings_table, trials_table

    rows = settings_table(run)
    if not rows:
        return
    for sentence in sentences(run):
        output.paragraph(sentence)
    output.text()
    importances = run.plan["search"].get("importances")
    weighed = bool(importances)
    heads = ["setting", "default", "best", *(["share of the differences"] if weighed else [])]
    output.table([Column(head, number=head != "setting") for head in heads], [list(row[: len(heads)]) for row in rows])
    if importances is not None and not weighed:
        output.text("All complete trials have the same score: none of the settings made a difference.")
    elif not weighed:
        output.text(f"How much each setting matters is shown from {FEWEST} complete trials on.")
    output.text()
    if trials:
        columns = [Column("trial", number=True), Column("from"), Column("state"), Column("score", number=True)]
        columns += [Column("epochs", number=True), Column("settings", fold=True)]
        found = trials_table(run)
        output.table(columns, [list(row) for row in found[:SHOWN]], title="Trials, best first")
        if len(found) > SHOWN:
            output.text(f"... and {len(found) - SHOWN:,} more")
        output.text()


def place_of(run: Run) -> str:
    """Where a run was made: ``cuda``, or ``2 cuda devices``."""
    devices = run.plan.get("devices", 1)
    return f"{devices} {run.device} devices" if devices > 1 else run.device
