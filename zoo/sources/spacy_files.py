"""Recognises spaCy's pipelines among local files by their ``meta.json`` and ``config.cfg``, without spaCy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.entities import ModelCard, ModelFile
from zoo.errors import storage_errors
from zoo.sources.files.config_card import read_json
from zoo.sources.files.model_files import PIPELINE

LIBRARY = "spacy"
META, CONFIG = "meta.json", "config.cfg"
_FINDER = re.compile(r'^factory\s*=\s*"ner"', re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")


def is_pipeline(root: Path) -> bool:
    """Whether a folder is what ``nlp.to_disk`` wrote."""
    return all((root / name).is_file() for name in PIPELINE)


def card_of(model: str, root: Path, files: Sequence[ModelFile]) -> ModelCard:
    """The card of a pipeline in a folder, from its ``meta.json`` and the kinds of components in its ``config.cfg``.

    Raises:
        InvalidInput: that is not JSON, or no table.
    """
    meta: dict[str, Any] = read_json(root / META) or {}
    with storage_errors(root, "read"):
        config = (root / CONFIG).read_text(encoding="utf-8", errors="replace")
    language = str(meta.get("lang") or "")
    return ModelCard(
        id=model,
        domain="language",
        tasks=("token-classification",) if _FINDER.search(config) else (),
        architecture="spaCy pipeline",
        library=LIBRARY,
        description=" ".join(str(meta.get("description") or "").split())[:300],
        bytes=sum(file.bytes or 0 for file in files),
        license=of_hub_tag(meta.get("license")),
        languages=(language,) if _LANGUAGE.match(language) else (),
        input={"kind": "text"},
        files=tuple(files),
    )
