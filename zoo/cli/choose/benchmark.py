"""``zoo benchmark``: evaluate recommendations, on recorded results and on this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_score
from zoo.cli.options import command as zoo_command
from zoo.cli.options import shared
from zoo.cli.output import Column, Output
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    from zoo.history.records import History
    from zoo.selection.backtest.estimators import DataResult

SHOWN = 20
"""Estimators and ensembles in the table of means."""


@click.group("benchmark")
@shared
def command() -> None:
    """Evaluate recommendations, on recorded results or on this machine.

    \b
    Examples:
      zoo benchmark history --runs runs.csv --models models.csv
      zoo benchmark selection --scores scores.csv.gz --models models.csv --budget 12
    """


@zoo_command("history")
@click.option("--runs", type=click.Path(), help="CSV of results; each data set, then each model, is left out in turn.")
@click.option("--train", type=click.Path(), help="CSV of results to learn from, with --test.")
@click.option("--test", type=click.Path(), help="CSV of results to predict.")
@click.option("--models", type=click.Path(), help="CSV of model metadata.")
@click.option("--datasets", type=click.Path(), help="CSV of data set metadata [default: the one next to the results].")
def history_command(output: Output, models: str | None, datasets: str | None, **files: str | None) -> None:
    """Predict results from other results, and compare with the measured ones; prints JSON.

    Results have the columns model, dataset (or task) and value (or score), optionally metric and cost. A data set's own
    scores are never used to predict it; with --test, no score of the test file is. Metadata of the data sets is used if
    available; without --datasets, it is read from a table next to the results (vision_datasets.csv or datasets.csv next
    to vision_runs.csv).

    \b
    Examples:
      zoo benchmark history --runs runs.csv --models models.csv --datasets datasets.csv
      zoo benchmark history --train runs.csv --test others.csv --models models.csv
    """
    from zoo.selection.backtest.prior import evaluate, evaluate_on

    started = time.perf_counter()
    train, test = _files(files["runs"], "--runs", files["train"], files["test"])
    histories, facts = _read([train] if test is None else [train, test], models, datasets)
    progress = output.progress()
    known, other = histories[0], histories[-1]
    result = evaluate(known, progress) if test is None else evaluate_on(known, other, progress)
    _show(output, {**result, "dataset_facts": facts}, started)


@zoo_command("selection")
@click.option("--scores", type=click.Path(), help="CSV of scores; the selection is simulated on each data set.")
@click.option("--train", type=click.Path(), help="CSV of scores to learn from, with --test.")
@click.option("--test", type=click.Path(), help="CSV of scores to simulate the selection on.")
@click.option("--models", type=click.Path(), help="CSV of model metadata.")
@click.option("--datasets", type=click.Path(), help="CSV of data set metadata [default: the one next to the results].")
@click.option("--budget", type=int, default=12, show_default=True, help="Number of measurements.")
def selection_command(
    output: Output, models: str | None, datasets: str | None, budget: int, **files: str | None
) -> None:
    """Simulate which models would be measured, and report how good the best one is; prints JSON.

    The simulated selection sees only the scores of the models that it measured, and results on other data sets.

    \b
    Examples:
      zoo benchmark selection --scores scores.csv.gz --models models.csv --budget 12
      zoo benchmark selection --train scores.csv.gz --test others.csv --models models.csv
    """
    from zoo.selection.backtest.selection import evaluate_selection

    started = time.perf_counter()
    train, test = _files(files["scores"], "--scores", files["train"], files["test"])
    histories, facts = _read([train] if test is None else [train, test], models, datasets)
    other = None if test is None else histories[-1]
    result = evaluate_selection(histories[0], budget, other, output.progress())
    _show(output, {**result, "dataset_facts": facts}, started)


def _files(alone: str | None, name: str, train: str | None, test: str | None) -> tuple[str, str | None]:
    if alone is not None and train is None and test is None:
        return alone, None
    if alone is None and train is not None and test is not None:
        return train, test
    raise InvalidInput(f"Pass either {name}, or both --train and --test.", "See: zoo benchmark --help")


def _read(files: list[str], models: str | None, datasets: str | None) -> tuple[list[History], dict[str, Any]]:
    """Histories read from tables of results, and a summary of the metadata of their data sets."""
    from pathlib import Path

    from zoo.history.tables import datasets_beside, read_history
    from zoo.selection.backtest.prior import dataset_facts

    tables = [Path(datasets) if datasets else datasets_beside(file) for file in files]
    histories = [read_history(file, models, table) for file, table in zip(files, tables, strict=True)]
    used = list(dict.fromkeys(str(table) for table in tables if table))
    return histories, {"files": used, **dataset_facts(*histories)}


def _show(output: Output, result: dict[str, Any], started: float) -> None:
    for note in result["notes"]:
        output.warn(note)
    facts = result["dataset_facts"]
    by = "; name a table of them with --datasets"
    if facts["files"]:
        by = f" by {' and '.join(facts['files'])} ({', '.join(facts['columns']) or 'it names none of them'})"
    output.note(f"Data sets: {facts['described']:,} of {facts['datasets']:,} are described{by}.")
    output.data({**result, "seconds": round(time.perf_counter() - started, 1)})


@zoo_command("estimators")
@click.argument("data", nargs=-1)
@click.option("--candidates", help="Models to compare, as in zoo recommend [default: local models].")
@click.option("--estimator", "estimators", help="Comma-separated names [default: all that apply to the data].")
@click.option("--samples", type=click.IntRange(min=20), default=400, show_default=True, help="Samples per data set.")
@click.option(
    "--epochs", type=click.IntRange(min=1), default=6, show_default=True, help="Maximum number of fine-tuning epochs."
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Number of fine-tuning runs to average."
)
@click.option(
    "--ground-truth",
    type=click.Path(dir_okay=False),
    default="fine_tuned.json",
    show_default=True,
    help="File of fine-tuning runs; new ones are added.",
)
@click.option("--kept", "only_kept", is_flag=True, help="Compare only the models in --ground-truth; do not fine-tune.")
@click.option("--device", help="cpu, cuda or mps [default: the best available].")
def estimators_command(
    output: Output, data: tuple[str, ...], ground_truth: str, estimators: str | None, **options: Any
) -> None:
    """Compare the rankings of estimators with real fine-tuning, on this machine.

    DATA are data sets [default: all installed packaged ones]. Reports the weighted Kendall tau and the regret of the
    top-ranked model, for each estimator, for ensembles (mean rank, mean z-score), and for ranking by size. Fine-tuning
    is slow; it resumes where it was interrupted.

    \b
    Examples:
      zoo benchmark estimators sklearn:digits fortunes:topics --ground-truth fine_tuned.json
      zoo benchmark estimators --kept --ground-truth fine_tuned.json --json
    """
    from pathlib import Path

    from zoo.data import packaged_datasets
    from zoo.selection.backtest.estimators import evaluate
    from zoo.selection.backtest.ground_truth import Recipe

    names = data or tuple(known.name for known in packaged_datasets() if known.available)
    chosen = [name.strip() for name in (estimators or "").split(",") if name.strip()]
    recipe = Recipe(epochs=options.pop("epochs"), seeds=options.pop("seeds"))
    report = evaluate(
        names, recipe=recipe, ground_truth=Path(ground_truth), estimators=chosen, progress=output.progress(), **options
    )
    if output.json:
        output.data(report.to_dict())
        return
    for result in report.data_sets:
        _show_data_set(output, result)
    output.text()
    rows = [[name, f"{a.weighted_tau:.3f}", f"{a.regret:.4f}"] for name, a in list(report.mean.items())[:SHOWN]]
    columns = [Column("by"), Column("weighted tau", number=True), Column("regret", number=True)]
    output.table(columns, rows, title=f"mean over {len(report.data_sets)} data sets, the best {len(rows)}")


def _show_data_set(output: Output, result: DataResult) -> None:
    output.text()
    names = list(result.predicted)
    columns = [Column("model"), Column("fine-tuned", number=True), *(Column(name, number=True) for name in names)]
    rows = [
        [model, f"{value:.4f}", *(human_score(result.predicted[name][model]) for name in names)]
        for model, value in sorted(result.ground_truth.items(), key=lambda item: -item[1])
    ]
    title = f"{result.data}: {result.samples:,} samples, {result.classes} classes, for {result.task}"
    output.table(columns, rows, title=title)
    agreed = [result.agreement[name] for name in names]
    output.text("weighted tau: " + ", ".join(f"{n} {a.weighted_tau:.3f}" for n, a in zip(names, agreed, strict=True)))
    output.text("regret: " + ", ".join(f"{n} {a.regret:.4f}" for n, a in zip(names, agreed, strict=True)))
    for name, reason in result.left_out.items():
        output.paragraph(f"left out: {name}: {reason}", indent=2)


for subcommand in (history_command, selection_command, estimators_command):
    command.add_command(subcommand)
