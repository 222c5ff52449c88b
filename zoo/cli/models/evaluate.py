"""``zoo evaluate``: evaluate a model's own outputs on labelled data."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.figures import human_score, human_seconds
from zoo.cli.options import command as zoo_command
from zoo.cli.options import plugin_options, read_options, reading
from zoo.cli.output import Column, Output


@zoo_command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option("--task", help="Task name [default: the model's first task that fits the data].")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@reading
@plugin_options("evaluate")
def command(output: Output, model: str, data: str, **options: Any) -> None:
    """Evaluate a model's own outputs on your labelled data.

    Nothing is trained, and samples that 'zoo tune' trained the model on are left out. Classes are matched to the
    model's labels by name. Image-text models are evaluated zero-shot with the class names or, if the data have a column
    of texts, on retrieval in both directions.

    \b
    Examples:
      zoo evaluate file:./tuned reviews.csv
      zoo evaluate hf:google/siglip-base-patch16-224 photos/ --task zero-shot-image-classification
      zoo evaluate hf:google/siglip-base-patch16-224 captions.csv --task image-text-retrieval --json
    """
    from zoo.adapt.evaluation import evaluate

    read = read_options(options)
    found = evaluate(model, data, read=read, progress=output.progress(), **options)
    if output.json:
        output.data(found.to_dict())
        return
    title = f"{found.model} on {found.dataset}: {found.task}, {found.samples:,} samples"
    output.text(f"{title}, {human_seconds(found.seconds)} on {found.device}")
    output.text()
    columns = [Column("metric")] + [Column(name, number=True) for name in ("this model", "baseline", "gain")]
    rows = []
    for name, value in found.metrics.items():
        baseline = found.baseline.get(name)
        gain = "-" if baseline is None else f"{value - baseline:+.4f}"
        rows.append([name, human_score(value), human_score(baseline), gain])
    output.table(columns, rows)
    if found.left_out:
        whole = found.left_out + found.samples
        output.note(f"Left out, because the model was trained on them: {found.left_out:,} of {whole:,} samples.")
    for warning in found.warnings:
        output.warn(warning)
    output.left_out(found.skipped)
    output.notes(found.notes)
