"""``zoo predict``: run a model on single inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.models.answering import answer_all
from zoo.cli.options import command as zoo_command
from zoo.cli.options import plugin_options
from zoo.cli.output import Column, Output
from zoo.config import configured
from zoo.data.listing import other_files
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.kind import Kind


SHOWN_FAR = 5
"""Maximum number of inputs that are named as unlike the training data."""


@zoo_command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--task", help="Task of the output [default: the model's first].")
@click.option("--labels", help="Comma-separated classes for a zero-shot model.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Probability from which a tuned model of two classes predicts the rarer one [default: as tuned].",
)
@click.option(
    "-o",
    "--output",
    "folder",
    help="Page to write (page.html), image of a single prediction (image.png), or folder for generated recordings and "
    "for images: inputs with the detections drawn on them, spectrograms, series with their forecast. For a table or a "
    "folder of inputs: a table (.csv, .tsv, .jsonl, .parquet).",
)
@click.option("--input-column", help="Column of the inputs of a table [default: guessed].")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@plugin_options("predict")
def command(output: Output, model: str, options: dict[str, Any], **given: Any) -> None:
    """Run a model on inputs.

    INPUT is what the model takes: an image file, a recording, a text or .txt file, a molecule or protein, a file with
    several of them, a file with a structure, or a file of values to forecast. For question answering, write the
    question before the text with the answer: "Who lives here? The king lives here." For speech synthesis, a recording
    of the voice to use may precede the text: "me.wav Good night." For image generation, INPUT is the prompt or a
    class, or, if the model takes no prompt, the number of images.

    With -o predictions.csv, INPUT is one table or folder: every row or file gets a prediction. Run an interrupted
    command again to continue.

    \b
    Examples:
      zoo predict pkg:efficientnet-lite0 flower.jpg
      zoo predict file:./tuned photos/1.jpg photos/2.jpg --json
      zoo predict file:./tuned reviews.csv -o predictions.csv --input-column review
      zoo predict file:./detector street.jpg --task object-detection -o drawn/
      zoo predict file:./entities "Nils Smith lives in Havana" -o entities.html
      zoo predict file:./forecaster sales.csv -o forecast.html
      zoo predict hf:google/siglip-base-patch16-224 photo.jpg --labels cat,dog,horse
      zoo predict hf:facebook/nllb-200-distilled-600M "The sea is calm." --languages en,de
      zoo predict hf:facebook/mms-tts-eng "Good night, and sleep well." -o spoken/
      zoo predict hf:stable-diffusion-v1-5/stable-diffusion-v1-5 "a red fox in snow" --count 4 -o foxes.html
    """
    from zoo.features.bulk.formats import is_table
    from zoo.plugins.options import settings_of

    if is_table(given["folder"]):
        _predict_table(output, model, options, **given)
        return
    if given.pop("input_column") is not None:
        raise click.UsageError("--input-column has no effect without a table to write: -o predictions.csv.")
    with configured(settings_of("predict", options)):
        _predict(output, model, options, **given)


def _predict_table(
    output: Output, model: str, options: dict[str, Any], *, inputs: tuple[str, ...], folder: str, **given: Any
) -> None:
    """Predict every row of a table, or every file of a folder."""
    from zoo.features.bulk import predict_table

    if len(inputs) != 1:
        raise click.UsageError(f"-o {folder} takes one table or folder of inputs, not {len(inputs)}.")
    given["labels"] = given["labels"] or ()
    found = predict_table(model, inputs[0], folder, options=options, progress=output.progress(), **given)
    if output.json:
        output.data(found.to_dict())
        return
    if found.resumed:
        output.note(f"Resumed after {found.resumed:,} rows.")
    output.text(f"Written: {found.output}, {found.rows:,} rows, {found.answered:,} with a prediction")
    output.left_out(found.problems)
    output.notes([*other_files(found.passed_over)])


def _predict(
    output: Output,
    model: str,
    options: dict[str, Any],
    *,
    inputs: tuple[str, ...],
    task: str | None,
    labels: str | None,
    threshold: float | None,
    folder: str | None,
    device: str | None,
) -> None:
    """Run the model, and show its answers."""
    from zoo import pages
    from zoo.features import load
    from zoo.features.bulk.formats import is_table
    from zoo.features.predicting import question
    from zoo.features.thresholds import with_threshold
    from zoo.kinds.known import plain_kind, shown
    from zoo.pages import predictions

    page = Path(folder or "").suffix.lower() in {".html", ".htm"}
    if page:
        pages.check(folder or "", "page")
    loaded = load(model, device=device, action="predict", task=task, progress=output.progress())
    loaded = with_threshold(loaded, threshold)
    wanted = question(loaded, task, labels or "", options)
    asked, answered = wanted.inputs, wanted.outputs
    if answered.needs_output and not (folder or output.json):
        raise InvalidInput(
            f"'{loaded.card.id}' generates {answered.nouns}, and needs a file or folder to write them to.",
            f"Add -o {answered.nouns}/, or -o page.html.",
        )
    typed = wanted.read(loaded, inputs)
    places, answers, unanswered = answer_all(loaded, typed.names, typed.items, wanted.name, wanted.labels)
    names, items = tuple(typed.names[at] for at in places), [typed.items[at] for at in places]
    skipped = [*typed.problems, *unanswered]
    plain = plain_kind(answered.name)
    if page:
        sections = shown(
            answered,
            lambda: answered.sections(names, items, answers, asked),
            lambda: plain.sections(names, items, answers, plain),
        )
        title = wanted.task.title if wanted.task else "its own task"
        written = pages.save(predictions.page(model, title, sections, len(names)), folder or "")
        output.note(f"Written: {written}")
    elif folder:
        _draw(output, answered, asked, (names, items, answers), Path(folder))
    elif answered.output_note:
        output.note(answered.output_note)
    if output.json:
        values = [shown(answered, partial(answered.to_json, one), partial(str, one)) for one in answers]
        found = [
            {"input": text, "output": value, **_mark(answer)}
            for text, value, answer in zip(names, values, answers, strict=True)
        ]
        output.data({"model": model, "predictions": found, "skipped": [problem.to_dict() for problem in skipped]})
        return
    output.left_out(skipped)
    table = shown(answered, lambda: answered.table(names, answers), lambda: plain.table(names, answers))
    columns = [Column(head, head in table.numeric, fold=at == 0) for at, head in enumerate(table.heads)]
    output.table(columns, table.rows)
    tables = [text for text in inputs if text in names and is_table(text) and Path(text).is_file()]
    if tables:
        output.note(f"'{tables[0]}' was taken as a text; to predict its rows: -o predictions.csv")
    far = [name for name, answer in zip(names, answers, strict=True) if _mark(answer).get("unlike_training_data")]
    if far:
        more = f" and {len(far) - SHOWN_FAR:,} more" if len(far) > SHOWN_FAR else ""
        output.note(f"Unlike the training data, so do not rely on the answer: {', '.join(far[:SHOWN_FAR])}{more}")


def _mark(answer: Any) -> dict[str, bool]:
    """Whether an input is unlike the training data; empty if that is unknown."""
    mark = getattr(answer, "unlike_training_data", None)
    return {} if mark is None else {"unlike_training_data": mark}


def _draw(
    output: Output, answered: Kind, asked: Kind, found: tuple[Sequence[str], Sequence[Any], Sequence[Any]], place: Path
) -> None:
    """Draw each answer, and write its content next to the drawing."""
    from zoo.pages.drawing import save, save_alone

    names, items, answers = found
    drawings = [_drawn(answered, asked, item, answer) for item, answer in zip(items, answers, strict=True)]
    if place.suffix.lower() == ".png":
        output.note(f"Drawn: {save_alone(drawings, place)}")
        return
    for stem, drawing, answer in zip(answered.file_names(names), drawings, answers, strict=True):
        for written in answered.save(answer, place, stem):
            output.note(f"Written: {written}")
        output.note(f"Drawn: {save(drawing, place, stem)}")


def _drawn(answered: Kind, asked: Kind, item: Any, answer: Any) -> Image:
    drawing = answered.draw(item, answer) or asked.draw_input(item, answered.lines(answer))
    if drawing is None:
        raise InvalidInput(
            f"Answers of the kind '{answered.name}' cannot be drawn on inputs of the kind '{asked.name}'.",
            "Leave -o out, or name a page (page.html) or a table (predictions.csv, .tsv, .jsonl, .parquet).",
        )
    return drawing
