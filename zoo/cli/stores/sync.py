"""``zoo sync``: what a platform lists, in the registry."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output, human_seconds


@zoo_command("sync")
@click.argument("source")
@click.option("--task", help="Only models for this task.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many models, the most downloaded ones.")
@click.option("--since", metavar="DATE", help="Only models that changed on this day or later, such as 2026-01-31.")
@click.option("--full", is_flag=True, help="List everything again, with today's downloads and likes.")
def command(output: Output, source: str, *, task: str | None, limit: int | None, since: str | None, full: bool) -> None:
    """Bring what a platform lists into the registry.

    SOURCE is the part of an id before the colon, such as hf. The first time brings all models; after that, those
    that are new or changed. Interrupted, it goes on where it stopped.

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
        happened = {"left out": report.unreadable, "cut to what fits": report.cut}
        said = " and ".join(f"{count:,} {how}" for how, count in happened.items() if count)
        output.warn(f"Entries that cannot be kept as they are: {said}, such as '{first.item}': {first.reason}")
    output.text(f"Next: zoo search --source {source}")
