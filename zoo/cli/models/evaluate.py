"""``zoo evaluate``: evaluate a model's own outputs on labelled data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from zoo.cli.figures import human_seconds
from zoo.cli.options import command as zoo_command
from zoo.cli.options import plugin_options, read_options, reading, report_option
from zoo.cli.output import Output


@zoo_command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option("--task", help="Task name [default: the model's first task that fits the data].")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@click.option(
    "--include-training",
    is_flag=True,
    help="Report the metrics on all samples too, those included that the model was trained on.",
)
@reading
@plugin_options("evaluate")
@report_option
def command(output: Output, model: str, data: str, report: str | None, **options: Any) -> None:
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
    from zoo.adapt.results.sentences import BASELINE, too_small
    from zoo.cli.models import results

    read = read_options(options)
    found = evaluate(model, data, read=read, report=report, progress=output.progress(), **options)
    if output.json:
        output.data({**replace(found, outcomes=None).to_dict(), **results.breakdown_document(found.outcomes)})
        return
    title = f"{found.model} on {found.dataset}: {found.task}, {found.samples:,} samples"
    output.text(f"{title}, {human_seconds(found.seconds)} on {found.device}")
    output.text()
    others = {BASELINE: found.baseline}
    if found.with_training:
        others["with training samples"] = found.with_training
    results.metrics_table(output, found.metrics, found.intervals, others)
    results.breakdown(output, found.outcomes)
    if warning := too_small({"test_units": found.independent, "test_samples": found.samples}):
        output.warn(warning)
    if found.left_out:
        whole = found.left_out + found.samples
        output.note(f"Left out, because the model was trained on them: {found.left_out:,} of {whole:,} samples.")
    if report:
        output.text(f"Report: {report}")
    for warning in found.warnings:
        output.warn(warning)
    output.left_out(found.skipped)
    output.notes(found.notes)
