"""``zoo predict``: a model's own answer to single inputs."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output


@zoo_command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--task", help="Task of the output [default: the model's first].")
@click.option("--labels", help="Classes that a zero-shot model chooses from, with commas between.")
@click.option("--device", help="cpu, cuda, cuda:1, mps [default: the best there is].")
def command(
    output: Output, model: str, inputs: tuple[str, ...], *, task: str | None, labels: str | None, device: str | None
) -> None:
    """Run a model on inputs.

    INPUT is an image file, a recording, a text, a SMILES or a sequence of residues, as the model takes it.

    \b
    Examples:
      zoo predict pkg:efficientnet-lite0 flower.jpg
      zoo predict file:./tuned photos/1.jpg photos/2.jpg --json
      zoo predict openclip:ViT-B-32/laion2b_s34b_b79k photo.jpg --labels cat,dog,horse
    """
    from zoo.data.single import read_input
    from zoo.features import load

    named = tuple(label.strip() for label in (labels or "").split(",") if label.strip())
    loaded = load(model, device=device, progress=output.progress())
    answers = loaded.predict([read_input(text, loaded.backbone.input_kind) for text in inputs], task, named)
    if output.json:
        predictions = [{"input": text, "output": answer} for text, answer in zip(inputs, answers, strict=True)]
        output.data({"model": model, "predictions": predictions})
        return
    rows = []
    for text, answer in zip(inputs, answers, strict=True):
        found = answer if isinstance(answer, list) else [answer]
        for position, label in enumerate(found):
            name, score = (label["label"], f"{label['score']:.3f}") if isinstance(label, dict) else (str(label), "")
            rows.append([text if position == 0 else "", name, score])
    output.table([Column("input", fold=True), Column("label"), Column("score", number=True)], rows)
