"""``zoo import``: content of a file into the registry."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output


@zoo_command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "jsonl", "parquet", "models", "model-index", "snapshots", "mlflow"]),
    help="[default: by the file's name]",
)
@click.option("--model", help="Whose scores they are, for model-index.")
def command(output: Output, file: str, form: str | None, model: str | None) -> None:
    """Add models, scores and runs from a file.

    FILE is JSON, JSONL or Parquet as 'zoo export' writes it, or - for standard input; a list of models in YAML, or in
    JSON with --format models; a model card (README.md) with scores; a folder of models or a cache of the Hub; or the
    address of an MLflow server. All of it is added, or nothing. What is added is yours: plugins do not replace it.

    \b
    Examples:
      zoo import models.json
      zoo import models.jsonl --json
      zoo import team.yaml
      zoo import README.md --model hf:team/our-model
      zoo import ~/.cache/huggingface/hub
      zoo import http://mlflow.example.org:5000
    """
    from zoo.registry import open_registry

    counts = open_registry().import_file(file, form=form, model=model)
    if output.json:
        output.data({"imported": counts})
    else:
        output.text(f"Imported {output.counted(counts)} from {file}. Next: zoo search")
