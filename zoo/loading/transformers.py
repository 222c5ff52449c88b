"""Loads the parts of a transformers folder: configuration, tokenizer, processor, and weights, with missing tensors.

Nothing is downloaded, and no code from the model is run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel
from zoo.loading.quiet import quiet
from zoo.loading.sentence_pieces import refuse_without_sentencepiece
from zoo.loading.weights_report import (
    missing_tensors,
    refuse_missing,
    refuse_other_shapes,
    refuse_unexpected,
    warn_of_unexpected,
)

if TYPE_CHECKING:
    from zoo.entities import ModelCard

LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""Arguments of every ``from_pretrained``."""

WARN, IGNORE, REFUSE = "warn", "ignore", "refuse"
"""What to do about tensors that the architecture does not have."""


def load_config(folder: Path) -> Any:
    """The configuration of a folder.

    Raises:
        UnsupportedModel: it is damaged, or a field has an invalid value.
    """
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(folder, **LOCAL)
    except Exception as error:  # the library's checks of fields raise errors of their own
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"transformers cannot read the config.json in {folder}: {reason}.", "Save the model again."
        ) from error


def load_part(kind: Any, card: ModelCard, folder: Path) -> Any:
    """A processor or feature extractor.

    Args:
        kind: the class of transformers that reads it.

    Raises:
        UnsupportedModel: its files are damaged or missing.
    """
    with clear_errors(card), quiet():
        return kind.from_pretrained(folder, **LOCAL)


def load_tokenizer(card: ModelCard, folder: Path, extra: str) -> Any:
    """The tokenizer of a folder.

    Args:
        extra: the optional-dependency group of this distribution that installs sentencepiece.

    Raises:
        MissingExtra: it needs the package sentencepiece, which is not installed.
        UnsupportedModel: its files are damaged or missing.
    """
    import transformers

    with clear_errors(card, f"The tokenizer of '{card.id}' cannot be loaded", folder=folder, extra=extra), quiet():
        return transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)


def load_model(
    kind: Any,
    card: ModelCard,
    folder: Path,
    *,
    unneeded: Sequence[str] = (),
    unexpected: str = WARN,
    library: str = "transformers",
    **options: Any,
) -> Any:
    """A model with all its weights.

    Args:
        kind: the class that reads it: one of transformers' automatic classes, or an architecture.
        unneeded: parts of names of tensors that the weights may lack.
        unexpected: what to do about tensors that the architecture does not have: ``warn``, ``ignore`` or ``refuse``.
        library: the package that has the architecture.
        options: further arguments of ``from_pretrained``, such as ``config`` and ``dtype``.

    Raises:
        UnsupportedModel: the weights are damaged or missing, do not have the shapes of the ``config.json``, lack
            tensors, or hold unexpected ones and ``unexpected`` is ``refuse``.
    """
    with clear_errors(card, f"{library} cannot load '{card.id}'"):
        model, report = _pretrained(kind, folder, ignore_mismatched_sizes=True, **options)
    refuse_other_shapes(card, report)
    if unexpected == WARN:
        warn_of_unexpected(card, report, folder)
    missing = [name for name in missing_tensors(model, report) if not any(part in name for part in unneeded)]
    refuse_missing(card, missing)
    if unexpected == REFUSE:
        refuse_unexpected(card, report)
    return model


def load_published_head(kind: Any, folder: Path, **options: Any) -> Any:
    """A model with the head that it was published with; None if the weights lack one of its tensors.

    Args:
        kind: one of transformers' automatic classes.
        options: as for ``load_model``.
    """
    model, report = _pretrained(kind, folder, **options)
    if missing := missing_tensors(model, report):
        logging.getLogger(__name__).info("The checkpoint in %s lacks %s.", folder, missing[0])
        return None
    return model


@contextmanager
def clear_errors(card: ModelCard, what: str = "", *, folder: Path | None = None, extra: str = "") -> Iterator[None]:
    """Turn errors of a library that loads a damaged or unknown folder into a clear error.

    Args:
        what: the start of the message; empty for that of transformers.
        folder: the model's files, if a tokenizer may need sentencepiece, which ``extra`` installs.

    Raises:
        MissingExtra: the package sentencepiece is needed and not installed.
        UnsupportedModel: any other error of the library.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        AssertionError,
        ImportError,
        SafetensorError,
    ) as error:
        if folder is not None:
            refuse_without_sentencepiece(card, folder, extra, error)
        reason = " ".join(str(error).split())[:300].rstrip(".")
        beginning = what or f"transformers cannot load '{card.id}'"
        raise UnsupportedModel(f"{beginning}: {reason}.", f"Run: zoo verify {card.id}") from error


def _pretrained(kind: Any, folder: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    with quiet():
        found: tuple[Any, dict[str, Any]] = kind.from_pretrained(
            folder, weights_only=True, output_loading_info=True, **LOCAL, **options
        )
    return found
