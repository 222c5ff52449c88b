"""The base models that the files of a folder name: its model card, its adapter's configuration, its configuration."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.entities import ModelCard
from zoo.untrusted import parse_yaml, read_json

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}\Z")
_HEADER = re.compile(r"\A---\r?\n(.*?)\r?\n---\s*$", re.DOTALL | re.MULTILINE)
_MOST = 1 << 20
_MOST_NAMED = 50


def with_stated_bases(card: ModelCard, root: Path, config: Mapping[str, Any] | None) -> ModelCard:
    """A folder's card with the models of the Hub that its files say it is derived from.

    Args:
        config: the content of ``config.json``.
    """
    named = list(dict.fromkeys(f"hf:{name}" for name in _named(root, config or {}) if _REPOSITORY.match(name)))
    if not named:
        return card
    tags = [f"base_model:merge:{id.removeprefix('hf:')}" for id in named[1:_MOST_NAMED]]
    return dataclasses.replace(card, base_model=card.base_model or named[0], tags=(*card.tags, *tags))


def _named(root: Path, config: Mapping[str, Any]) -> Iterator[str]:
    adapter = read_json(root / "adapter_config.json") or {}
    stated = [_header(root).get("base_model"), adapter.get("base_model_name_or_path"), config.get("_name_or_path")]
    for value in stated:
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))


def _header(root: Path) -> Mapping[str, Any]:
    """The header of the model card, as the Hub reads it; empty without one."""
    with contextlib.suppress(OSError, ValueError):
        with (root / "README.md").open("rb") as file:
            match = _HEADER.match(file.read(_MOST).decode("utf-8", "replace"))
        found = parse_yaml(match[1]) if match else None
        if isinstance(found, Mapping):
            return found
    return {}
