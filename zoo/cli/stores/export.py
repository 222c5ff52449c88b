"""``zoo export``: write the registry's content to a file."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("export")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    type=click.Choice(["json", "jsonl", "parquet", "model-index", "cyclonedx"]),
    help="Format of the file [default: by its name]",
)
@click.option("--own", is_flag=True, help="Only what you added, without the cards and scores of plugins.")
@click.option("--model", multiple=True, help="Only this model and its scores; may be repeated.")
@click.option("--domain", help="Only models of this domain, with their scores and runs.")
@click.option("--task", help="Only models for this task, with their scores and runs.")
@click.option("--source", help="Only models of this platform, with their scores and runs.")
def command(
    output: Output,
    file: str,
    *,
    format: str | None,
    own: bool,
    model: tuple[str, ...],
    domain: str | None,
    task: str | None,
    source: str | None,
) -> None:
    """Write models, scores and runs to a file.

    FILE ends in .json (one document), .jsonl (one item per line), .parquet, .cdx.json (a CycloneDX bill of materials)
    or .md (the header of a model card, with the scores of one model), or is - for standard output.

    \b
    Examples:
      zoo export registry.json
      zoo export mine.jsonl --own
      zoo export models.cdx.json --model pkg:mobilenet-v2 --model pkg:wordllama
      zoo export - --task image-classification --format jsonl
    """
    from zoo import exchange
    from zoo.registry import SearchQuery, open_registry

    query = SearchQuery(domain=domain, task=task, source=source) if domain or task or source else None
    counts = exchange.export(open_registry(), file, format=format, own=own, model=model, query=query)
    if file == "-":
        return
    if output.json:
        output.data({"exported": counts, "file": file})
    else:
        output.text(f"Wrote {output.counted(counts)} to {file}.")
