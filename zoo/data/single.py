"""Single inputs as people type them on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.data.molecules import smiles_problem
from zoo.data.proteins import clean, protein_problem
from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.kinds import audio
from zoo.kinds import image as images

_ASKED = {("text", "question"), ("image", "image-question")}
"""Kinds of input that models have, with those that tasks ask of them."""

LONGEST_PATH = 4096
"""Characters beyond which nothing is taken for the name of a file."""

_FILES = {"image": "image", "audio": "recording", "crystal": "structure", "grid": "NetCDF"}


def entries(inputs: Sequence[str], kind: str) -> list[tuple[str, str]]:
    """Name and text of each input; a FASTA, SMILES or structure file stands for all that it holds.

    Raises:
        DataError: a file cannot be read, or holds nothing.
    """
    found: list[tuple[str, str]] = []
    for text in inputs:
        path = Path(text).expanduser() if kind in {"protein", "molecule"} and len(text) < LONGEST_PATH else None
        found += _entries_of(path, kind) if path is not None and path.is_file() else [(text, text)]
    return found


def _entries_of(path: Path, kind: str) -> list[tuple[str, str]]:
    from zoo.data import sequence_files, structures

    if kind == "protein" and structures.is_protein_file(path):
        chain = structures.read_structure(path)
        if isinstance(chain, str):
            raise DataError(f"'{path}' {chain}.")
        return [(path.stem, chain.sequence)]
    if sequence_files.form_of(path) not in (sequence_files.FASTA if kind == "protein" else sequence_files.SMILES):
        raise DataError(f"'{path}' is no file of {kind}s that can be read here.", "Give FASTA, or SMILES (.smi).")
    read = sequence_files.fasta_entries(path) if kind == "protein" else sequence_files.smiles_entries(path)
    found = [(name, text) for name, text, _ in read]
    if not found:
        raise DataError(f"'{path}' holds no {kind}s.")
    return found


def read_input(text: str, kind: str, variables: Sequence[str] = (), least: int | None = None) -> Any:
    """What ``text`` stands for: what is in that file, or the text, SMILES or sequence itself.

    A ``.txt`` file stands for its text.

    Args:
        variables: of a file with fields, those to read; none takes all that have the unit of the first.
        least: times that such a file has to have; None is as many as tell what is usual.

    Raises:
        DataError: there is no such file, it cannot be decoded, or the text is empty or no molecule or protein.
        UnsupportedModel: inputs of this kind cannot be typed.
    """
    if kind == "text":
        return _text(text)
    if kind == "question":
        from zoo.data.questions import parse

        return parse(text)
    if kind == "utterance":
        from zoo.data.utterances import parse as parse_utterance

        return parse_utterance(text)
    if kind == "image-question":
        from zoo.data.visual_questions import parse as parse_visual

        return parse_visual(text)
    if kind in {"molecule", "protein"}:
        value = clean(text) if kind == "protein" else text.strip()
        reason = protein_problem(value) if kind == "protein" else smiles_problem(value)
        if reason:
            raise DataError(f"'{text[:60]}' {reason}.", "Write one-letter residues, or a SMILES such as CCO.")
        return value
    if kind == "protein-structure":
        return _protein_structure(Path(text).expanduser(), text)
    if kind not in _FILES:
        raise UnsupportedModel(f"Inputs of the kind '{kind}' cannot be given on the command line.")
    path = Path(text).expanduser()
    if not path.is_file():
        raise DataError(f"There is no {_FILES[kind]} file '{text}'.")
    if kind == "crystal":
        from zoo.data.crystals import read_crystal

        crystal = read_crystal(path)
        if isinstance(crystal, str):
            raise DataError(f"'{text}' cannot be used as a crystal: it {crystal}.")
        return crystal
    if kind == "grid":
        from zoo.data.grids import latest

        return latest(path, variables) if least is None else latest(path, variables, least)
    if kind == "image":
        with needs_extra("data", "read images"):
            import PIL.Image  # noqa: F401
    facts = images.inspect(path) if kind == "image" else audio.inspect(path)
    if isinstance(facts, str):
        raise DataError(f"'{text}' cannot be read as {'an image' if kind == 'image' else 'a recording'}: it {facts}.")
    content = path.read_bytes()
    return images.decode(content) if kind == "image" else audio.decode(content)


def _protein_structure(path: Path, text: str) -> Any:
    from zoo.data.structures import FEWEST, read_structure

    if not path.is_file():
        raise DataError(f"There is no file '{text}' with a structure.", "Give a PDB or mmCIF file.")
    chain = read_structure(path)
    if isinstance(chain, str):
        raise DataError(f"'{text}' {chain}.")
    whole = chain.complete()
    if len(whole) < FEWEST:
        raise DataError(f"'{text}' has the whole backbone of {len(whole)} residues only.")
    return whole


def _text(text: str) -> str:
    """The text itself, or what is written in the ``.txt`` file of that name."""
    from zoo.kinds.text import read_text

    name = text.strip()
    if name.lower().endswith(".txt") and "\n" not in name and len(name) < LONGEST_PATH:
        path = Path(name).expanduser()
        if path.is_file():
            text = read_text(path)
    if not text.strip():
        raise DataError(f"'{name}' has no text.", "Give a text, or a .txt file that holds one.")
    return text


def input_kind(model: Any, task: str | None) -> str:
    """What a model takes for a task: its own kind of input, or what the task asks for beside it, such as questions."""
    from zoo.plugins import plugins

    own = str(model.backbone.input_kind)
    wanted = plugins().tasks.get(task or next(iter(model.card.tasks), ""))
    if wanted is not None and (own, *wanted.inputs) in _ASKED:
        return wanted.inputs[0]
    if wanted is not None and own == "text" and wanted.target == "audio":
        return "utterance"
    return own
