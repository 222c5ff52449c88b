"""``zoo predict``: a model's own answer to single inputs."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.options import making, paying
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.features import Model

WORDS, LONGEST_NAME = 5, 40
"""Words of a text that a file is named by, and characters of the name."""


@zoo_command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--task", help="Task of the output [default: the model's first].")
@click.option("--labels", help="Classes that a zero-shot model chooses from, with commas between.")
@click.option(
    "-o",
    "--output",
    "folder",
    help="Page to write (page.html), or folder for pictures with what was found drawn on them or, of recordings, over "
    "their spectrograms; recordings that a model makes are written there too.",
)
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best there is].")
@making
@paying
def command(
    output: Output, model: str, inputs: tuple[str, ...], *, task: str | None, labels: str | None, folder: str | None,
    device: str | None, **wished: Any,
) -> None:  # fmt: skip
    """Run a model on inputs.

    INPUT is an image file, a recording, a text, a SMILES, a sequence of residues, a file with a crystal, or a NetCDF
    file whose next fields are asked for, as the model takes it; a question is followed by the text that holds the
    answer: "Who lives here? The king lives here." A text to be spoken may follow a recording of the voice to use:
    "me.wav Good night." Of a model that makes pictures it is what they are to show, a class, or, where the model takes
    no prompt, how many.

    \b
    Examples:
      zoo predict pkg:efficientnet-lite0 flower.jpg
      zoo predict file:./tuned photos/1.jpg photos/2.jpg --json
      zoo predict file:./detector street.jpg --task object-detection -o drawn/
      zoo predict file:./entities "Nils Smith lives in Havana" -o entities.html
      zoo predict openclip:ViT-B-32/laion2b_s34b_b79k photo.jpg --labels cat,dog,horse
      zoo predict pkg:piper-joe-medium "Good night, and sleep well." -o spoken/
      zoo predict hf:stable-diffusion-v1-5/stable-diffusion-v1-5 "a red fox in snow" --count 4 -o foxes.html
    """
    from zoo import pages
    from zoo.data.audio import save as save_recording
    from zoo.data.drawing import draw, save
    from zoo.data.single import input_kind, read_input
    from zoo.features import load
    from zoo.pages import predictions

    page = Path(folder or "").suffix.lower() in {".html", ".htm"}
    if page:
        pages.check(folder or "", "page")
    named = tuple(label.strip() for label in (labels or "").split(",") if label.strip())
    loaded = load(model, device=device, progress=output.progress())
    kind = input_kind(loaded, task)
    read: list[Any]
    if kind == "prompt":
        read, inputs = prompts(loaded, inputs, task, wished, shown=bool(folder) or output.json)
    else:
        read = [read_input(text, kind) for text in inputs]
    answers = loaded.predict(read, task, named)
    if page:
        written = pages.save(predictions.page(model, task or "", inputs, read, answers), folder or "")
        output.note(f"Written: {written}")
    elif folder:
        drawings = [draw(item, answer) for item, answer in zip(read, answers, strict=True)]
        for name, drawing, answer in zip(_names(inputs, answers), drawings, answers, strict=True):
            if hasattr(answer, "sampling_rate"):
                output.note(f"Written: {save_recording(answer, Path(folder), name)}")
            output.note(f"Drawn: {save(drawing, Path(folder), name)}")
    elif any(hasattr(answer, "sampling_rate") for answer in answers):
        output.note("Recordings are kept by -o FOLDER, and played by -o page.html.")
    if output.json:
        found = [{"input": text, "output": plain(answer)} for text, answer in zip(inputs, answers, strict=True)]
        output.data({"model": model, "predictions": found})
        return
    rows = []
    for text, answer in zip(inputs, answers, strict=True):
        found = answer if isinstance(answer, list) else [answer]
        for position, label in enumerate(found):
            name, score = shown(label)
            rows.append([text if position == 0 else "", name, score])
    output.table([Column("input", fold=True), Column("label"), Column("score", number=True)], rows)


def prompts(
    model: Model, inputs: tuple[str, ...], task: str | None, wished: dict[str, Any], *, shown: bool
) -> tuple[list[Any], tuple[str, ...]]:
    """The pictures that are asked for, and the prompt of each.

    Raises:
        InvalidInput: nothing says where they are to be seen, or their number is none.
    """
    from zoo.data.prompts import UNCONDITIONAL, asked
    from zoo.errors import InvalidInput

    if not shown:
        raise InvalidInput(
            f"'{model.card.id}' makes pictures, which need a place.", "Add -o pictures/, or -o page.html."
        )
    wanted = asked(inputs, prompted=(task or next(iter(model.card.tasks), "")) != UNCONDITIONAL, **wished)
    return wanted, tuple(one.text or f"Seed {one.seed}" for one in wanted)


def shown(answer: Any) -> tuple[str, str]:
    """An answer in a few words, and its score where it has one."""
    if hasattr(answer, "sampling_rate"):
        return f"{answer.seconds:.2f} s at {answer.sampling_rate:,} Hz", ""
    if not isinstance(answer, Mapping):
        return str(answer), ""
    score = f"{answer['score']:.3f}" if "score" in answer else ""
    if "image" in answer:
        return f"{answer['image'].width} x {answer['image'].height} pixels, seed {answer['seed']}", ""
    if "word" in answer:
        return f"{answer['word']} ({answer['label']})", score
    if "mask" in answer:
        return ", ".join(f"{name} {share:.0%}" for name, share in answer["classes"].items()), ""
    if "box" in answer:
        return f"{answer['label']} at {', '.join(f'{side:.0f}' for side in answer['box'])}", score
    if "values" in answer:
        names = zip(answer["names"], answer["values"], strict=True)
        return ", ".join(f"{name} {field.min():.3g} to {field.max():.3g}" for name, field in names), ""
    if "energy" in answer:
        return f"{answer['energy']:.4f} eV an atom", ""
    return str(answer.get("label", answer.get("answer", dict(answer)))), score


def plain(answer: Any) -> Any:
    """An answer as plain JSON values: arrays as lists, pictures as PNG in base64, of recordings length and rate."""
    if hasattr(answer, "sampling_rate"):
        return {"seconds": round(answer.seconds, 3), "sampling_rate": answer.sampling_rate}
    if hasattr(answer, "save") and hasattr(answer, "convert"):
        buffer = io.BytesIO()
        answer.save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode("ascii")
    if hasattr(answer, "tolist"):
        return answer.tolist()
    if isinstance(answer, Mapping):
        return {name: plain(value) for name, value in answer.items()}
    return [plain(value) for value in answer] if isinstance(answer, (list, tuple)) else answer


def _names(inputs: Sequence[str], answers: Sequence[Any]) -> list[str]:
    """Names of files for what was drawn: those of the inputs' files, or of texts their first words with a number."""
    names = []
    for number, (text, answer) in enumerate(zip(inputs, answers, strict=True), start=1):
        words = "-".join(re.findall(r"[^\W_]+", text.lower())[:WORDS])[:LONGEST_NAME]
        made = hasattr(answer, "sampling_rate") or (isinstance(answer, Mapping) and "image" in answer)
        names.append(f"{number:02d}-{words}" if made else Path(text).stem)
    return names
