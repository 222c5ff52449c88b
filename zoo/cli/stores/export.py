"""``zoo export``: write the registry's content to a file."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output
from zoo.cli.team import compliance


@zoo_command("export")
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option("-o", "--output", "named", metavar="FILE", type=click.Path(allow_dash=True), help="The same as FILE.")
@click.option(
    "--format",
    type=click.Choice(["json", "jsonl", "parquet", "model-index", "cyclonedx", "annex-xii"]),
    help="Format of the file [default: by its name]",
)
@click.option("--locked", is_flag=True, help="The models of zoo.lock, as a CycloneDX bill of materials.")
@click.option("--own", is_flag=True, help="Only what you added, without the cards and scores of plugins.")
@click.option("--model", multiple=True, help="Only this model and its scores; may be repeated.")
@click.option("--domain", help="Only models of this domain, with their scores and runs.")
@click.option("--task", help="Only models for this task, with their scores and runs.")
@click.option("--source", help="Only models of this platform, with their scores and runs.")
def command(
    output: Output,
    file: str | None,
    *,
    named: str | None,
    format: str | None,
    locked: bool,
    own: bool,
    model: tuple[str, ...],
    domain: str | None,
    task: str | None,
    source: str | None,
) -> None:
    """Write models, scores and runs to a file.

    FILE ends in .json (one document), .jsonl (one item per line), .parquet, .cdx.json (a CycloneDX bill of materials)
    or .md (the header of a model card, with the scores of one model), or is - for standard output.

    With --locked, the bill of materials has exactly the models of zoo.lock. The format annex-xii has the facts of one
    model that Annex XII of the EU AI Act lists, as Markdown or as .json; this is not legal advice.

    \b
    Examples:
      zoo export registry.json
      zoo export mine.jsonl --own
      zoo export models.cdx.json --model pkg:mobilenet-v2 --model pkg:wordllama
      zoo export - --task image-classification --format jsonl
      zoo export bom.cdx.json --locked
      zoo export facts.md --format annex-xii --model pkg:efficientnet-lite0
    """
    from zoo import exchange
    from zoo.errors import InvalidInput
    from zoo.registry import SearchQuery, open_registry

    if (file is None) == (named is None):
        raise InvalidInput("Name one file to write.", "For standard output: zoo export - --format json")
    file = file or named or "-"
    chosen = own or domain or task or source
    if locked:
        if model or chosen or format not in {None, "cyclonedx"}:
            raise InvalidInput(
                "--locked takes no other choice of models, and no format but cyclonedx.",
                "Run: zoo export FILE --locked",
            )
        compliance.export_lock(output, file)
        return
    if format == "annex-xii":
        if len(model) != 1 or chosen:
            raise InvalidInput("The format annex-xii describes one model.", "Choose it: --model ID")
        compliance.export_annex(output, model[0], file)
        return
    query = SearchQuery(domain=domain, task=task, source=source) if domain or task or source else None
    counts = exchange.export(open_registry(), file, format=format, own=own, model=model, query=query)
    if file == "-":
        return
    if output.json:
        output.data({"exported": counts, "file": file})
    else:
        output.text(f"Wrote {output.counted(counts)} to {file}.")
