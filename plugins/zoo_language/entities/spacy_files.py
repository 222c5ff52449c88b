"""Recognises spaCy's pipelines among local files by their ``meta.json`` and ``config.cfg``, without spaCy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard
from zoo.errors import storage_errors
from zoo.untrusted import read_json

LIBRARY = "spacy"
META, CONFIG = "meta.json", "config.cfg"
_FINDER = re.compile(r'^factory\s*=\s*"ner"', re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")


def recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a pipeline, from its ``meta.json`` and the kinds of components in its ``config.cfg``.

    Raises:
        InvalidInput: the metadata are not a JSON object.
    """
    if config or not all((folder.root / name).is_file() for name in (META, CONFIG)):
        return None
    meta: dict[str, Any] = read_json(folder.root / META) or {}
    with storage_errors(folder.root, "read"):
        components = (folder.root / CONFIG).read_text(encoding="utf-8", errors="replace")
    language = str(meta.get("lang") or "")
    return ModelCard(
        id=folder.id,
        domain="language",
        tasks=("token-classification",) if _FINDER.search(components) else (),
        architecture="spaCy pipeline",
        library=LIBRARY,
        description=" ".join(str(meta.get("description") or "").split())[:300],
        license=of_hub_tag(meta.get("license")),
        languages=(language,) if _LANGUAGE.match(language) else (),
        input={"kind": "text"},
    )
