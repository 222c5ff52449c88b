"""``zoo import``: add the content of a file to the registry."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    type=click.Choice(["json", "jsonl", "parquet", "models", "model-index", "snapshots", "mlflow"]),
    help="Format of the file [default: by its name]",
)
@click.option("--model", help="Model that the scores of a model-index belong to.")
def command(output: Output, file: str, format: str | None, model: str | None) -> None:
    """Add models, scores and runs from a file.

    FILE is JSON, JSONL or Parquet as 'zoo export' writes it, or - for standard input; a list of models in YAML, or in
    JSON with --format models; a model card (README.md) with scores; a folder of models or a cache of the Hub; or the
    address of an MLflow server. If an item is invalid, nothing is added. Plugins do not replace imported items.

    \b
    Examples:
      zoo import models.json
      zoo import models.jsonl --json
      zoo import team.yaml
      zoo import README.md --model hf:team/our-model
      zoo import ~/.cache/huggingface/hub
      zoo import http://mlflow.example.org:5000
    """
    from zoo import exchange
    from zoo.registry import open_registry

    counts = exchange.import_file(open_registry(), file, format=format, model=model)
    if output.json:
        output.data({"imported": counts})
    else:
        output.text(f"Imported {output.counted(counts)} from {file}. Next: zoo search")
