"""What ``zoo export`` writes on the models of a team: the bill of materials of a lock, and facts of a model."""

from __future__ import annotations

from pathlib import Path

from zoo.cli.output import Output


def export_lock(output: Output, file: str) -> None:
    """Write the bill of materials of the nearest lock."""
    from zoo.team.compliance.bill import bill_of_project

    _check_name(file, ".json")
    text, models = bill_of_project(Path.cwd())
    _write(file, text)
    if file == "-":
        return
    if output.json:
        output.data({"exported": {"models": models}, "file": file})
    else:
        output.text(f"Wrote {output.counted({'models': models})} of the lock to {file}.")


def export_annex(output: Output, model: str, file: str) -> None:
    """Write the facts of a model: JSON if the file ends in .json or --json is given, else Markdown."""
    from zoo.team.compliance.annex import annex_of
    from zoo.team.compliance.writing import as_json, as_markdown

    _check_name(file, ".md", ".json")
    annex = annex_of(model, Path.cwd())
    if file == "-" and output.json:
        output.data(annex.to_dict())
        return
    _write(file, as_json(annex) if file.lower().endswith(".json") else as_markdown(annex))
    if file == "-":
        return
    missing = sum(fact.value is None for fact in (*annex.facts, *annex.modification))
    if output.json:
        output.data({"model": annex.model, "not_published": missing, "file": file})
    else:
        output.text(f"Wrote the facts of {annex.model} to {file}; {missing} are not published. {annex.notes[0]}")


def _check_name(file: str, *endings: str) -> None:
    from zoo.errors import InvalidInput

    if file != "-" and not file.lower().endswith(endings):
        raise InvalidInput(f"'{file}' must end in {' or '.join(endings)}.", "For standard output, write -.")


def _write(file: str, text: str) -> None:
    from zoo.exchange.exporting import writer

    with writer(file) as stream:
        stream.write(text)
