"""Writes ``zoo.lock``: sorted, one line for each fact, and byte for byte the same for the same content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zoo.atomic import replacing
from zoo.team.lock.entities import LOCK_VERSION, Lock, LockedModel
from zoo.team.lock.reading import check_text

HEADER = "# The models of this project, written by 'zoo lock'. After a merge, run it again."


def write(lock: Lock) -> None:
    """Write a lock atomically.

    Raises:
        StorageError: the file cannot be written; it stays as it was.
        LockError: its content could not be read again; nothing was written.
    """
    text = text_of(lock)
    check_text(lock.path, text)
    with replacing(lock.path) as place:
        place.write_bytes(text.encode())


def text_of(lock: Lock) -> str:
    """The content of the file."""
    lines = [HEADER, f'lock-version = "{LOCK_VERSION}"', 'created-by = "zoo"']
    if lock.policy is not None:
        lines.append(f"policy = {_inline({'name': lock.policy_name, 'sha256': lock.policy})}")
    if lock.audit is not None:
        lines.append(f"audit-head = {_text(lock.audit)}")
    for model in ordered(lock.models):
        lines += ["", "[[models]]", *_model(model)]
    return "\n".join(lines) + "\n"


def ordered(models: Iterable[LockedModel]) -> tuple[LockedModel, ...]:
    """Models in the order of the file: by id, and by standard."""
    return tuple(sorted(models, key=lambda model: (model.id, model.standard or "")))


def _model(model: LockedModel) -> Iterator[str]:
    texts = {
        "id": model.id,
        "standard": model.standard,
        "revision": model.revision,
        "license": model.license,
        "repository-id": model.repository,
    }
    yield from (f"{key} = {_text(value)}" for key, value in texts.items() if value)
    if model.requires:
        yield f"requires = {_value(model.requires)}"
    if model.agreed is not None:
        agreed = model.agreed
        yield (
            f"approved = {{ proposal = {agreed.proposal}, by = {_value(agreed.by)}, on = {agreed.on}, "
            f"policy = {_text(agreed.policy)} }}"
        )
    decision = {"verdict": model.verdict, **({"rules": model.rules} if model.rules else {})}
    yield f"decision = {_inline(decision)}"
    yield "files = ["
    for file in sorted(model.files, key=lambda file: file.path):
        yield f"  {_inline({'path': file.path, 'bytes': file.bytes, 'sha256': file.sha256})},"
    yield "]"


def _inline(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in values.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if isinstance(value, int) else _text(value)


def _text(value: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON and of one more character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
