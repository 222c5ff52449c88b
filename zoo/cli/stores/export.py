"""``zoo export``: the registry's content in a file."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("export")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "jsonl", "parquet", "model-index", "cyclonedx"]),
    help="[default: by the file's name]",
)
@click.option("--own", is_flag=True, help="Only what you added, without the cards and scores of plugins.")
@click.option("--model", "models", multiple=True, help="Only this model and its scores; repeat it for more.")
@click.option("--domain", help="Models of this domain, with what belongs to them.")
@click.option("--task", help="Models for this task, with what belongs to them.")
@click.option("--source", help="Models of this platform, with what belongs to them.")
def command(output: Output, file: str, form: str | None, own: bool, models: tuple[str, ...], **filters: Any) -> None:
    """Write models, scores and runs to a file.

    FILE ends in .json (one document), .jsonl (one item a line), .parquet, .cdx.json (a CycloneDX bill of materials) or
    .md (a model card's header with the scores of one model), or is - for standard output.

    \b
    Examples:
      zoo export registry.json
      zoo export mine.jsonl --own
      zoo export models.cdx.json --model pkg:mobilenet-v2 --model pkg:wordllama
      zoo export - --task image-classification --format jsonl
    """
    from zoo.registry import open_registry

    chosen = {name: value for name, value in filters.items() if value is not None}
    counts = open_registry().export(file, form=form, own=own, models=models, **chosen)
    if file == "-":
        return
    if output.json:
        output.data({"exported": counts, "file": file})
    else:
        output.text(f"Wrote {output.counted(counts)} to {file}.")
