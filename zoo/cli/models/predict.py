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
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.kind import Kind


@zoo_command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--task", help="Task of the output [default: the model's first].")
@click.option("--labels", help="Comma-separated classes for a zero-shot model.")
@click.option(
    "-o",
    "--output",
    "folder",
    help="Page to write (page.html), image of a single prediction (image.png), or folder for generated recordings and "
    "for images: inputs with the detections drawn on them, spectrograms, series with their forecast.",
)
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best available].")
@plugin_options("predict")
def command(output: Output, model: str, options: dict[str, Any], **given: Any) -> None:
    """Run a model on inputs.

    INPUT is what the model takes: an image file, a recording, a text or .txt file, a molecule or protein, a file with
    several of them, a file with a structure, or a file of values to forecast. For question answering, write the
    question before the text with the answer: "Who lives here? The king lives here." For speech synthesis, a recording
    of the voice to use may precede the text: "me.wav Good night." For image generation, INPUT is the prompt or a
    class, or, if the model takes no prompt, the number of images.

    \b
    Examples:
      zoo predict pkg:efficientnet-lite0 flower.jpg
      zoo predict file:./tuned photos/1.jpg photos/2.jpg --json
      zoo predict file:./detector street.jpg --task object-detection -o drawn/
      zoo predict file:./entities "Nils Smith lives in Havana" -o entities.html
      zoo predict file:./forecaster sales.csv -o forecast.html
      zoo predict hf:google/siglip-base-patch16-224 photo.jpg --labels cat,dog,horse
      zoo predict hf:facebook/nllb-200-distilled-600M "The sea is calm." --languages en,de
      zoo predict hf:facebook/mms-tts-eng "Good night, and sleep well." -o spoken/
      zoo predict hf:stable-diffusion-v1-5/stable-diffusion-v1-5 "a red fox in snow" --count 4 -o foxes.html
    """
    from zoo.plugins.options import settings_of

    with configured(settings_of("predict", options)):
        _predict(output, model, options, **given)


def _predict(
    output: Output,
    model: str,
    options: dict[str, Any],
    *,
    inputs: tuple[str, ...],
    task: str | None,
    labels: str | None,
    folder: str | None,
    device: str | None,
) -> None:
    """Run the model, and show its answers."""
    from zoo import pages
    from zoo.features import load
    from zoo.features.predicting import question
    from zoo.kinds.known import plain_kind, shown
    from zoo.pages import predictions

    page = Path(folder or "").suffix.lower() in {".html", ".htm"}
    if page:
        pages.check(folder or "", "page")
    loaded = load(model, device=device, progress=output.progress())
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
        found = [{"input": text, "output": value} for text, value in zip(names, values, strict=True)]
        output.data({"model": model, "predictions": found, "skipped": [problem.to_dict() for problem in skipped]})
        return
    output.left_out(skipped)
    table = shown(answered, lambda: answered.table(names, answers), lambda: plain.table(names, answers))
    columns = [Column(head, head in table.numeric, fold=at == 0) for at, head in enumerate(table.heads)]
    output.table(columns, table.rows)


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
            "Leave -o out, or write a page: -o page.html.",
        )
    return drawing
