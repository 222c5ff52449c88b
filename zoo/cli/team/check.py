"""``zoo check``: whether the models that a project uses are pinned, locked and allowed."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output

FORMATS = ("text", "json", "github", "sarif", "junit")

CANNOT_CHECK = 2
"""Exit code of a check that did not take place; 1 means that it found errors."""


@zoo_command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Format of the report [default: text].")
@click.option("-o", "--output", "place", metavar="FILE", help="Write the report to a file.")
@click.option("--select", multiple=True, metavar="CODE", help="Report only this code, such as 'model-*'; repeatable.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Do not report this code; repeatable.")
@click.option("--strict", is_flag=True, help="Report warnings as errors.")
@click.option("--no-code", is_flag=True, help="Check only locks and policies.")
@click.option("--no-lock", is_flag=True, help="Do not check locks.")
def command(
    output: Output,
    *,
    paths: tuple[str, ...],
    format_: str | None,
    place: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    no_code: bool,
    no_lock: bool,
) -> int:
    """Check a project for CI: are the models in its code pinned, locked and allowed?

    PATH is a folder or file [default: this folder]. Python files and notebooks are parsed, and never run. Uses no
    network and needs no registry. Exit code 1 if there are errors, 2 if the check was not possible.

    \b
    Examples:
      zoo check
      zoo check src tests --strict
      zoo check --format github
      zoo check --format sarif --output zoo.sarif
    """
    from zoo.team.check import check
    from zoo.team.check.formats import rendered, summary

    output.failure = CANNOT_CHECK
    format_ = format_ or ("json" if output.json else "text")
    if output.json and format_ != "json":
        raise click.UsageError(f"--json and --format {format_} exclude each other.")
    output.json = format_ == "json"
    report = check(
        [Path(path).expanduser() for path in paths or (".",)],
        code=not no_code,
        lock=not no_lock,
        select=select,
        ignore=ignore,
        strict=strict,
    )
    found = rendered(report, format_)
    if place is None:
        output.lines(found)
    else:
        from zoo.atomic import replacing

        target = Path(place).expanduser().absolute()
        with replacing(target) as new:
            new.write_text(f"{found}\n", encoding="utf-8")
        output.note(f"{summary(report)} Wrote {place}.")
    return 1 if report.errors else 0
