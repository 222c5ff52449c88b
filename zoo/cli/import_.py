"""``zoo import``: content of a file into the registry."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--format", "form", type=click.Choice(["json", "jsonl"]), help="[default: by the file's name]")
def command(output: Output, file: str, form: str | None) -> None:
    """Add models, scores and runs from a file.

    FILE is JSON or JSONL as 'zoo export' writes it, or - for standard input. All of it is added, or nothing. What is
    added is yours: plugins do not replace it.

    \b
    Examples:
      zoo import models.json
      zoo import models.jsonl --json
    """
    from zoo.registry import open_registry

    counts = open_registry().import_file(file, form=form)
    if output.json:
        output.data({"imported": counts})
    else:
        output.text(f"Imported {output.counted(counts)} from {file}. Next: zoo search")
