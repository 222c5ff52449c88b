"""``zoo benchmark``: how good the advice is, on records."""

from __future__ import annotations

import time
from typing import Any

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.options import shared
from zoo.cli.output import Output
from zoo.errors import InvalidInput


@click.group("benchmark")
@shared
def command() -> None:
    """See how good the advice is, on records of results.

    \b
    Examples:
      zoo benchmark history --runs runs.csv --models models.csv
      zoo benchmark selection --scores scores.csv.gz --models models.csv --budget 12
    """


@zoo_command("history")
@click.option("--runs", type=click.Path(), help="CSV of results, each data set left out in turn, then the models.")
@click.option("--train", type=click.Path(), help="CSV of results to learn from, with --test.")
@click.option("--test", type=click.Path(), help="CSV of results to predict.")
@click.option("--models", type=click.Path(), help="CSV of what is known of the models.")
@click.option("--datasets", type=click.Path(), help="CSV of what is known of the data sets.")
def history_command(output: Output, models: str | None, datasets: str | None, **files: str | None) -> None:
    """Predict results from other results and compare with what was measured; prints JSON.

    Results have the columns model, dataset (or task), value (or score), and may have metric and cost. A data set's own
    scores are never used to predict it; with --test, no score of the test file is.

    \b
    Examples:
      zoo benchmark history --runs runs.csv --models models.csv --datasets datasets.csv
      zoo benchmark history --train runs.csv --test others.csv --models models.csv
    """
    from zoo.recommend.history_evaluation import evaluate, evaluate_on
    from zoo.recommend.history_files import read_history

    started = time.perf_counter()
    train, test = _files(files["runs"], "--runs", files["train"], files["test"])
    history = read_history(train, models, datasets)
    progress = output.progress()
    if test is None:
        result = evaluate(history, progress)
    else:
        result = evaluate_on(history, read_history(test, models, datasets), progress)
    _show(output, result, started)


@zoo_command("selection")
@click.option("--scores", type=click.Path(), help="CSV of scores, the selection replayed on each data set.")
@click.option("--train", type=click.Path(), help="CSV of scores to learn from, with --test.")
@click.option("--test", type=click.Path(), help="CSV of scores to replay the selection on.")
@click.option("--models", type=click.Path(), help="CSV of what is known of the models.")
@click.option("--datasets", type=click.Path(), help="CSV of what is known of the data sets.")
@click.option("--budget", type=int, default=12, show_default=True, help="Number of measurements.")
def selection_command(
    output: Output, models: str | None, datasets: str | None, budget: int, **files: str | None
) -> None:
    """Replay which models would be measured, and what is found that way; prints JSON.

    The selection sees only the scores of the models that it measured, and results on other data sets.

    \b
    Examples:
      zoo benchmark selection --scores scores.csv.gz --models models.csv --budget 12
      zoo benchmark selection --train scores.csv.gz --test others.csv --models models.csv
    """
    from zoo.recommend.history_files import read_history
    from zoo.recommend.selector_evaluation import evaluate_selection

    started = time.perf_counter()
    train, test = _files(files["scores"], "--scores", files["train"], files["test"])
    history = read_history(train, models, datasets)
    other = None if test is None else read_history(test, models, datasets)
    _show(output, evaluate_selection(history, budget, other, output.progress()), started)


def _files(alone: str | None, name: str, train: str | None, test: str | None) -> tuple[str, str | None]:
    if alone is not None and train is None and test is None:
        return alone, None
    if alone is None and train is not None and test is not None:
        return train, test
    raise InvalidInput(f"Give either {name}, or both --train and --test.", "See: zoo benchmark --help")


def _show(output: Output, result: dict[str, Any], started: float) -> None:
    for note in result["notes"]:
        output.warn(note)
    output.data({**result, "seconds": round(time.perf_counter() - started, 1)})


for subcommand in (history_command, selection_command):
    command.add_command(subcommand)
