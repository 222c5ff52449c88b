"""``zoo runs``: the recorded runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_score, human_seconds, pairs
from zoo.cli.options import command as zoo_command
from zoo.cli.options import shared
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.entities import Run

_SHOWN_APART = frozenset(
    (
        *("strategy", "task", "curve", "gains", "rivals", "probe", "fine_tuned", "gain_over_probe", "each", "earlier"),
        *("search", "compute"),
    )
)


@click.group("runs", invoke_without_command=True)
@shared
@click.pass_context
def command(context: click.Context) -> None:
    """List, show, compare, import and export runs.

    \b
    Examples:
      zoo runs
      zoo runs list --model pkg:wordllama/256 --json
      zoo runs show 20261124-093015-4fa2
      zoo runs compare 20261124-093015-4fa2 20261124-101500-77b0
      zoo runs import results.csv
      zoo runs export runs.json
    """
    if context.invoked_subcommand is None:
        context.invoke(list_runs)


@zoo_command("list")
@click.option("--model", help="Only runs of this model id.")
@click.option("--task", help="Only runs for this task.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Maximum number of runs.")
def list_runs(output: Output, model: str | None = None, task: str | None = None, limit: int = 50) -> None:
    """List runs, the latest first.

    \b
    Examples:
      zoo runs list
      zoo runs list --task text-classification --json
    """
    from zoo.registry import open_registry

    runs = open_registry().runs(model=_id(model), task=task, limit=limit)
    if output.json:
        output.data({"runs": [run.to_dict() for run in runs]})
        return
    if not runs:
        output.text("There are no runs yet. Start one: zoo tune MODEL DATA")
        return
    columns = [
        Column("id"),
        Column("model"),
        Column("data"),
        Column("strategy"),
        Column("metric"),
        Column("value", number=True),
        Column("baseline", number=True, optional=1),
        Column("time", number=True, optional=2),
    ]
    rows = []
    for run in runs:
        name, value = next(iter(run.metrics.items()), ("-", None))
        rows.append(
            [
                run.id,
                run.model,
                run.dataset,
                run.strategy,
                name,
                human_score(value),
                human_score(run.baseline.get(name)),
                human_seconds(run.seconds),
            ]
        )
    output.table(columns, rows)


@zoo_command("show")
@click.argument("id")
def show_run(output: Output, id: str) -> None:
    """Show a run.

    \b
    Examples:
      zoo runs show 20261124-093015-4fa2
    """
    from zoo.adapt.comparison import other_metrics
    from zoo.adapt.results.sentences import BASELINE, gains, losses, too_small
    from zoo.cli.models import results
    from zoo.compute import energy_text, flop_text
    from zoo.registry import open_registry

    run = open_registry().run(id)
    if output.json:
        output.data(run.to_dict())
        return
    compute = run.plan.get("compute")
    facts = {
        "id": run.id,
        "model": run.model + (f" (revision {run.revision})" if run.revision else ""),
        "task": run.task or "-",
        "data": f"{run.dataset}, {run.samples:,} samples",
        "fingerprint": run.data or "-",
        "strategy": run.strategy,
        "plan": pairs({name: value for name, value in run.plan.items() if name not in _SHOWN_APART}) or "-",
        "epochs": str(run.epochs),
        "seconds": human_seconds(run.seconds),
        "device": run.device or "-",
        "compute": f"{flop_text(compute)}{_of_base(run, compute)}",
        "energy": energy_text(compute),
        "versions": pairs(run.versions) or "-",
        "path": run.path or "-",
        "created": run.created or "-",
    }
    output.table([Column("field"), Column("value", fold=True)], [[name, value] for name, value in facts.items()])
    output.text()
    results.searched(output, run, trials=True)
    results.metrics_table(output, run.metrics, run.intervals, {BASELINE: run.baseline, **other_metrics(run.plan)})
    for sentence in (*losses(run), *gains(run)):
        output.paragraph(sentence)
    results.breakdown(output, run.outcomes)
    results.epochs(output, run)
    if warning := too_small(run.plan):
        output.warn(warning)


@zoo_command("compare")
@click.argument("first")
@click.argument("second")
def compare(output: Output, first: str, second: str) -> None:
    """Compare two runs on the test samples that both have.

    Differences are paired, with 95 % intervals; p is that of a permutation test.

    \b
    Examples:
      zoo runs compare 20261124-093015-4fa2 20261124-101500-77b0
    """
    from zoo.adapt.results.paired import compare_runs, verdict
    from zoo.adapt.results.sentences import ends_text
    from zoo.registry import open_registry

    runs = open_registry().run(first), open_registry().run(second)
    found = compare_runs(*runs)
    if output.json:
        output.data(found.to_dict())
        return
    for letter, run in zip("AB", runs, strict=True):
        output.text(f"{letter}: {run.id}, {run.model} by {run.strategy} on {run.dataset}")
    output.text()
    output.text(f"On the {found.samples:,} test samples of both runs ({found.units:,} independent):")
    output.text()
    columns = [Column("metric"), *(Column(name, number=True) for name in ("A", "B", "A - B", "95 % interval", "p"))]
    rows = [
        [
            one.metric,
            human_score(one.first),
            human_score(one.second),
            f"{one.difference:+.4f}",
            ends_text((one.low, one.high)),
            f"{one.p:.3f}",
        ]
        for one in found.metrics
    ]
    output.table(columns, rows)
    output.text()
    output.paragraph(verdict(found))


@zoo_command("import")
@click.argument("file", type=click.Path())
def import_runs(output: Output, file: str) -> None:
    """Add runs from a JSON file, or results from a CSV file.

    A CSV file needs the columns model, dataset, metric and value; optional are task, strategy, cost (seconds),
    baseline, seed, epochs, samples, device, revision and date. If a line is invalid, nothing is added.

    \b
    Examples:
      zoo runs import runs.json
      zoo runs import results.csv
    """
    from zoo.history.run_files import read_runs
    from zoo.registry import open_registry

    runs = read_runs(file)
    open_registry().add(runs)
    if output.json:
        output.data({"imported": len(runs), "ids": [run.id for run in runs]})
    else:
        output.text(f"Imported {len(runs):,} runs from {file}. Next: zoo runs list")


@zoo_command("export")
@click.argument("file", type=click.Path())
@click.option("--model", help="Only runs of this model id.")
@click.option("--task", help="Only runs for this task.")
def export_runs(output: Output, file: str, model: str | None, task: str | None) -> None:
    """Write runs to a JSON file (all fields) or a CSV file (one line per metric, for spreadsheets).

    A CSV file lacks the ids, plans, intervals and predictions of the runs.

    \b
    Examples:
      zoo runs export runs.json
      zoo runs export results.csv --task text-classification
    """
    from zoo.history.run_files import is_table, write_runs
    from zoo.registry import open_registry

    runs = open_registry().runs(model=_id(model), task=task, outcomes=True)
    write_runs(runs, file)
    if output.json:
        output.data({"exported": len(runs), "file": file})
    else:
        output.text(f"Wrote {len(runs):,} runs to {file}.")
    if is_table(file):
        output.note(
            "Note: A CSV file cannot hold the ids, plans, intervals and predictions of runs; export them as JSON: "
            f"zoo runs export {shlex.quote(str(Path(file).with_suffix('.json')))}"
        )


def _of_base(run: Run, compute: Mapping[str, Any] | None) -> str:
    """A run's compute as a fraction of the pretraining, where both are known; empty if the run's is not."""
    from zoo.catalog.training_compute import training_compute
    from zoo.compute import operations
    from zoo.registry import open_registry

    flop = operations(compute)
    if flop is None:
        return ""
    registry = open_registry()
    base = training_compute(run.model, lambda id: next(iter(registry.cards_called([id])), None))
    if base is None:
        return "; the base's compute is not published"
    return f"; {flop / base.flop:.1e} of the pretraining of {base.model} (published: {base.source})"


def _id(model: str | None) -> str | None:
    """A model id, of an alias that of its model."""
    from zoo.plugins.aliases import alias

    pinned = None if model is None else alias(model)
    return model if pinned is None else pinned.id


for subcommand in (list_runs, show_run, compare, import_runs, export_runs):
    command.add_command(subcommand)
