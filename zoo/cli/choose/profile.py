"""``zoo profile``: the content of a data set, and possible problems with it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.choose.label_errors import check_labels
from zoo.cli.figures import human_bytes
from zoo.cli.options import command as zoo_command
from zoo.cli.options import group_column, plugin_options, reading
from zoo.cli.output import Column, Output, reasons

if TYPE_CHECKING:
    from zoo.data import Profile

SHOWN_CLASSES = 20


@zoo_command("profile")
@click.argument("data", required=False)
@click.option("--datasets", "listing", is_flag=True, help="List the packaged data sets instead.")
@click.option("--task", help="Check whether the data set fits this task; exit code 1 if not.")
@click.option(
    "--label-errors",
    "checker",
    metavar="MODEL",
    help="Find labels that are probably wrong, with the features of this model.",
)
@click.option("-o", "--output", "path", help="CSV file of the samples with suspicious labels, for zoo tune --drop.")
@click.option("--report", help="HTML page that shows the samples with suspicious labels.")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@group_column
@reading
@plugin_options("profile")
def command(output: Output, data: str | None, listing: bool, checker: str | None, **options: Any) -> None:
    """Inspect a data set: classes, balance, sizes, problems.

    DATA is a folder of class folders, a CSV, TSV, JSONL or Parquet file, a saved data set, or a packaged one.

    With --label-errors, copies whose labels contradict each other come first, then labels that contradict a
    cross-validated linear probe on the model's features; no fold separates samples of one group (--group-column). Check
    the list before you leave samples out of training.

    \b
    Examples:
      zoo profile --datasets
      zoo profile sklearn:digits
      zoo profile reviews.csv --input-column review --target-column stars --task text-classification
      zoo profile photos/ --on-problem fail --json
      zoo profile photos/ --label-errors pkg:mobilenet-v2 -o suspicious.csv --report suspicious.html
    """
    if listing:
        if data is not None:
            raise click.UsageError("--datasets takes no DATA.")
        _show_packaged(output)
        return
    if data is None:
        raise click.UsageError("Name the DATA to look at, or list the packaged data sets with --datasets.")
    if checker is not None:
        check_labels(output, data, checker, options)
        return
    for name, value in (
        ("-o", options.pop("path")),
        ("--report", options.pop("report")),
        ("--device", options.pop("device")),
        ("--group-column", options.pop("group_column")),
    ):
        if value is not None:
            raise click.UsageError(f"{name} has no effect without --label-errors.")
    _profile(output, data, **options)


def _profile(output: Output, data: str, task: str | None, **options: Any) -> None:
    """Show the profile, or raise ``DataError`` if the data do not fit the task."""
    from zoo.adapt.evaluating import by_answers
    from zoo.data import check, fitting_tasks, profile, read
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    dataset = read(data, task=task, unlabelled=not task, **options)
    if task:
        wanted = find_task(task, plugins().tasks)
        check(dataset, wanted, structured=by_answers(dataset, wanted))
    tasks = [task] if task else fitting_tasks(dataset)
    found = profile(dataset)
    if output.json:
        output.data({**found.to_dict(), "tasks": tasks})
    else:
        _show(output, found, tasks)
        if "input" in found.columns and "target" not in found.columns:
            output.note("No column looks like labels; name one with --target-column, or the task with --task.")
        if tasks:
            output.text()
            output.text(f"Next: {_next(data, tasks[0], options)}")


def _next(data: str, task: str, options: Mapping[str, str | None]) -> str:
    """The suggested next command, with the same columns."""
    named = {"--task": task, "--input-column": options["input_column"], "--target-column": options["target_column"]}
    chosen = [word for option, value in named.items() if value is not None for word in (option, value)]
    return shlex.join(["zoo", "recommend", data, *chosen])


def _show_packaged(output: Output) -> None:
    from zoo.data import packaged_datasets

    known = packaged_datasets()
    if output.json:
        output.data({"datasets": [one.to_dict() for one in known]})
        return
    rows = [
        [one.name, one.input_kind or "-", "here" if one.available else one.install or "no", one.description]
        for one in known
    ]
    output.table([Column("data set"), Column("input"), Column("available"), Column("what it is", fold=True)], rows)


def _show(output: Output, found: Profile, tasks: list[str]) -> None:
    from zoo.kinds.known import kind_of

    output.text(
        f"{found.name}: {output.counted({kind_of(found.input_kind).nouns: found.samples})}, {human_bytes(found.bytes)}"
    )
    output.table([Column("what"), Column("value")], _facts(found, tasks), head=False)
    if found.classes:
        output.text()
        most = sorted(found.classes.items(), key=lambda item: -item[1])
        rows = [[name, f"{count:,}", f"{count / found.samples:.1%}"] for name, count in most[:SHOWN_CLASSES]]
        if len(most) > SHOWN_CLASSES:
            rest = sum(count for _, count in most[SHOWN_CLASSES:])
            rows.append([f"{len(most) - SHOWN_CLASSES:,} others", f"{rest:,}", f"{rest / found.samples:.1%}"])
        output.table(
            [Column(_class_word(found), short=True), Column("samples", number=True), Column("share", number=True)], rows
        )
    if found.problems:
        output.text()
        output.text(f"Left out: {len(found.problems):,}")
        for line in reasons(found.left_out):
            output.paragraph(line, indent=3)
    if found.warnings:
        output.text()
        for warning in found.warnings:
            output.paragraph(f"Note: {warning}")


def _class_word(found: Profile) -> str:
    from zoo.kinds.known import kind_of

    return "label" if kind_of(found.target_kind).several else "class"


def _facts(found: Profile, tasks: list[str]) -> list[list[str]]:
    """Rows of a table of two columns: property and value."""
    facts = [["fits", ", ".join(tasks) or "no task that zoo can measure"]]
    if found.columns:
        facts.append(["columns", ", ".join(f"{role} '{name}'" for role, name in found.columns.items())])
    if found.classes:
        balance = "" if found.balance is None else f"balance {found.balance:.2f}; "
        ratio = f"the largest is {found.imbalance or 0:.3g} times the smallest"
        word = "labels" if _class_word(found) == "label" else "classes"
        facts.append([word, f"{len(found.classes):,} ({balance}{ratio})"])
    if found.numbers:
        facts.append(["targets", ", ".join(f"{name} {value:.4g}" for name, value in found.numbers.items())])
    if found.images:
        sizes = (found.images.smallest, found.images.median, found.images.largest)
        small, middle, large = (f"{width} x {height}" for width, height in sizes)
        facts.append(["pixels", f"median {middle}, from {small} to {large}"])
        facts.append(["colour", ", ".join(f"{mode} {count:,}" for mode, count in found.images.modes.items())])
    for what, lengths in (("characters", found.characters), ("words", found.words)):
        if lengths:
            facts.append([what, f"median {lengths.median:,}, 95 % up to {lengths.p95:,}, at most {lengths.maximum:,}"])
    facts += [[name, str(value)] for name, value in found.details.items()]
    conflicting = f"; groups of duplicates with different labels: {found.conflicting:,}" if found.conflicting else ""
    files = " by file content; the same sample in another format is not detected" if found.by_files else ""
    facts.append(["repeated", f"{found.repeated:,}{files}{conflicting}"])
    near = "not compared" if found.near_copies is None else f"{found.near_copies:,}"
    facts.append(["nearly repeated", near])
    facts.append(["fingerprint", found.fingerprint])
    return facts
