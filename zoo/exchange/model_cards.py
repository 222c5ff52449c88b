"""Reads the scores in the header of a model card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.catalog.model_index import scores_of
from zoo.entities import BenchmarkScore
from zoo.errors import DataError
from zoo.exchange.documents import text, yaml

_FRONT = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---\s*(\n|\Z)", re.DOTALL)


def header_of(card: Path) -> Mapping[str, Any]:
    """The YAML header of a model card (``README.md``); empty if there is none."""
    front = _FRONT.match(text(card)) if card.is_file() else None
    header = yaml(front[1], str(card)) if front else None
    return header if isinstance(header, Mapping) else {}


def model_index(source: str, model: str) -> Iterator[BenchmarkScore]:
    """The scores in a model card's header (``README.md``), or in a YAML file with a ``model-index``.

    Raises:
        DataError: there are no scores.
    """
    path = Path(source).expanduser()
    content = text(path)
    front = _FRONT.match(content)
    header = yaml(front[1] if front else content, source)
    index = header.get("model-index") if isinstance(header, Mapping) else None
    scores = list(scores_of(model, index, str(header.get("url") or f"model-index of {path.name}"))) if index else []
    if not scores:
        raise DataError(f"{source} has no scores in a 'model-index'.", "It must be a model card, or its header.")
    yield from scores
