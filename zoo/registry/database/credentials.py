"""Removes user names, passwords and tokens from addresses before they are stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.redaction import redacted_values, without_credentials

Item = ModelCard | BenchmarkScore | Measurement | Run


def cleaned(items: Iterable[Item]) -> Iterator[Item]:
    """The items without credentials in their addresses; items without credentials are the same objects."""
    for item in items:
        changed = _changed(item)
        yield dataclasses.replace(item, **changed) if changed else item


def _changed(item: Item) -> dict[str, Any]:
    """The fields that change when credentials are removed."""
    found: dict[str, Any] = {}
    match item:
        case ModelCard():
            if _suspect(item.url):
                found["url"] = without_credentials(str(item.url))
            if any(map(_suspect, item.loader.values())):
                found["loader"] = {name: _bare(value) for name, value in item.loader.items()}
        case BenchmarkScore():
            if _suspect(item.source):
                found["source"] = without_credentials(item.source)
        case Measurement():
            if _suspect(item.dataset):
                found["dataset"] = without_credentials(item.dataset)
        case Run():
            for name in ("model", "dataset", "path"):
                if _suspect(getattr(item, name)):
                    found[name] = without_credentials(getattr(item, name))
            if any(map(_suspect, item.plan.values())):
                found["plan"] = {name: _bare(value) for name, value in item.plan.items()}
    return {name: value for name, value in found.items() if value != getattr(item, name)}


def _suspect(value: Any) -> bool:
    """Whether a value may contain an address with credentials; a cheap test that most values fail."""
    if isinstance(value, str):
        return "://" in value and ("@" in value or "?" in value)
    if isinstance(value, Mapping):
        return any(map(_suspect, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_suspect, value))


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return without_credentials(value)
    return redacted_values(value) if _suspect(value) else value
