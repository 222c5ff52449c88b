"""``zoo predict``: a model's own answer to single inputs."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.models.answering import answer_all, read_all
from zoo.cli.options import command as zoo_command
from zoo.cli.options import horizon as horizon_option
from zoo.cli.options import languages as languages_option
from zoo.cli.options import making, paying
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.entities import Problem
    from zoo.features import Model

WORDS, LONGEST_NAME = 5, 40
"""Words of a text that a file is named by, and characters of the name."""


@zoo_command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--task", help="Task of the output [default: the model's first].")
@click.option("--labels", help="Classes that a zero-shot model chooses from, with commas between.")
@languages_option
@click.option(
    "-o",
    "--output",
    "folder",
    help="Page to write (page.html), picture of the one answer (picture.png), or folder for pictures: with what was "
    "found drawn on them, of recordings over their spectrograms, of series with their forecast; recordings that a "
    "model makes are written there too.",
)
@horizon_option
@click.option(
    "--target-column",
    help="Columns of a table of series, or fields of a NetCDF file, with commas between [default: all numbers, or all "
    "fields with the unit of the first].",
)
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best there is].")
@making
@paying
def command(
    output: Output,
    model: str,
    inputs: tuple[str, ...],
    *,
    task: str | None,
    labels: str | None,
    folder: str | None,
    device: str | None,
    horizon: int | None,
    target_column: str | None,
    languages: tuple[str, ...],
    **wished: Any,
) -> None:
    """Run a model on inputs.

    INPUT is an image file, a recording, a text or a .txt file, a SMILES or a .smi file, a sequence of residues or a
    FASTA file, a file with a crystal, a NetCDF file whose next fields are asked for, or a table of time series to
    be forecast, as the model takes it; a question is followed by the text that holds the answer: "Who lives here?
    The king lives here." A text to be spoken may follow a recording of the voice to use: "me.wav Good night." Of a
    model that makes pictures it is what they are to show, a class, or, where the model takes no prompt, how many.

    \b
    Examples:
      zoo predict pkg:efficientnet-lite0 flower.jpg
      zoo predict file:./tuned photos/1.jpg photos/2.jpg --json
      zoo predict file:./detector street.jpg --task object-detection -o drawn/
      zoo predict file:./entities "Nils Smith lives in Havana" -o entities.html
      zoo predict hf:amazon/chronos-bolt-tiny sales.csv --horizon 12 -o forecast.html
      zoo predict openclip:ViT-B-32/laion2b_s34b_b79k photo.jpg --labels cat,dog,horse
      zoo predict hf:facebook/nllb-200-distilled-600M "The sea is calm." --languages en,de
      zoo predict pkg:piper-joe-medium "Good night, and sleep well." -o spoken/
      zoo predict hf:stable-diffusion-v1-5/stable-diffusion-v1-5 "a red fox in snow" --count 4 -o foxes.html
    """
    from zoo import pages
    from zoo.data.single import entries, input_kind, read_input
    from zoo.features import load
    from zoo.pages import predictions
    from zoo.pages.drawing import draw, save, save_alone

    if languages and task not in {None, "translation"}:
        raise click.UsageError("--languages is of --task translation alone.")
    task = "translation" if languages else task
    suffix = Path(folder or "").suffix.lower()
    page, picture = suffix in {".html", ".htm"}, suffix == ".png"
    if page:
        pages.check(folder or "", "page")
    named = tuple(label.strip() for label in (labels or "").split(",") if label.strip())
    loaded = load(model, device=device, progress=output.progress())
    kind = input_kind(loaded, task)
    read: list[Any]
    skipped: list[Problem] = []
    if kind == "prompt":
        read, inputs = prompts(loaded, inputs, task, wished, shown=bool(folder) or output.json)
    elif kind == "time-series":
        read, inputs, skipped = series(inputs, horizon, target_column)
    else:
        variables = [part.strip() for part in (target_column or "").split(",") if part.strip()]
        least = getattr(loaded.backbone, "least_times", None)
        inputs, read, skipped = read_all(entries(inputs, kind), lambda text: read_input(text, kind, variables, least))
    places, answers, unanswered = answer_all(loaded, inputs, read, task, languages or named)
    inputs, read = tuple(inputs[at] for at in places), [read[at] for at in places]
    skipped += unanswered
    if page:
        written = pages.save(predictions.page(model, task or "", inputs, read, answers), folder or "")
        output.note(f"Written: {written}")
    elif picture:
        drawings = [draw(item, answer) for item, answer in zip(read, answers, strict=True)]
        output.note(f"Drawn: {save_alone(drawings, Path(folder or ''))}")
    elif folder:
        drawings = [draw(item, answer) for item, answer in zip(read, answers, strict=True)]
        for name, drawing, answer in zip(_names(inputs, answers), drawings, answers, strict=True):
            _keep(output, answer, Path(folder), name)
            output.note(f"Drawn: {save(drawing, Path(folder), name)}")
    elif any(hasattr(answer, "sampling_rate") for answer in answers):
        output.note("Recordings are kept by -o FOLDER, and played by -o page.html.")
    if output.json:
        found = [{"input": text, "output": plain(answer)} for text, answer in zip(inputs, answers, strict=True)]
        output.data({"model": model, "predictions": found, "skipped": [problem.to_dict() for problem in skipped]})
        return
    output.left_out(skipped)
    if answers and all(isinstance(answer, Mapping) and "median" in answer for answer in answers):
        _forecasts(output, inputs, answers)
        return
    columns = [Column("input", fold=True), Column("label"), Column("score", number=True)]
    output.table(columns, list(_rows(inputs, answers)))


def _rows(inputs: Sequence[str], answers: Sequence[Any]) -> Iterator[list[str]]:
    """A row for each label of each answer."""
    for text, answer in zip(inputs, answers, strict=True):
        labels = answer if isinstance(answer, list) else [answer]
        tiny = max((one["score"] for one in labels if isinstance(one, Mapping) and "score" in one), default=1) < 0.0005
        for position, label in enumerate(labels):
            name, score = shown(label)
            yield [text if position == 0 else "", name, f"{label['score']:.1e}" if tiny and score else score]


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


def series(
    inputs: tuple[str, ...], horizon: int | None, target_column: str | None
) -> tuple[list[Any], tuple[str, ...], list[Problem]]:
    """Every series of the tables named, to its end, what to call each, and what was left out.

    Raises:
        DataError: as ``zoo.data.series.whole_series``.
    """
    from zoo.contract.reader import ReadOptions
    from zoo.data.series import TASK, whole_series

    options = ReadOptions(target_column=target_column, task=TASK, horizon=horizon)
    found, names, problems = [], [], []
    for text in inputs:
        read, left_out = whole_series(text, options)
        found += read
        names += [f"{text}: {one.name}" for one in read]
        problems += left_out
    return found, tuple(names), problems


def _forecasts(output: Output, inputs: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> None:
    """A row for each step of each series: the median, and what eight of ten values are expected between."""
    rows = []
    for text, answer in zip(inputs, answers, strict=True):
        bounds = zip(answer["quantiles"]["0.1"], answer["median"], answer["quantiles"]["0.9"], strict=True)
        for step, (time, values) in enumerate(zip(answer["times"], bounds, strict=True)):
            rows.append([text if step == 0 else "", time, *(f"{value:.5g}" for value in values)])
    numbers = [Column(name, number=True) for name in ("0.1", "median", "0.9")]
    output.table([Column("series", fold=True), Column("time"), *numbers], rows)


def shown(answer: Any) -> tuple[str, str]:
    """An answer in a few words, and its score where it has one."""
    if hasattr(answer, "sampling_rate"):
        return f"{answer.seconds:.2f} s at {answer.sampling_rate:,} Hz", ""
    if isinstance(answer, float):
        return f"{answer:.6g}", ""
    if not isinstance(answer, Mapping):
        return str(answer).strip() or "(nothing)", ""
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
    if "pdb" in answer:
        return f"{len(answer['plddt'])} residues", f"{answer['mean_plddt']:.3f}"
    if "native_perplexity" in answer:
        return f"{answer['sequence']} ({answer['recovery']:.0%} native)", f"{answer['confidence']:.3f}"
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


def _keep(output: Output, answer: Any, folder: Path, name: str) -> None:
    """Write what an answer holds beside what is drawn of it: a recording, a structure, or a sequence."""
    if hasattr(answer, "sampling_rate"):
        from zoo.kinds.audio import save

        output.note(f"Written: {save(answer, folder, name)}")
    elif isinstance(answer, Mapping) and "pdb" in answer:
        from zoo.data.structure_drawing import save_pdb

        output.note(f"Written: {save_pdb(answer, folder, name)}")
    elif isinstance(answer, Mapping) and "native_perplexity" in answer:
        from zoo.data.sequence_files import save_fasta

        output.note(f"Written: {save_fasta(answer['sequence'], folder, name)}")


def _names(inputs: Sequence[str], answers: Sequence[Any]) -> list[str]:
    """Names of files for what was drawn: those of the inputs' files, or of texts their first words with a number."""
    names = []
    for number, (text, answer) in enumerate(zip(inputs, answers, strict=True), start=1):
        words = "-".join(re.findall(r"[^\W_]+", text.lower())[:WORDS])[:LONGEST_NAME]
        kept = isinstance(answer, Mapping) and ("image" in answer or "pdb" in answer)
        made = hasattr(answer, "sampling_rate") or kept
        if isinstance(answer, Mapping) and "median" in answer:
            file, _, column = text.rpartition(": ")
            words = "-".join([Path(file.rpartition(":")[2]).stem, *re.findall(r"[^\W_]+", column.lower())[:WORDS]])
            names.append(words if sum(other == text for other in inputs) == 1 else f"{number:02d}-{words}")
            continue
        names.append(f"{number:02d}-{words}" if made else Path(text).stem)
    return names
