"""Tokenizers that need the package sentencepiece."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from zoo.entities import ModelCard
from zoo.errors import MissingExtra

SUFFIXES = frozenset({".model", ".spm"})


def refuse_without_sentencepiece(card: ModelCard, folder: Path, extra: str, error: Exception) -> None:
    """Raise an error that names the package if a tokenizer cannot be loaded without it.

    Args:
        folder: the model's files.
        extra: the optional-dependency group of this distribution that installs the package.
        error: the error that loading raised.

    Raises:
        MissingExtra: the folder has files of sentencepiece, and the package is not installed.
    """
    if find_spec("sentencepiece") is None and any(path.suffix in SUFFIXES for path in folder.iterdir()):
        raise MissingExtra(
            f"The package 'sentencepiece' is needed to load the tokenizer of '{card.id}' and is not installed.",
            f"Run: pip install 'foundation-zoo[{extra}]'",
        ) from error
