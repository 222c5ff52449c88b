"""``zoo sync``: add the models that a platform lists to the registry."""

from __future__ import annotations

import click

from zoo.cli.figures import human_seconds
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("sync")
@click.argument("source")
@click.option("--task", help="Only models for this task.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of models, the most downloaded first.")
@click.option("--since", metavar="DATE", help="Only models that changed on this day or later, such as 2026-01-31.")
@click.option("--full", is_flag=True, help="List all models again, with current downloads and likes.")
def command(output: Output, source: str, *, task: str | None, limit: int | None, since: str | None, full: bool) -> None:
    """Add a platform's models to the registry.

    SOURCE is the prefix of the platform's model ids, such as hf. The first sync adds all models, later ones only new or
    changed models. An interrupted sync resumes where it stopped.

    \b
    Examples:
      zoo sync hf --task image-classification --limit 1000
      zoo sync hf --since 2026-01-31
      zoo sync hf
    """
    from zoo.sources import sync

    report = sync(source, task=task, limit=limit, since=since, full=full, progress=output.progress())
    if output.json:
        output.data(report.to_dict())
        return
    written = output.counted({"models": report.models, "scores": report.scores})
    output.text(
        f"{source} listed {report.listed:,} models in {output.counted({'requests': report.requests})} and "
        f"{human_seconds(report.seconds)}; new or changed: {written}."
    )
    if report.problems:
        first = report.problems[0]
        happened = {"skipped": report.unreadable, "truncated": report.cut}
        counted = " and ".join(f"{count:,} {how}" for how, count in happened.items() if count)
        output.warn(f"Some entries could not be stored as they are: {counted}, such as '{first.item}': {first.reason}")
    output.text(f"Next: zoo search --source {source}")
